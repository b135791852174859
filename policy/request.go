package policy

// Source is a document and where it came from, for a Decision to name.
type Source struct {
	ID   string // "arn:aws:iam::…:policy/x", "role/reader inline policy NAME", "trust policy of arn…"
	Type string // the simulator's SourcePolicyType: "IAM Policy" …
	Doc  *Document
}

// Requester is who asks, as Principal elements see it. Every field may be empty; all empty is anonymous.
type Requester struct {
	Account      string // 12 digits; "" anonymous
	PrincipalARN string // IAM identity: role ARN with its path, or user ARN
	SessionARN   string // assumed-role or federated-user ARN
	UniqueID     string // AROA…/AIDA… of the identity (stored trust policies pin roles and users to it)
	Federated    string // OIDC provider ARN for web identity
	Service      string // service principal
}

// bare callers have no IAM identity: web identities, services and the anonymous. Only resource policies can let them in.
func (r *Requester) bare() bool { return r.PrincipalARN == "" && r.SessionARN == "" }

// Request is what is asked.
type Request struct {
	Requester Requester
	Action    string   // "sts:AssumeRole"
	Resource  string   // ARN, or "*"
	Context   *Context // nil is empty
	// Pins maps principal ARNs of roles and users, as they stand in the resource policy, to the unique id they had when it was saved. A
	// principal ARN with a pin matches the requester of that id and no other: deleting and re-creating a role breaks the trust in it,
	// renaming or moving a user doesn't, as on AWS. nil: no pins.
	Pins map[string]string
}

// Policies is everything that applies to a request. A Source without a Doc grants nothing.
type Policies struct {
	Identity []Source // union
	Boundary []Source // nil: none; else one or more whose union must allow
	Session  []Source // nil: no session policy; else union must allow
	Resource []Source // trust or resource policies
	// RequireResource: the resource side must itself allow (trust policies, KMS keys).
	RequireResource bool
	// ResourceAccount is the account that owns the resource; cross-account needs both sides. "" with Resource policies is another
	// account than the caller's; "" without them is the caller's own.
	ResourceAccount string
}
