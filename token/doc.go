// Package token reads and verifies the service-account tokens workloads present, and issues those of the clusters whose OIDC issuer is
// hosted here.
//
// It owns what a token must look like (Parse), whether a cluster's key signed it and whether it is in force (Token.Verify), where
// verification keys come from (Source: pinned, OIDC discovery, an API server), and the signing keys of hosted issuers (SigningKey).
//
// It refuses more than a JWT library does. Every part is canonical base64url, no JSON object has a member twice, the signature
// algorithm is fixed by the key, and no header parameter can bring, point to or switch off a key. What a token means (which audience,
// which role, which policy) is not decided here.
//
// It imports nothing else of this project.
package token
