// Package keys finds the verification keys of a token's issuer.
//
// It owns the way from an issuer to a token.Source: the registered cluster with exactly this issuer and the key source its record names,
// or, for an issuer nobody registered, OIDC discovery where the installation allows it. Sources are kept, because they hold what was
// fetched and when, and are rebuilt when the record changes in a way that concerns keys. It also asks the API server of a cluster
// registered with TokenReview whether it still stands by a token, because whom to ask, and how, stands in the same record.
//
// It refuses by handing out a source that always fails: for a key source it doesn't know, a record that can't be used, an issuer
// registered twice, a cluster registered in one account for the providers of another (unless by the management account, or with keys that
// the issuer itself is asked for). It verifies nothing and decides nothing about an issuer's right to be heard: the caller asks for keys only of
// issuers that have an IAM OIDC provider in the role's account, before anything is dialled for an anonymous request.
//
// It may import token, store, identity and client-go.
package keys
