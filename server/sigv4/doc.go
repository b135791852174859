// Package sigv4 verifies AWS Signature Version 4 on the server's side, for signatures in the Authorization header and in the query string
// (presigned URLs).
//
// Verifying is two steps, because the secret is found by what the first one read: Parse reads the signature strictly, Signature.Check judges its
// scope and its time, and Signature.Verify computes it anew. Nothing a Signature says may be believed before Verify returned nil.
//
// It refuses what could be read in two ways: paths with dot segments or doubled slashes (SDKs disagree about normalising them),
// duplicate authentication parameters, header and query signatures on one request, signed headers that are not there, and x-amz-*
// headers that are there and not signed. The one exception is X-Amz-Security-Token, which some clients add after signing: a session
// token is sealed together with its access key id, which is signed, so no other token would do. Forms of S3 (UNSIGNED-PAYLOAD, chunk
// signatures) and SigV4A are refused.
//
// Errors are *awserr.Error of the Query family. It imports awserr and identity, and nothing that knows keys or callers.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
package sigv4
