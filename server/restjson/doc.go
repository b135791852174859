// Package restjson is the REST-JSON protocol: the one pipeline every request of such a service goes through.
//
// It owns the way from an HTTP request to a typed function and back: routes on the escaped path, size caps, authentication for the service's
// own signing name, strict or AWS-like decoding, the error envelope (x-amzn-ErrorType, __type, message), and exactly one audit event per
// request, recorded before the answer is sent. What is not on record was not done: if the event cannot be written, the answer is dropped.
//
// It refuses what no route admits, bodies over a cap, bodies that are not JSON, repeated members, and, for a strict service, unknown ones. It decides
// nothing about who may do what: the function it calls does, through the gate.
//
// It may import access, awserr, sigv4 and audit, and no service.
package restjson
