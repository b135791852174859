package restjson_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

// sink keeps events, or fails.
type sink struct {
	mu     sync.Mutex
	events []audit.Event
	broken error
}

func (s *sink) Record(e audit.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	return s.broken
}

// world is a service on a pipeline, with a user who may sign.
type world struct {
	url         string
	credentials aws.Credentials
	sink        *sink
}

// input shows every way in.
type input struct {
	Name  string   `label:"name" json:"-"`
	Keys  []string `query:"tagKeys" json:"-"`
	Max   *int     `query:"maxResults" json:"-"`
	Next  string   `query:"nextToken" json:"-"`
	Exact bool     `query:"exact" json:"-"`
	Token string   `json:"token"`
	Count int      `json:"count,omitempty"`
}

type echoed struct {
	Input  input    `json:"input"`
	Name   string   `json:"name"`
	Keys   []string `json:"keys,omitempty"`
	Max    int      `json:"max,omitempty"`
	Next   string   `json:"next,omitempty"`
	Exact  bool     `json:"exact,omitempty"`
	Caller string   `json:"caller"`
}

func echo(_ context.Context, c *restjson.Call, in *input) (*echoed, error) {
	out := &echoed{Input: *in, Name: in.Name, Keys: in.Keys, Next: in.Next, Exact: in.Exact, Caller: c.Caller.ARN.String()}
	if in.Max != nil {
		out.Max = *in.Max
	}
	return out, nil
}

func start(t testing.TB) *world {
	t.Helper()
	s := storetest.Open(t)
	var key *store.AccessKey
	env := iam.Env{Store: s, Now: time.Now, Random: rand.Reader}
	if err := s.Transact(context.Background(), func(tx *store.Tx) (err error) {
		_, key, err = env.PutAdministrator(tx, "111122223333", "aws")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	type none struct{}
	fail := func(err error) func(context.Context, *restjson.Call, *none) (*none, error) {
		return func(context.Context, *restjson.Call, *none) (*none, error) { return nil, err }
	}
	w := &world{credentials: aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}, sink: &sink{}}
	p := restjson.Pipeline{Gate: access.New(access.Config{Store: s}), Audit: w.sink}
	server := httptest.NewServer(p.Handler(
		restjson.Service{Name: "eks", Fault: "ServerException", Actions: []restjson.Action{
			restjson.NewAction("Echo", http.MethodPost, "/things/{name}", echo),
			restjson.NewAction("Untag", http.MethodDelete, "/tags/{name}", echo),
			restjson.NewAction("Silent", http.MethodGet, "/silent", fail(nil)),
			restjson.NewAction("Refuse", http.MethodGet, "/refuse", fail(awserr.New(http.StatusConflict, "ResourceInUseException", "In use.").Because(errors.New("by others")))),
			restjson.NewAction("Deny", http.MethodGet, "/deny", fail(awserr.AccessDenied("No."))),
			restjson.NewAction("Fail", http.MethodGet, "/fail", fail(errors.New("disk on fire"))),
			restjson.NewAction("Stale", http.MethodGet, "/stale", fail(store.ErrStale)),
			restjson.NewAction("Panic", http.MethodGet, "/panic", func(context.Context, *restjson.Call, *none) (*none, error) { panic("oh") }),
		}},
		restjson.Service{Name: "podpass", Strict: true, Actions: []restjson.Action{
			restjson.NewAction("EchoStrictly", http.MethodPost, "/strict/{name}", echo),
			restjson.NewAction("Break", http.MethodGet, "/broken", fail(errors.New("disk on fire"))),
		}},
	))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// request is one to be signed.
type request struct {
	method, path, body, contentType, service string
	unsigned                                 bool
}

func (w *world) do(t testing.TB, r request) (res *http.Response, body string) {
	t.Helper()
	req, err := http.NewRequest(r.method, w.url+r.path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	if !r.unsigned {
		hash := sha256.Sum256([]byte(r.body))
		if err := v4.NewSigner().SignHTTP(context.Background(), w.credentials, req, hex.EncodeToString(hash[:]), r.service, "us-west-2", time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	res, err = http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

const isJSON = "application/json"

func TestSuccess(t *testing.T) {
	w := start(t)
	for _, c := range []struct {
		what string
		r    request
		want string
	}{
		{"body and label", request{"POST", "/things/a", `{"token":"t","unknown":1}`, isJSON, "eks", false}, `{"input":{"token":"t"},"name":"a","caller":"USER"}`},
		{"a charset", request{"POST", "/things/a", `{"token":"t"}`, isJSON + "; charset=utf-8", "eks", false}, `{"input":{"token":"t"},"name":"a","caller":"USER"}`},
		{"no body", request{"POST", "/things/a", "", "", "eks", false}, `{"input":{"token":""},"name":"a","caller":"USER"}`},
		{
			"an encoded slash stays in its segment",
			request{"DELETE", "/tags/arn%3Aaws%3Aeks%3Aus-west-2%3A1%3Acluster%2Fa?tagKeys=a&tagKeys=b%20c", "", "", "eks", false},
			`{"input":{"token":""},"name":"arn:aws:eks:us-west-2:1:cluster/a","keys":["a","b c"],"caller":"USER"}`,
		},
		{"query", request{"POST", "/things/a?maxResults=7&nextToken=n&exact=true&other=x", "", "", "eks", false}, `{"input":{"token":""},"name":"a","max":7,"next":"n","exact":true,"caller":"USER"}`},
		{"no output", request{"GET", "/silent", "", "", "eks", false}, `{}`},
		{"strict", request{"POST", "/strict/a?nextToken=n", `{"token":"t"}`, isJSON, "podpass", false}, `{"input":{"token":"t"},"name":"a","next":"n","caller":"USER"}`},
	} {
		n := len(w.sink.events)
		res, body := w.do(t, c.r)
		want := strings.ReplaceAll(c.want, "USER", "arn:aws:iam::111122223333:user/admin")
		if diff := cmp.Diff(want, body); diff != "" || res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != isJSON {
			t.Errorf("%s: %s %s", c.what, res.Status, diff)
		}
		if e := w.sink.events[n:]; len(e) != 1 || e[0].Outcome != audit.Allowed || e[0].RequestID != res.Header.Get("X-Amzn-Requestid") || e[0].Caller == "" || e[0].SourceIP == "" {
			t.Errorf("%s: events %+v", c.what, e)
		}
	}
}

func TestRefusals(t *testing.T) {
	w := start(t)
	for _, c := range []struct {
		what   string
		r      request
		status int
		code   string
	}{
		{"unsigned", request{"GET", "/silent", "", "", "", true}, 403, "MissingAuthenticationTokenException"},
		{"signed for another service", request{"GET", "/silent", "", "", "podpass", false}, 403, "InvalidSignatureException"},
		{"no such route", request{"GET", "/nothing", "", "", "eks", false}, 404, "UnknownOperationException"},
		{"no such method", request{"PUT", "/silent", "", "", "eks", false}, 404, "UnknownOperationException"},
		{"an empty label", request{"POST", "/things/", "", "", "eks", false}, 404, "UnknownOperationException"},
		{"more segments", request{"POST", "/things/a/b", "", "", "eks", false}, 404, "UnknownOperationException"},
		{"another media type", request{"POST", "/things/a", `token=t`, "application/x-www-form-urlencoded", "eks", false}, 415, "UnsupportedMediaTypeException"},
		{"no media type", request{"POST", "/things/a", `{}`, "", "eks", false}, 415, "UnsupportedMediaTypeException"},
		{"no JSON", request{"POST", "/things/a", `{`, isJSON, "eks", false}, 400, "SerializationException"},
		{"trailing data", request{"POST", "/things/a", `{} {}`, isJSON, "eks", false}, 400, "SerializationException"},
		{"a wrong type", request{"POST", "/things/a", `{"token":1}`, isJSON, "eks", false}, 400, "SerializationException"},
		{"an array", request{"POST", "/things/a", `[1]`, isJSON, "eks", false}, 400, "SerializationException"},
		{"a member twice", request{"POST", "/things/a", `{"token":"a","token":"b"}`, isJSON, "eks", false}, 400, "SerializationException"},
		{"deep nesting", request{"POST", "/things/a", strings.Repeat("[", 100_000), isJSON, "eks", false}, 400, "SerializationException"},
		{"a parameter twice", request{"POST", "/things/a?nextToken=a&nextToken=b", "", "", "eks", false}, 400, "SerializationException"},
		{"no number", request{"POST", "/things/a?maxResults=x", "", "", "eks", false}, 400, "SerializationException"},
		{"no boolean", request{"POST", "/things/a?exact=perhaps", "", "", "eks", false}, 400, "SerializationException"},
		{"strict: unknown member", request{"POST", "/strict/a", `{"tokn":"t"}`, isJSON, "podpass", false}, 400, "SerializationException"},
		{"strict: another case", request{"POST", "/strict/a", `{"Token":"t"}`, isJSON, "podpass", false}, 400, "SerializationException"},
		{"strict: unknown parameter", request{"POST", "/strict/a?x=1", "", "", "podpass", false}, 400, "SerializationException"},
		{"large", request{"POST", "/things/a", strings.Repeat(" ", restjson.MaxBody+1), isJSON, "eks", false}, 413, "RequestEntityTooLargeException"},
		{"a service's own", request{"GET", "/refuse", "", "", "eks", false}, 409, "ResourceInUseException"},
		{"a common one", request{"GET", "/deny", "", "", "eks", false}, 403, "AccessDeniedException"},
		{"a failure", request{"GET", "/fail", "", "", "eks", false}, 500, "ServerException"},
		{"a stale store", request{"GET", "/stale", "", "", "eks", false}, 503, "ServiceUnavailableException"},
		{"a panic", request{"GET", "/panic", "", "", "eks", false}, 500, "ServerException"},
		{"a failure under the common name", request{"GET", "/broken", "", "", "podpass", false}, 500, "InternalServerException"},
	} {
		t.Run(c.what, func(t *testing.T) {
			n := len(w.sink.events)
			res, body := w.do(t, c.r)
			var doc struct {
				Type    string `json:"__type"`
				Message string `json:"message"`
			}
			if err := json.Unmarshal([]byte(body), &doc); err != nil {
				t.Fatalf("%s: %v", body, err)
			}
			if res.StatusCode != c.status || res.Header.Get("X-Amzn-Errortype") != c.code || doc.Type != c.code || doc.Message == "" {
				t.Errorf("%s %s %s, want %d %s", res.Status, res.Header.Get("X-Amzn-Errortype"), body, c.status, c.code)
			}
			if (res.Header.Get("Retry-After") != "") != (c.status == 503) {
				t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
			}
			e := w.sink.events[n:]
			want := audit.Refused
			if c.status >= 500 {
				want = audit.Failed
			}
			if len(e) != 1 || e[0].Outcome != want || e[0].Code != c.code || e[0].Reason == "" || e[0].RequestID != res.Header.Get("X-Amzn-Requestid") {
				t.Errorf("events %+v", e)
			}
			if strings.Contains(body, "Go ") || strings.Contains(body, "restjson") {
				t.Errorf("the program's types are shown: %s", body)
			}
			if strings.Contains(body, "fire") || strings.Contains(body, "others") {
				t.Errorf("a private cause was sent: %s", body)
			}
		})
	}
}

// TestNoRecordNoAnswer: what could not be put on record is not answered.
func TestNoRecordNoAnswer(t *testing.T) {
	w := start(t)
	w.sink.broken = errors.New("disk full")
	res, body := w.do(t, request{"POST", "/things/a", `{"token":"secret"}`, isJSON, "eks", false})
	if res.StatusCode != http.StatusServiceUnavailable || strings.Contains(body, "secret") || strings.Contains(body, "disk") {
		t.Errorf("%s %s", res.Status, body)
	}
}

func FuzzBody(f *testing.F) {
	w := start(f)
	for _, seed := range []string{`{"token":"t"}`, `{"token":"t","count":1e2}`, `[]`, `null`, "{\"token\":\"\xff\"}", `{"tok` + "\x00" + `en":1}`} {
		f.Add([]byte(seed), "a")
	}
	f.Fuzz(func(t *testing.T, body []byte, label string) {
		if len(body) > restjson.MaxBody || len(label) > 1000 {
			return
		}
		res, answer := w.do(t, request{"POST", "/strict/" + hexed(label), string(body), isJSON, "podpass", false})
		if res.StatusCode >= 500 || !json.Valid([]byte(answer)) || !bytes.Contains([]byte("200 400 403 404"), []byte(res.Status[:3])) {
			t.Errorf("%q: %s %s", body, res.Status, answer)
		}
	})
}

// hexed percent-encodes every byte.
func hexed(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteString("%" + hex.EncodeToString([]byte{s[i]}))
	}
	return b.String()
}
