// Package assume is what every way to a role has in common: which role is meant, what its trust policy and the requester's own policies say
// to it, which tags the new session has, and the making of that session.
//
// It owns the rules that don't depend on how the requester came to be known. The Security Token Service (sts) brings a verified token, a key or a
// session; EKS Auth (eksauth) brings a service principal, and for a target role the session of the first. A [Verdict] carries its reason; the words
// that a client is told are the service's.
//
// It refuses by evaluating: a role that is missing is one that trusts nobody, so that it costs the same work as one that doesn't trust the requester.
// Tags of one key twice, reserved ones, and those that would replace an inherited tag are refused before anything is asked.
//
// It may import the values, policy, session, store and audit, and knows neither protocols nor services.
package assume
