package accounttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// answer is what goes back, whole, so that it can also not go back.
type answer struct {
	status int
	header http.Header
	body   []byte
	said   string // for the record: "200", or the error's code
}

func (a *answer) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that went away is not this side's business
}

// success is an output that conforms to the model.
func (q *request) success(output Values, id string) *answer {
	a := &answer{status: http.StatusOK, header: http.Header{"X-Amzn-Requestid": {id}}, said: "200"}
	if q.op.HTTP.ResponseCode != 0 {
		a.status = q.op.HTTP.ResponseCode
	}
	var b strings.Builder
	out, response := q.op.Output, q.op.Name+"Response"
	switch m := q.model; m.Metadata.Protocol {
	case protocolQuery:
		fmt.Fprintf(&b, `<%s xmlns="%s">`, response, m.Metadata.XMLNamespace)
		if out.Shape != "" {
			m.toXML(&b, out.ResultWrapper, out.Shape, output)
		}
		fmt.Fprintf(&b, `<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%s>`, id, response)
	case protocolEC2:
		fmt.Fprintf(&b, `<%s xmlns="%s"><requestId>%s</requestId>`, response, m.Metadata.XMLNamespace, id)
		if out.Shape == "" {
			b.WriteString("<return>true</return>")
		}
		for _, name := range sorted(output) {
			of := m.Shapes[out.Shape].Members[name]
			m.toXML(&b, of.wire(name), of.Shape, output[name])
		}
		fmt.Fprintf(&b, `</%s>`, response)
	default:
		a.json(m, m.toJSON(out.Shape, output))
		return a
	}
	a.header.Set("Content-Type", "text/xml;charset=UTF-8")
	a.body = []byte(b.String())
	return a
}

// failure is an error with its status. Query errors wear their sender: SDKs retry a Receiver's.
func (m *model) failure(e Error, id string) *answer {
	a := &answer{status: e.Status, header: http.Header{"X-Amzn-Requestid": {id}}, said: e.Code}
	a.header.Set("Content-Type", "text/xml;charset=UTF-8")
	code, message := escape(e.Code), escape(e.Message)
	switch m.Metadata.Protocol {
	case protocolQuery:
		sender := "Sender"
		if e.Status >= http.StatusInternalServerError {
			sender = "Receiver"
		}
		a.body = fmt.Appendf(nil, `<ErrorResponse xmlns="%s"><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
			m.Metadata.XMLNamespace, sender, code, message, id)
	case protocolEC2:
		a.body = fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>`,
			code, message, id)
	case protocolRESTJSON:
		a.header.Set("X-Amzn-Errortype", e.Code)
		a.json(m, map[string]any{"__type": e.Code, "message": e.Message})
	default:
		a.json(m, map[string]any{"__type": e.Code, "message": e.Message})
	}
	return a
}

func (a *answer) json(m *model, value any) {
	a.header.Set("Content-Type", "application/json")
	if m.Metadata.Protocol == protocolJSON {
		a.header.Set("Content-Type", "application/x-amz-json-1.1")
	}
	a.body, _ = json.Marshal(value) // of maps, lists and scalars only
}

// code is the error's of an answer from behind, "" where it cannot be told.
func (a *answer) code() string {
	if kind := a.header.Get("X-Amzn-Errortype"); kind != "" {
		return kind
	}
	_, code, _ := strings.Cut(string(a.body), "<Code>")
	code, _, _ = strings.Cut(code, "</Code>")
	return code
}

// garbage is what a broken proxy answers, which no protocol has.
func garbage() *answer {
	return &answer{
		status: http.StatusOK, header: http.Header{"Content-Type": {"text/html"}}, body: []byte("<html><body>It works!<br></body>"), said: Garbage.String(),
	}
}
