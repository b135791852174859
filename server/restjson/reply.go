package restjson

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/sigv4"
)

// Name is the error in the JSON services' family of names, with the service's own for a failure of ours.
func (x *exchange) Name(e *awserr.Error) *awserr.Error {
	named := *e.JSON()
	if named.Code == awserr.CodeInternalServer && x.service != nil && x.service.Fault != "" {
		named.Code = x.service.Fault
	}
	return &named
}

// ContentType is JSON's, whatever was asked for.
func (x *exchange) ContentType() string { return "application/json" }

// hintHeader carries an error's hint: a member of the body's own would not be the API's.
const hintHeader = "Podpass-Reason"

// Failure is the error envelope. SDKs read the name from the x-amzn-ErrorType header first; old ones from __type.
func (x *exchange) Failure(e *awserr.Error, header http.Header) []byte {
	header.Set("X-Amzn-Errortype", e.Code)
	if e.Hint != "" {
		header.Set(hintHeader, e.Hint)
	}
	body, err := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{e.Code, e.Message})
	if err != nil { // strings always marshal
		return []byte("{}")
	}
	return body
}

// queryOf reads the query string with the decoder that signatures are verified with. A presigned request's own parameters are dropped.
func queryOf(r *http.Request) (url.Values, error) {
	params, err := sigv4.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, serialization("the query string is malformed: " + err.Error())
	}
	values := make(url.Values, len(params))
	for _, p := range params {
		if !strings.HasPrefix(p.Name, "X-Amz-") {
			values[p.Name] = append(values[p.Name], p.Value)
		}
	}
	return values, nil
}
