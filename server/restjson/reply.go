package restjson

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/sigv4"
)

// What an event keeps of texts that callers choose, in bytes.
const (
	maxUserAgent = 256
	maxReason    = 4096
)

// envelope is the error body. SDKs read the name from the x-amzn-ErrorType header first; old ones from __type.
func envelope(e *awserr.Error) []byte {
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

// clip cuts a text to n bytes of valid UTF-8.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "�")
}
