// Command bench measures what docs/benchmarks.md quotes, each figure beside its limit in the same run: rounds of the two take turns, and the
// medians are compared, so that a machine whose speed drifts doesn't matter.
//
//	bench [-rounds N] [-round D] [-only PART] BIN/podpass
//
// The limit of AssumeRoleWithWebIdentity is a bare net/http handler in a process of its own that does one RSA-2048 verification of the token it is sent
// and writes a reply of the same size; that of GetCallerIdentity is the same without the verification. Both are driven by the one load generator below.
//
// The limit of admission reviews is a bare handler over TLS, in a process of its own, that reads the body and writes the webhook's own reply; that of
// reviews before a real API server are the reads of service accounts alone. Their generator speaks HTTP/1.1 over TLS in the fewest words.
package main
