package restjson

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/sigv4"
)

// Name is the error in the JSON services' family of names.
func (h *handler) Name(e *awserr.Error) *awserr.Error { return e.JSON() }

// ContentType is JSON's, whatever was asked for.
func (h *handler) ContentType() string { return "application/json" }

// Failure is the error envelope. SDKs read the name from the x-amzn-ErrorType header first; old ones from __type.
func (h *handler) Failure(e *awserr.Error, header http.Header) []byte {
	header.Set("X-Amzn-Errortype", e.Code)
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
