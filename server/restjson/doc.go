// Package restjson is the REST-JSON protocol: the one pipeline every request of such a service goes through.
//
// It owns the way from an HTTP request to a typed function and back: routes on the escaped path, size caps, authentication for the service's
// own signing name, strict or AWS-like decoding, and the error envelope (x-amzn-ErrorType, __type, message). Package record sees to it that
// every request has its audit event before it is answered.
//
// It refuses what no route admits, bodies over a cap, bodies that are not JSON, repeated members, and, for a strict service, unknown ones. It decides
// nothing about who may do what: the function it calls does, through the gate.
//
// It may import record, access, awserr, sigv4 and audit, and no service.
package restjson
