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

func (p reply) success(out *output) ([]byte, error) {
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

func (p reply) failure(e *awserr.Error) []byte {
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

func (p reply) id(b []byte) []byte {
	return closing(append(opening(b, "RequestId"), p.requestID...), "RequestId")
}

// open begins the root element, which carries the service's namespace.
func (p reply) open(b []byte, element string) []byte {
	b = append(b, '<')
	b = append(b, element...)
	if p.namespace != "" {
		b = append(b, ` xmlns="`...)
		b = appendText(b, p.namespace)
		b = append(b, '"')
	}
	return append(b, '>')
}

func (p reply) send(w http.ResponseWriter, status int, body []byte) error {
	h := w.Header()
	kind := "text/xml"
	if p.json {
		kind = "application/json"
	}
	h["X-Amzn-Requestid"] = []string{p.requestID}
	h["Content-Type"] = []string{kind}
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}
