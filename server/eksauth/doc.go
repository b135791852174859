// Package eksauth is EKS Auth: it exchanges the token of a pod for credentials of the role that the pod's service account is associated with.
//
// It owns the rules of that exchange: who may ask for which cluster, when a token is a pod's of that cluster, which association is in force, the
// six session tags, the name and length of the session, the second step to a target role, and what is asked of an upstream STS where the role lives
// elsewhere. The caller, an agent, is authorised by its own policies; the role's trust policy is asked about the service pods.eks.amazonaws.com, on
// behalf of a cluster, and never sees anything of the agent.
//
// It refuses what it doesn't know: a token whose issuer isn't exactly the cluster's, one without a pod (unless the cluster allows it), a role of
// another account than the cluster's (a trust policy that names the service would otherwise let in every cluster of the installation), a role of an
// account that is neither hosted nor registered as upstream for this one.
//
// A pod is told AWS's words and, in the header Podpass-Reason, which of a few kinds of mistake it was. Which condition key had which value stands in
// the audit event only.
//
// One file a concern. It may import the values, token, policy, session, store, audit, upstream, and of the server its wire packages, keys and assume.
//
// Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_auth_AssumeRoleForPodIdentity.html
package eksauth
