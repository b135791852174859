// Package oidc is the issuer side of hosted clusters: the two documents verifiers fetch, and the rotation of the keys in them.
//
// It owns /oidc/CLUSTER/.well-known/openid-configuration and /oidc/CLUSTER/keys, and when a new key is published, when it begins to sign, and
// when an old one is withdrawn: a key signs only after everybody who verifies has had time to see it, and is withdrawn only after every
// token it signed has expired.
//
// It refuses any cluster that isn't hosted here: their issuers serve their own documents. It signs no token (the control API does) and
// decides nothing about who may have one. It may import store, token, server/keys and identity.
package oidc
