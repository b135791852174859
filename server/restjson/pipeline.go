package restjson

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awserr"
)

// MaxBody is the largest request body read, in bytes. The largest legitimate one is an apply of api.MaxInput.
const MaxBody = 4 << 20

// Pipeline is the one way a REST-JSON request goes: read (capped), find the action, authenticate, decode, do, encode, audit, answer.
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

// Handler serves the routes of several services; what none of them has is answered UnknownOperationException.
func (p *Pipeline) Handler(services ...Service) http.Handler {
	h := &handler{Pipeline: *p}
	for i := range services {
		for j := range services[i].Actions {
			h.entries = append(h.entries, entry{&services[i], &services[i].Actions[j]})
		}
	}
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
	entries []entry
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := h.Now()
	event := audit.Event{Time: began, SourceIP: h.Gate.ClientIP(r), UserAgent: clip(r.UserAgent(), maxUserAgent)}
	body, failure := h.do(w, r, &event)
	event.Outcome = audit.Allowed
	if failure != nil {
		event.Outcome, event.Code, event.Reason = audit.Refused, failure.Code, clip(failure.Reason(), maxReason)
		if failure.Receiver() {
			event.Outcome = audit.Failed
			h.Logger.Error("request failed", "requestId", event.RequestID, "service", event.Service, "action", event.Action, "error", event.Reason)
		}
	}
	if err := h.Audit.Record(event); err != nil {
		failure = awserr.ServiceUnavailable(err).JSON()
		event.Outcome, event.Code = audit.Failed, failure.Code
		h.Logger.Error("audit event could not be written", "requestId", event.RequestID, "error", err)
	}
	status := http.StatusOK
	header := w.Header()
	if failure != nil {
		status, body = failure.Status, envelope(failure)
		header.Set("X-Amzn-Errortype", failure.Code)
		failure.SetRetryHints(header)
	}
	if h.Observe != nil {
		h.Observe(event, status, h.Now().Sub(began))
	}
	header.Set("X-Amzn-Requestid", event.RequestID)
	header.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		h.Logger.Debug("client went away", "requestId", event.RequestID, "error", err)
	}
}

// do takes a request up to its encoded answer and fills in the event as it learns. Its error has the JSON services' name.
func (h *handler) do(w http.ResponseWriter, r *http.Request, event *audit.Event) (body []byte, failure *awserr.Error) {
	defer func() {
		if cause := recover(); cause != nil {
			body, failure = nil, awserr.InternalFailure(fmt.Errorf("panic: %v", cause)).JSON()
			h.Logger.Error("panic", "requestId", event.RequestID, "action", event.Action, "panic", cause, "stack", string(debug.Stack()))
		}
	}()
	id, err := uuid.NewRandomFromReader(h.Random)
	if err != nil {
		return nil, awserr.InternalFailure(fmt.Errorf("making a request id: %w", err)).JSON()
	}
	event.RequestID = id.String()
	if body, err = h.run(w, r, event); err != nil {
		return nil, awserr.From(err).JSON()
	}
	return body, nil
}

func (h *handler) run(w http.ResponseWriter, r *http.Request, event *audit.Event) ([]byte, error) {
	found, labels, ok := h.find(r.Method, r.URL.EscapedPath())
	if !ok {
		return nil, awserr.New(http.StatusNotFound, "UnknownOperationException", "There is no such operation: "+clip(r.Method+" "+r.URL.EscapedPath(), 256))
	}
	event.Service, event.Action = found.service.Name, found.action.Name
	body, err := read(w, r)
	if err != nil {
		return nil, err
	}
	call := &Call{Request: r, RequestID: event.RequestID, Event: event}
	if call.Caller, err = h.Gate.Authenticate(r, body, found.service.Name); err != nil {
		return nil, err
	}
	event.Caller, event.CallerKey, event.Account = call.Caller.ARN.String(), call.Caller.AccessKeyID, string(call.Caller.Account)
	if len(body) > 0 && !isJSON(r.Header.Get("Content-Type")) {
		return nil, awserr.New(http.StatusUnsupportedMediaType, "UnsupportedMediaTypeException", "The body's Content-Type is not application/json.")
	}
	query, err := queryOf(r)
	if err != nil {
		return nil, err
	}
	return found.action.run(r.Context(), call, input{labels, query, body, found.service.Strict})
}

func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, awserr.New(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException",
			fmt.Sprintf("The body is larger than %d bytes.", MaxBody))
	case err != nil:
		return nil, awserr.New(http.StatusBadRequest, "RequestTimeoutException", "The body could not be read to its end.").Because(err)
	}
	return body, nil
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "application/json"
}
