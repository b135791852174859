// Package negative is the corpus of bad input: tokens that are forged, expired, confused or malformed, signatures that are stale or
// carried elsewhere, requests and policies that can be read in two ways. Each is sent over HTTP to a whole authority and must be refused
// with AWS's code and status, leave exactly one audit event that says so, and appear with its secrets in no answer, event or log line.
//
// One file a family, one line a case. `go test -v ./test/negative` prints them as a table.
package negative
