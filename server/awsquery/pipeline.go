package awsquery

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
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

// MaxBody is the largest request body read, in bytes: several times IAM's quotas for policy documents, percent-encoded.
const MaxBody = 256 << 10

// Pipeline is the one way a Query request goes: read (capped), decode, find the action, authenticate, validate, do, encode, audit, answer.
// Gate and Audit are required.
type Pipeline struct {
	Gate   *access.Gate
	Audit  audit.Sink
	Now    func() time.Time // default: the system's clock
	Random io.Reader        // of request ids; default: crypto/rand
	Logger *slog.Logger     // of our own failures; default: none
	// Observe, if set, is told of every request once its answer is decided.
	Observe func(e audit.Event, status int, took time.Duration)
}

// Handler serves / by POST and GET for several services.
func (p *Pipeline) Handler(services ...Service) http.Handler {
	h := &handler{Pipeline: *p, directory: newDirectory(services)}
	if h.Now == nil {
		h.Now = time.Now
	}
	if h.Random == nil {
		h.Random = rand.Reader
	}
	if h.Logger == nil {
		h.Logger = slog.New(slog.DiscardHandler)
	}
	return h
}

type handler struct {
	Pipeline
	directory *directory
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := h.Now()
	event := audit.Event{
		Time: began, SourceIP: h.Gate.ClientIP(r), UserAgent: clip(r.UserAgent(), maxUserAgent),
	}
	answer := reply{json: wantsJSON(r)}
	body, failure := h.do(r, w, &answer, &event)
	status := http.StatusOK
	if failure != nil {
		status = failure.Status
		event.Outcome, event.Code, event.Reason = audit.Refused, failure.Code, clip(failure.Reason(), maxReason)
		if failure.Receiver() {
			event.Outcome = audit.Failed
			h.Logger.Error("request failed", "requestId", event.RequestID, "service", event.Service, "action", event.Action, "error", event.Reason)
		}
	} else {
		event.Outcome = audit.Allowed
	}
	if err := h.Audit.Record(event); err != nil {
		// What is not on record was not done: the answer, and credentials in it, is dropped.
		failure = awserr.ServiceUnavailable(err)
		status = failure.Status
		event.Outcome, event.Code = audit.Failed, failure.Code
		h.Logger.Error("audit event could not be written", "requestId", event.RequestID, "error", err)
	}
	if failure != nil {
		body = answer.failure(failure)
		failure.SetRetryHints(w.Header())
	}
	if h.Observe != nil {
		h.Observe(event, status, h.Now().Sub(began))
	}
	if err := answer.send(w, status, body); err != nil {
		h.Logger.Debug("client went away", "requestId", event.RequestID, "error", err)
	}
}

// What an event keeps of texts that callers choose, in bytes.
const (
	maxUserAgent = 256
	maxReason    = 4096
)

// do takes a request up to its encoded answer. It fills in answer and event as it learns.
func (h *handler) do(r *http.Request, w http.ResponseWriter, answer *reply, event *audit.Event) (body []byte, failure *awserr.Error) {
	defer func() {
		if cause := recover(); cause != nil {
			body, failure = nil, awserr.InternalFailure(fmt.Errorf("panic: %v", cause))
			h.Logger.Error("panic", "requestId", event.RequestID, "action", event.Action, "panic", cause, "stack", string(debug.Stack()))
		}
	}()
	id, err := uuid.NewRandomFromReader(h.Random)
	if err != nil {
		return nil, awserr.InternalFailure(fmt.Errorf("making a request id: %w", err))
	}
	answer.requestID = id.String()
	event.RequestID = answer.requestID
	out, err := h.run(r.Context(), r, w, answer, event)
	if err != nil {
		return nil, awserr.From(err)
	}
	if body, err = answer.success(out); err != nil {
		return nil, awserr.InternalFailure(err)
	}
	return body, nil
}

func (h *handler) run(ctx context.Context, r *http.Request, w http.ResponseWriter, answer *reply, event *audit.Event) (*output, error) {
	content, err := read(w, r)
	if err != nil {
		return nil, err
	}
	form, err := ParseForm(r, content)
	if err != nil {
		return nil, err
	}
	found, err := h.directory.find(form)
	if found.service != nil {
		answer.namespace, event.Service = found.service.Namespace, found.service.Name
	}
	if err != nil {
		name, _ := form.Get("Action")
		event.Action = clip(name, 128)
		return nil, err
	}
	answer.action, event.Action = found.action.Name, found.action.Name
	call := &Call{Request: r, RequestID: answer.requestID, Event: event}
	if found.action.Unsigned {
		if err := refuseSecurityToken(r, form); err != nil {
			return nil, err
		}
	} else {
		if call.Caller, err = h.Gate.Authenticate(r, content, found.service.Name); err != nil {
			return nil, err
		}
		event.Caller, event.CallerKey, event.Account = call.Caller.ARN.String(), call.Caller.AccessKeyID, string(call.Caller.Account)
	}
	return found.action.run(ctx, call, form)
}

// refuseSecurityToken: STS answers an unsigned exchange that carries somebody's session token with this text (its two spaces included), whose
// usual cause is a client that mixes two kinds of credentials. An Authorization header is ignored, as no signature is asked for.
func refuseSecurityToken(r *http.Request, form *Form) error {
	_, inForm := form.Get("X-Amz-Security-Token")
	if !inForm && r.Header.Values("X-Amz-Security-Token") == nil {
		return nil
	}
	return awserr.New(http.StatusBadRequest, "InvalidIdentityToken",
		"Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements").
		Because(errors.New("an unsigned action was asked with a session token (X-Amz-Security-Token)"))
}

// read takes in the body of a request this endpoint serves at all.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return nil, awserr.New(http.StatusMethodNotAllowed, "MethodNotAllowed", "Only POST and GET are served here.")
	}
	if r.URL.Path != "/" && r.URL.Path != "" {
		return nil, awserr.New(http.StatusNotFound, "UnknownOperationException", "Query requests are sent to the path /.")
	}
	var content bytes.Buffer
	content.Grow(int(min(max(r.ContentLength, 0), MaxBody)) + bytes.MinRead)
	_, err := content.ReadFrom(http.MaxBytesReader(w, r.Body, MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, awserr.New(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("The body is larger than %d bytes.", MaxBody))
	case err != nil:
		return nil, awserr.New(http.StatusBadRequest, "RequestTimeout", "The body could not be read to its end.").Because(err)
	}
	return content.Bytes(), nil
}
