package record_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/awserr"
)

// A token that a client put in the wrong place is not on record, in whatever text it would come there.
func TestNoTokenOnRecord(t *testing.T) {
	const jwt = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL2kudGVzdCJ9.c2lnbmF0dXJl-_c2lnbmF0dXJl"
	session := "AQ" + strings.Repeat("aB3+/", 60) + "=="
	tests := map[string]struct{ text, want string }{
		"a token":                 {jwt, "(token)"},
		"part of a token":         {jwt[:40], "(token)"},
		"in a sentence":           {`"` + jwt + `" is invalid`, `"(token)" is invalid`},
		"in a path":               {"GET /podpass/v1/" + jwt, "GET /podpass/v1/(token)"},
		"in a path's middle":      {"/v1/" + jwt + "/x y", "/v1/(token) y"},
		"behind an equals sign":   {"WebIdentityToken=" + jwt + "&x", "WebIdentityToken=(token)&x"},
		"two":                     {jwt + ", " + jwt, "(token), (token)"},
		"a session token":         {"X-Amz-Security-Token: " + session + ".", "X-Amz-Security-Token: (token)"},
		"cut at a character":      {"é" + jwt + "é", "é(token)é"},
		"a name":                  {"there is no role arn:aws:iam::111122223333:role/team/eyJack", "there is no role arn:aws:iam::111122223333:role/team/eyJack"},
		"a long text, no secrets": {strings.Repeat("one two, ", 100), strings.Repeat("one two, ", 100)},
		"nothing":                 {"", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := start()
			w.do("", protocol(func(_ *http.Request, e *audit.Event) ([]byte, error) {
				e.Action, e.SessionName = test.text, test.text
				return nil, awserr.InternalFailure(errors.New(test.text))
			}))
			e := w.events[0]
			if e.Reason != test.want || e.Action != test.want {
				t.Errorf("reason %q, action %q, want %q", e.Reason, e.Action, test.want)
			}
			if e.SessionName != test.text {
				t.Errorf("session name %q, want %q", e.SessionName, test.text)
			}
			if test.text != test.want && strings.Contains(w.log.String(), test.text) {
				t.Errorf("logged: %s", w.log.String())
			}
		})
	}
}
