package awserr

import "net/http"

// Error is an error as it goes on the wire. Cause is for the log and the audit event and is never sent.
type Error struct {
	Code    string // AWS's wire code, of the Query protocol's family (restjson translates)
	Status  int    // HTTP status
	Message string // public
	Cause   error  // private: why, for audit and log
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (e *Error) Unwrap() error { return e.Cause }

// Because returns a copy with a private cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// New makes an error; services keep theirs as constructors in one errors.go.
func New(status int, code, message string) *Error {
	return &Error{Code: code, Status: status, Message: message}
}

// Validation is the ValidationError of the Query services.
func Validation(message string) *Error { return New(http.StatusBadRequest, "ValidationError", message) }
