// Package conformance runs unmodified AWS clients against podpass: the SDKs for Go v1 and v2, the SDK for JavaScript v3, and Debian's AWS CLI.
//
// Each client is one command that takes an API action and its input as JSON, and prints the output or the refusal as JSON, so that every test is
// one table of clients. `make test` fetches them.
package conformance
