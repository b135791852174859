// Package associations says which service accounts of a cluster have a Pod Identity association, out of memory, and whether what it says is current.
//
// It owns the webhook's membership in the server's write barrier. A Follower long-polls a server under an id of its own, applies what the server tells,
// and says with its next request how far it has come; the server acknowledges a change of an association only when every live member has applied it.
// So whoever creates a pod after an association was acknowledged finds the association here. A Follower that is cut off knows it before the server
// stops waiting for it: its answers are current until LeaseSeconds after it sent the last request that was answered, by both clocks.
//
// It refuses to call an answer current that may not be. It never forgets what was known last: that is for the caller to use or not.
//
// It imports package api (the server's HTTP API) and identity.
package associations
