package awserr

import (
	"net/http"
	"strconv"
	"time"
)

// Error is an error as it goes on the wire. Cause is for the log and the audit event and is never sent.
type Error struct {
	Code    string // AWS's wire code, of the Query protocol's family (JSON translates)
	Status  int    // HTTP status
	Message string // public
	Cause   error  // private: why, for audit and log
	Hint    string // public: what is wrong in words of our own, as the header Podpass-Reason; "" leaves it out
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (e *Error) Unwrap() error { return e.Cause }

// Because returns a copy with a private cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// Hinting returns a copy with a hint. It goes to whoever is refused: it is a constant, or made of what they sent, and names no policy.
func (e *Error) Hinting(hint string) *Error {
	c := *e
	c.Hint = hint
	return &c
}

// Reason is why, in the words of the operator's log: the cause where there is one, else what the client was told.
func (e *Error) Reason() string {
	if e.Cause != nil {
		return e.Cause.Error()
	}
	return e.Message
}

// Receiver reports whether the fault is ours (the envelope's Type "Receiver") and not the caller's ("Sender").
func (e *Error) Receiver() bool { return e.Status >= 500 }

// New makes an error; services keep theirs as constructors in one errors.go.
func New(status int, code, message string) *Error {
	return &Error{Code: code, Status: status, Message: message}
}

// Validation is the ValidationError of the Query services.
func Validation(message string) *Error { return New(http.StatusBadRequest, "ValidationError", message) }

// retryAfter is what a client is asked to wait when we are unavailable or it asks too often: about the time a replica needs to
// renew its lease.
const retryAfter = time.Second

// SetRetryHints writes the two retry headers SDKs read (Retry-After in seconds, x-amz-retry-after in milliseconds) where trying again
// can help. It does nothing for other errors.
func (e *Error) SetRetryHints(h http.Header) {
	if e.Status != http.StatusServiceUnavailable && e.Status != http.StatusTooManyRequests && e.Code != codeThrottling {
		return
	}
	h.Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
	h.Set("X-Amz-Retry-After", strconv.Itoa(int(retryAfter/time.Millisecond)))
}
