package record

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awserr"
)

// Config is what requests are served with. Gate and Audit are required.
type Config struct {
	Gate   *access.Gate
	Audit  audit.Sink
	Now    func() time.Time // default: the system's clock
	Random io.Reader        // of request ids; default: crypto/rand
	Logger *slog.Logger     // of our own failures; default: none
	// Observe, if set, is told of every request once its answer is decided.
	Observe func(e audit.Event, status int, took time.Duration)
}

// Recorder serves requests on record.
type Recorder struct{ Config }

// New fills in the defaults.
func New(c Config) *Recorder {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Recorder{c}
}

// Exchange is one request in its protocol.
type Exchange interface {
	// Do takes the request from its unread body to its encoded answer, and fills in the event, which has its RequestID, as it learns.
	Do(r *http.Request, event *audit.Event) (body []byte, err error)
	// Name is the error as the protocol calls it; so it is recorded and sent.
	Name(e *awserr.Error) *awserr.Error
	// Failure is the body for a named error. It may set headers of the protocol's own.
	Failure(e *awserr.Error, header http.Header) (body []byte)
	// ContentType is that of every body.
	ContentType() string
}

// What an event keeps of texts that callers choose, in bytes.
const (
	maxUserAgent = 256
	maxReason    = 4096
)

// Serve does and answers one request, of whose body no more than maxBody bytes are read.
func (s *Recorder) Serve(w http.ResponseWriter, r *http.Request, maxBody int64, x Exchange) {
	began := s.Now()
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	event := audit.Event{Time: began, SourceIP: s.Gate.ClientIP(r), UserAgent: Clip(r.UserAgent(), maxUserAgent)}
	body, failure := s.do(r, x, &event)
	event.Outcome = audit.Allowed
	if failure != nil {
		event.Outcome, event.Code, event.Reason = audit.Refused, failure.Code, failure.Reason()
	}
	redact(&event)
	event.Reason = Clip(event.Reason, maxReason)
	if failure != nil && failure.Receiver() {
		event.Outcome = audit.Failed
		s.Logger.Error("request failed", "requestId", event.RequestID, "service", event.Service, "action", event.Action, "error", event.Reason)
	}
	if err := s.record(event); err != nil {
		// What is not on record was not done: the answer, and credentials in it, is dropped.
		failure = x.Name(awserr.ServiceUnavailable(err))
		event.Outcome, event.Code = audit.Failed, failure.Code
		s.Logger.Error("audit event could not be written", "requestId", event.RequestID, "error", err)
	}
	status, header := http.StatusOK, w.Header()
	if failure != nil {
		status, body = failure.Status, x.Failure(failure, header)
		failure.SetRetryHints(header)
	}
	if s.Observe != nil {
		s.Observe(event, status, s.Now().Sub(began))
	}
	header.Set("X-Amzn-Requestid", event.RequestID)
	header.Set("Content-Type", x.ContentType())
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		s.Logger.Debug("client went away", "requestId", event.RequestID, "error", err)
	}
}

// record leaves out what is routine. A thousand nodes that ask every few seconds whether anything has changed would bury what matters; a refusal of one
// of them is no routine.
func (s *Recorder) record(event audit.Event) error {
	if event.Routine && event.Outcome == audit.Allowed {
		return nil
	}
	return s.Audit.Record(event)
}

// do takes a request up to its encoded answer, or to what its protocol calls the failure.
func (s *Recorder) do(r *http.Request, x Exchange, event *audit.Event) (body []byte, failure *awserr.Error) {
	defer func() {
		if cause := recover(); cause != nil {
			body, failure = nil, x.Name(awserr.InternalFailure(fmt.Errorf("panic: %v", cause)))
			s.Logger.Error("panic", "requestId", event.RequestID, "action", event.Action, "panic", cause, "stack", string(debug.Stack()))
		}
	}()
	id, err := uuid.NewRandomFromReader(s.Random)
	if err != nil {
		return nil, x.Name(awserr.InternalFailure(fmt.Errorf("making a request id: %w", err)))
	}
	event.RequestID = id.String()
	if body, err = x.Do(r, event); err != nil {
		return nil, x.Name(awserr.From(err))
	}
	return body, nil
}

// Authenticate finds out who signed a request for a service, and puts the caller on its event.
func (s *Recorder) Authenticate(r *http.Request, body []byte, service string, event *audit.Event) (access.Caller, error) {
	caller, err := s.Gate.Authenticate(r, body, service)
	if err != nil {
		return access.Caller{}, err
	}
	event.Caller, event.CallerKey, event.Account = caller.ARN.String(), caller.AccessKeyID, string(caller.Account)
	return caller, nil
}
