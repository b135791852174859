// Package grant gives a service account a permission in one go, and takes it back: the role, its trust in this one service account, its policies, the
// cluster's OIDC provider where IRSA needs one, the association or the annotation, and the proof that all of it together works.
//
// A [Planner] reads cluster and account and says what is missing, step by step, in an order in which nothing is linked before it is allowed; [Apply] does the
// steps; [Prove] exchanges a real token. Everything is decided from what is there: an interrupted grant is finished by planning again, and a grant that
// is complete plans nothing. [Planner.Revoke] plans the way back.
//
// What a grant has made is recognised by marks that stand beside it (mark.go): statements by their Sid, inline policies by their names, attached policies,
// roles, providers and associations by tags, service accounts by an annotation. What bears no mark of ours is somebody else's, and is never removed.
// Trust policies are edited as text: outside our statement they come back byte for byte.
//
// It refuses to touch a role of another account than the credentials' own, to take a role over that merely has the name it would choose, and to replace an
// annotation or association that names another role.
//
// It knows the world only through cluster and account, and imports policy and identity beside them.
package grant
