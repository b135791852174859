// Package eks is the part of the EKS API that a cluster without EKS needs: Pod Identity associations, the description of registered clusters, and
// tags of both. One file per action.
//
// It owns what makes an association a good one, for its own actions and, through Env, for `podpass apply`: names that Kubernetes has or globs of
// such, a role that exists in the cluster's account (or one of an upstream account that serves it) and trusts pods.eks.amazonaws.com at all, a
// session policy that parses and comes without session tags. Conditions of the trust policy and sts:TagSession are judged at the exchange, as
// on AWS.
//
// It refuses a cluster of another account as one that does not exist, whatever the caller's policies say; only the management account reaches all.
// Beyond those policies whoever associates a role must be allowed to pass it (iam:PassRole).
//
// It may import store, policy, identity, and of the server access, restjson, awserr and keys.
package eks
