package awsquery

import (
	"errors"
	"net/http"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/record"
)

// MaxBody is the largest request body read, in bytes: several times IAM's quotas for policy documents, percent-encoded.
const MaxBody = 256 << 10

// Pipeline is the one way a Query request goes, on record: read (capped), decode, find the action, authenticate, validate, do, encode.
type Pipeline record.Config

// Handler serves / by POST and GET for several services.
func (p *Pipeline) Handler(services ...Service) http.Handler {
	return &handler{record.New(record.Config(*p)), newDirectory(services)}
}

type handler struct {
	*record.Recorder
	directory *directory
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.Serve(w, r, MaxBody, &exchange{handler: h, reply: reply{json: wantsJSON(r)}})
}

// exchange is one request and the reply that is being made to it. It is a record.Exchange.
type exchange struct {
	*handler
	reply
}

// Do takes the request up to its encoded answer.
func (x *exchange) Do(r *http.Request, event *audit.Event) ([]byte, error) {
	x.requestID = event.RequestID
	out, err := x.run(r, event)
	if err != nil {
		return nil, err
	}
	return x.success(out)
}

func (x *exchange) run(r *http.Request, event *audit.Event) (*output, error) {
	content, err := read(r)
	if err != nil {
		return nil, err
	}
	form, err := ParseForm(r, content)
	if err != nil {
		return nil, err
	}
	found, err := x.directory.find(form)
	if found.service != nil {
		x.namespace, event.Service = found.service.Namespace, found.service.Name
	}
	if err != nil {
		name, _ := form.Get("Action")
		event.Action = record.Clip(name, 128)
		return nil, err
	}
	x.action, event.Action = found.action.Name, found.action.Name
	call := &Call{Request: r, RequestID: event.RequestID, Event: event}
	if found.action.Unsigned {
		err = refuseSecurityToken(r, form)
	} else {
		call.Caller, err = x.Authenticate(r, content, found.service.Name, event)
	}
	if err != nil {
		return nil, err
	}
	return found.action.run(r.Context(), call, form)
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
func read(r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return nil, awserr.New(http.StatusMethodNotAllowed, "MethodNotAllowed", "Only POST and GET are served here.")
	}
	if r.URL.Path != "/" && r.URL.Path != "" {
		return nil, awserr.New(http.StatusNotFound, "UnknownOperationException", "Query requests are sent to the path /.")
	}
	return record.ReadBody(r)
}
