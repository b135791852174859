// Package sts is the Security Token Service: it exchanges a service account's token, a user's key or another session for
// short-lived credentials of a role.
//
// It owns the rules of the exchange: which parameters are well formed, when a token counts as its provider's, how long a
// session lives, and what the client is told when it is refused. Whom a role's trust policy lets in, and what a session
// inherits, is decided in package assume.
// A role that is missing and a role that doesn't trust the caller look the same from outside, in words and in work done;
// the difference is in the audit event. Nothing about a provider's audiences or a role is told to a token whose signature
// has not been verified.
//
// It refuses what it doesn't know: an issuer without keys, a provider id of OAuth 2.0, multi-factor codes, provided
// contexts. It never dials out itself; keys come through package keys.
//
// One file an action. It may import the values, token, policy, session, store, audit and the server's wire packages, keys and assume.
//
// Source: https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html
package sts
