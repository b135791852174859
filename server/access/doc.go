// Package access decides who asks and whether they may: the gate in front of every signed call.
//
// It owns what becomes of a verified signature: the access key or session behind it, the user or role that must still be there, expiry,
// revocation and key status; which policies apply to a caller; and the condition keys every call has. It refuses what it cannot resolve: a
// policy that is missing or doesn't parse denies, as does a store that can't be answered from. All ways in which a key or session
// can be wrong get one answer, so that nobody learns which keys, users and roles exist.
//
// A Caller is passed as an argument, never in a context. The package imports sigv4, awserr, policy, session, store and identity, and
// no service. Errors are *awserr.Error in the Query family.
package access
