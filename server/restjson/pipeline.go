package restjson

import (
	"mime"
	"net/http"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/record"
)

// MaxBody is the largest request body read, in bytes. The largest legitimate one is an apply of api.MaxInput.
const MaxBody = 4 << 20

// Pipeline is the one way a REST-JSON request goes, on record: find the action, read (capped), authenticate, decode, do, encode.
type Pipeline record.Config

// Handler serves the routes of several services; what none of them has is answered UnknownOperationException.
func (p *Pipeline) Handler(services ...Service) http.Handler {
	h := &handler{Recorder: record.New(record.Config(*p))}
	for i := range services {
		for j := range services[i].Actions {
			h.entries = append(h.entries, entry{&services[i], &services[i].Actions[j]})
		}
	}
	return h
}

type handler struct {
	*record.Recorder
	entries []entry
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.Serve(w, r, MaxBody, &exchange{handler: h})
}

// exchange is one request; service is the one it was routed to, nil before.
type exchange struct {
	*handler
	service *Service
}

// Do takes a request up to its encoded answer.
func (x *exchange) Do(r *http.Request, event *audit.Event) ([]byte, error) {
	found, labels, ok := x.find(r.Method, r.URL.EscapedPath())
	if !ok {
		return nil, awserr.New(http.StatusNotFound, "UnknownOperationException",
			"There is no such operation: "+record.Clip(r.Method+" "+r.URL.EscapedPath(), 256))
	}
	x.service = found.service
	event.Service, event.Action = found.service.Name, found.action.Name
	body, err := record.ReadBody(r)
	if err != nil {
		return nil, err
	}
	call := &Call{Request: r, RequestID: event.RequestID, Event: event}
	if call.Caller, err = x.Authenticate(r, body, found.service.Name, event); err != nil {
		return nil, err
	}
	if len(body) > 0 && !isJSON(r.Header.Get("Content-Type")) {
		return nil, awserr.New(http.StatusUnsupportedMediaType, "UnsupportedMediaTypeException", "The body's Content-Type is not application/json.")
	}
	query, err := queryOf(r)
	if err != nil {
		return nil, err
	}
	return found.action.run(r.Context(), call, input{labels, query, body, found.service.Strict})
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "application/json"
}
