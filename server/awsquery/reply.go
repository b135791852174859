package awsquery

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/podpass/podpass/server/awserr"
)

// reply is an answer in the making: which form it takes and what it is labelled with.
type reply struct {
	requestID string
	action    string
	namespace string
	json      bool
}

// wantsJSON reports whether the client asked for the Query protocol's JSON form, as aws-iam-authenticator's server does.
func wantsJSON(r *http.Request) bool {
	kind, _, _ := strings.Cut(r.Header.Get("Accept"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/json")
}

func (p *reply) success(out *output) ([]byte, error) {
	if p.json {
		members := map[string]any{"ResponseMetadata": map[string]any{"RequestId": p.requestID}}
		if out.value.IsValid() {
			members[p.action+"Result"], _ = jsonTree(out.value)
		}
		return json.Marshal(map[string]any{p.action + "Response": members})
	}
	b := make([]byte, 0, 2048)
	b = p.open(b, p.action+"Response")
	if out.value.IsValid() {
		b = closing(out.xml(opening(b, p.action+"Result"), out.value), p.action+"Result")
	}
	b = closing(p.id(opening(b, "ResponseMetadata")), "ResponseMetadata")
	return closing(b, p.action+"Response"), nil
}

// Name is e: errors are named in this protocol's family.
func (p *reply) Name(e *awserr.Error) *awserr.Error { return e }

// Failure is the error envelope.
func (p *reply) Failure(e *awserr.Error, _ http.Header) []byte {
	kind := "Sender"
	if e.Receiver() {
		kind = "Receiver"
	}
	if p.json {
		b, err := json.Marshal(map[string]any{
			"Error":     map[string]any{"Code": e.Code, "Message": e.Message, "Type": kind},
			"RequestId": p.requestID,
		})
		if err == nil { // strings always marshal
			return b
		}
	}
	b := make([]byte, 0, 1024)
	b = opening(p.open(b, "ErrorResponse"), "Error")
	b = closing(appendText(opening(b, "Type"), kind), "Type")
	b = closing(appendText(opening(b, "Code"), e.Code), "Code")
	b = closing(appendText(opening(b, "Message"), e.Message), "Message")
	return closing(p.id(closing(b, "Error")), "ErrorResponse")
}

func (p *reply) id(b []byte) []byte {
	return closing(append(opening(b, "RequestId"), p.requestID...), "RequestId")
}

// open begins the root element, which carries the service's namespace.
func (p *reply) open(b []byte, element string) []byte {
	b = append(b, '<')
	b = append(b, element...)
	if p.namespace != "" {
		b = append(b, ` xmlns="`...)
		b = appendText(b, p.namespace)
		b = append(b, '"')
	}
	return append(b, '>')
}

// ContentType is that of the form the reply takes.
func (p *reply) ContentType() string {
	if p.json {
		return "application/json"
	}
	return "text/xml"
}
