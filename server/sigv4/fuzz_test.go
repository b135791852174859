package sigv4_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/podpass/podpass/server/sigv4"
)

// No Authorization header crashes the reader, and none that was not made with the secret verifies.
func FuzzAuthorization(f *testing.F) {
	for _, seed := range []string{
		"", "AWS4-HMAC-SHA256 Credential=A/20261122/us-west-2/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("0", 64),
		"AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;,Signature=", "AWS4-ECDSA-P256-SHA256 x", "Bearer x", "AWS4-HMAC-SHA256 =,=,=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest("GET", "http://h.example.test/", nil)
		r.Header["Authorization"] = []string{text}
		r.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
		if verify(r, nil, rules()) == nil {
			t.Errorf("verified: %q", text)
		}
	})
}

// A whole request, byte for byte: only the one that was signed verifies, whatever is changed in it.
func FuzzRequest(f *testing.F) {
	for _, s := range []signed{
		{body: form, header: formHeader, token: "x"},
		{method: "GET", url: "https://h.example.test/?" + form, presign: true},
	} {
		r, body := s.request(f)
		var wire bytes.Buffer
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err := r.Write(&wire); err != nil {
			f.Fatal(err)
		}
		f.Add(wire.Bytes())
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
		if err != nil {
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		if err != nil || verify(r, body, rules()) != nil {
			return
		}
		action := r.FormValue("Action")
		if action == "" {
			action = string(body)
		}
		if !strings.Contains(action, "GetCallerIdentity") || r.URL.Path != "/" {
			t.Errorf("verified: %q", wire)
		}
	})
}

func FuzzParseQuery(f *testing.F) {
	for _, seed := range []string{"", "a=b&c", "a=%41+%2b", "%", "&&=&", "a;b=c", "%C3%28"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		params, err := sigv4.ParseQuery(text)
		if err != nil {
			return
		}
		if len(params) > sigv4.MaxParams {
			t.Errorf("%d parameters", len(params))
		}
		for _, p := range params {
			if len(p.Name)+len(p.Value) > len(text) {
				t.Errorf("%q grew out of %q", p, text)
			}
		}
	})
}
