package accounttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// request is what a test's client sent, once it is known to be a call.
type request struct {
	*http.Request
	body []byte

	service     *service
	model       *model
	name        string     // of the operation as it was asked for
	op          *operation // nil where the model has none of the name
	region      string     // of the signature, as the key
	accessKeyID string

	form   url.Values        // of the query protocols
	labels map[string]string // of rest-json's path
}

// recognise tells a call by the service in its signature's scope, or, where it has none, by what only one service's calls have. What is nobody's call,
// such as an issuer's keys, is nil.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
func recognise(r *http.Request, body []byte) (*request, error) {
	q := &request{Request: r, body: body}
	if r.Method == http.MethodGet || strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		q.form, _ = url.ParseQuery(r.URL.RawQuery + "&" + string(body)) // what cannot be read has no Action
	}
	scope := r.URL.Query().Get("X-Amz-Credential")
	if _, signed, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		scope, _, _ = strings.Cut(signed, ",")
	}
	if parts := strings.Split(scope, "/"); len(parts) == 5 {
		q.accessKeyID, q.region, q.service = parts[0], parts[2], serviceNamed(parts[3])
	} else if q.form.Get("Action") != "" {
		q.service = serviceOf(q.form.Get("Version"))
	}
	if q.service == nil {
		return nil, nil
	}
	var err error
	if q.model, err = q.service.model(); err != nil {
		return nil, err
	}
	q.find()
	return q, nil
}

// find is the operation that a request is for.
func (q *request) find() {
	switch q.model.Metadata.Protocol {
	case protocolRESTJSON:
		q.name = q.Method + " " + q.URL.Path
		for _, op := range q.model.Operations {
			if op.HTTP.Method != q.Method {
				continue
			}
			if found := labels(op.HTTP.RequestURI, q.URL.EscapedPath()); found != nil {
				q.name, q.op, q.labels = op.Name, op, found
			}
		}
		return
	case protocolJSON:
		_, q.name, _ = strings.Cut(q.Header.Get("X-Amz-Target"), q.model.Metadata.TargetPrefix+".")
	default:
		if q.name = q.form.Get("Action"); q.form.Get("Version") != q.model.Metadata.APIVersion {
			return
		}
	}
	q.op = q.model.Operations[q.name]
}

// input as the model reads it; report is told of what it does not have.
func (q *request) input(report func(string)) Values {
	if q.op == nil {
		return nil
	}
	var body any
	if protocol := q.model.Metadata.Protocol; len(q.body) > 0 && (protocol == protocolJSON || protocol == protocolRESTJSON) {
		if err := json.Unmarshal(q.body, &body); err != nil {
			report(fmt.Sprintf("the body is no JSON: %v", err))
		}
	}
	var of any = Values{}
	switch shape := q.op.Input.Shape; q.model.Metadata.Protocol {
	case protocolRESTJSON:
		of = q.model.fromREST(shape, q.labels, q.URL.Query(), body, report)
	case protocolJSON:
		if body != nil {
			of = q.model.fromJSON(shape, body, q.name, report)
		}
	default:
		form := url.Values{}
		for name, values := range q.form {
			if name != "Action" && name != "Version" && !strings.HasPrefix(name, "X-Amz-") {
				form[name] = values
			}
		}
		if shape != "" {
			of = q.model.fromTree(shape, grow(form), "", report)
		}
	}
	out, _ := of.(Values)
	return out
}

// broken are the constraints of the model that an input breaks.
func (q *request) broken(input Values) []violation {
	if q.op.Input.Shape == "" {
		return nil
	}
	return q.model.violations(q.op.Input.Shape, input, "")
}

// conforming is an output in the model's own types; fail is told of what AWS could not say.
func (q *request) conforming(output Values, fail func(string)) Values {
	shape := q.op.Output.Shape
	if shape == "" {
		if len(output) > 0 {
			fail("the operation has no output")
		}
		return nil
	}
	if output == nil {
		output = Values{}
	}
	out, _ := q.model.conform(shape, output, shape, fail).(Values)
	for _, broken := range q.model.violations(shape, out, shape) {
		fail(broken.String())
	}
	return out
}
