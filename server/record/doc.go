// Package record is what every request goes through, whatever its protocol: it gets an id, is done, makes exactly one audit event, and is
// answered only after that event is on record. The one exception is what an action marks as routine: the next poll of a watcher, as long as it is allowed.
//
// It owns the order of these steps and what holds for all of them: a panic is a failure that is recorded like any other, an unknown error is
// sent as a bare internal failure, an answer whose event could not be written is dropped, bodies are capped. A protocol (awsquery,
// restjson) is an Exchange: it never holds the response writer, so it cannot answer past the record.
//
// It may import access, awserr and audit, and knows neither protocols nor services.
package record
