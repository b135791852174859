// Package api is Podpass's own API as its clients see it: the wire types and the client of the calls under /podpass/v1/, and the documents of
// `podpass apply` with their JSON schema.
//
// Requests are REST-JSON, signed with SigV4 as service "podpass". Times are RFC 3339. Unknown members are refused on both sides of an
// apply document, so that a mistyped field is an error and not a setting that never took effect.
//
// It may import identity and nothing else of this project: a program that only talks to a Podpass needs no more.
package api
