// Package podpasstest runs a whole authority inside a test: state on an embedded etcd, STS, IAM, the API and an OIDC issuer on one
// loopback port, with a hosted cluster "local" in account 111122223333 and an administrator.
//
//	authority := podpasstest.Start(t)
//	authority.AddRole(t, podpasstest.Role{Name: "reader", Trusts: []string{"shop/web"}})
//	client := authority.WebIdentity(t, "reader", authority.Token(t, "shop", "web"))
//	who, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
//
// Nothing is faked but the clock, which runs and can be put forward or stopped, the audit sink, which keeps its events in memory, and, where a
// test asks for one, the Kubernetes API server of the cluster.
// What a test needs beyond the methods here it does through the SDKs, as an operator would, or on [Server.Store].
//
// The package may import everything; nothing but tests may import it.
package podpasstest
