package awsquery_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/awsquery"
)

var now = time.Date(2026, 11, 22, 4, 5, 6, 0, time.UTC)

// requestID is what zeros for randomness make.
const requestID = "00000000-0000-4000-8000-000000000000"

// recorder is an audit sink in memory.
type recorder struct {
	mu     sync.Mutex
	events []audit.Event
	fail   error
}

func (r *recorder) Record(e audit.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	return r.fail
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// server is a pipeline over one made-up service of unsigned actions.
type server struct {
	recorder
	log     bytes.Buffer
	handler http.Handler
}

func serve(actions ...awsquery.Action) *server {
	s := &server{}
	p := awsquery.Pipeline{
		Gate: access.New(access.Config{}), Audit: s, Now: func() time.Time { return now }, Random: zeros{},
		Logger: slog.New(slog.NewTextHandler(&s.log, nil)),
	}
	s.handler = p.Handler(
		awsquery.Service{Name: "zoo", Namespace: "https://zoo.example.test/doc/2020-01-01/", Version: "2020-01-01", Actions: actions},
		awsquery.Service{Name: "farm", Namespace: "https://farm.example.test/", Version: "2010-05-08"},
	)
	return s
}

func (s *server) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

func post(body string) *http.Request {
	r := httptest.NewRequest("POST", "http://zoo.example.test/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return r
}

func call(s *server, params string) *httptest.ResponseRecorder {
	return s.do(post("Action=Do&Version=2020-01-01&" + params))
}

// capture is an action that keeps what it was given.
func capture[In any](got *In) awsquery.Action {
	return awsquery.NewAction("Do", func(_ context.Context, _ *awsquery.Call, in *In) (*struct{}, error) {
		*got = *in
		return nil, nil
	}).Open()
}

type paging struct {
	Marker   string
	MaxItems *int
}

type animal struct {
	Name string `query:"name"`
	Legs int
	Food []string
}

type input struct {
	paging
	Plain   string
	Pointer *string
	Number  int
	Yes     bool
	Maybe   *bool
	At      time.Time
	Until   *time.Time
	Names   []string
	Animals []animal
	Keeper  *animal
	Home    struct{ Street string }
	Ignored string `query:"-"`
}

func ptr[T any](v T) *T { return &v }

func TestDecode(t *testing.T) {
	tests := map[string]struct {
		params string
		want   input
	}{
		"nothing":  {"", input{}},
		"unknown":  {"Unknown=x&Ignored=y&paging=z", input{}},
		"scalars":  {"Plain=a+b%26c&Pointer=&Number=-7&Yes=true&Maybe=false", input{Plain: "a b&c", Pointer: ptr(""), Number: -7, Yes: true, Maybe: ptr(false)}},
		"times":    {"At=2026-01-02T03:04:05Z&Until=2026-01-02T03:04:05%2B01:00", input{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Until: ptr(time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC))}},
		"embedded": {"Marker=m&MaxItems=3", input{paging: paging{"m", ptr(3)}}},
		"list":     {"Names.member.2=b&Names.member.1=a&Names.member.3=", input{Names: []string{"a", "b", ""}}},
		"ten":      {"Names.member.1=&Names.member.2=&Names.member.3=&Names.member.4=&Names.member.5=&Names.member.6=&Names.member.7=&Names.member.8=&Names.member.9=&Names.member.10=j", input{Names: []string{"", "", "", "", "", "", "", "", "", "j"}}},
		"bare list": {
			"Names=&Animals=", input{Names: []string{}, Animals: []animal{}},
		},
		"structures": {
			"Animals.member.1.name=cat&Animals.member.2.Legs=2&Animals.member.2.Food.member.1=corn&Animals.member.2.Food.member.2=bread&Keeper.name=ann&Home.Street=s",
			input{Animals: []animal{{Name: "cat"}, {Legs: 2, Food: []string{"corn", "bread"}}}, Keeper: &animal{Name: "ann"}, Home: struct{ Street string }{"s"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got input
			if w := call(serve(capture(&got)), test.params); w.Code != 200 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(input{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := map[string]struct {
		params string
		code   string // default MalformedInput
		status int    // default 400
	}{
		"hole in a list":           {params: "Names.member.1=a&Names.member.3=c"},
		"list from zero":           {params: "Names.member.0=a"},
		"list not from one":        {params: "Names.member.2=a"},
		"leading zero":             {params: "Names.member.01=a"},
		"signed index":             {params: "Names.member.+1=a"},
		"no index":                 {params: "Names.member.=a"},
		"huge index":               {params: "Names.member.99999999999999999999=a"},
		"scalar for a list":        {params: "Names=a"},
		"bare list and members":    {params: "Names=&Names.member.1=a"},
		"structure in scalar list": {params: "Names.member.1.name=a"},
		"scalar in structure list": {params: "Animals.member.1=a"},
		"member without a name":    {params: "Animals.member.1.=a"},
		"scalar for a structure":   {params: "Home=a"},
		"scalar for a pointer":     {params: "Keeper=a"},
		"number":                   {params: "Number=1e3"},
		"number out of 32 bits":    {params: "Number=2147483648"},
		"empty number":             {params: "Number="},
		"boolean":                  {params: "Yes=True"},
		"time":                     {params: "At=yesterday"},
		"twice":                    {params: "Plain=a&Plain=a", code: "InvalidQueryParameter"},
		"escape":                   {params: "Plain=%4", code: "MalformedQueryString", status: 404},
		"escape of the name":       {params: "Pl%zzin=a", code: "MalformedQueryString", status: 404},
		"not UTF-8":                {params: "Plain=%ff", code: "MalformedQueryString", status: 404},
		"too many":                 {params: strings.Repeat("a=b&", 2000)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got input
			s := serve(capture(&got))
			w := call(s, test.params)
			if test.code == "" {
				test.code = "MalformedInput"
			}
			if test.status == 0 {
				test.status = 400
			}
			refused(t, s, w, test.status, test.code, "")
		})
	}
}

// refused checks an error's envelope and that exactly one event tells of it.
func refused(t *testing.T, s *server, w *httptest.ResponseRecorder, status int, code, message string) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), "<Code>"+code+"</Code>") ||
		message != "" && !strings.Contains(w.Body.String(), "<Message>"+message+"</Message>") {
		t.Errorf("got %d %s, want %d %s %s", w.Code, w.Body, status, code, message)
	}
	if len(s.events) != 1 || s.events[0].Code != code || s.events[0].Outcome == audit.Allowed || s.events[0].Outcome == "" ||
		s.events[0].RequestID != w.Header().Get("X-Amzn-Requestid") || s.events[0].Reason == "" {
		t.Errorf("events: %+v", s.events)
	}
}

type output struct {
	Embedded
	Text     string
	Absent   *string
	Blank    *string
	Number   int
	Big      int64
	Yes      bool
	Maybe    *bool
	At       time.Time
	Never    time.Time
	Names    []string
	NoNames  []string
	Empty    []string
	Animals  []beast
	Keeper   *beast
	Nobody   *beast
	Facts    map[string]string
	Lower    string `xml:"lower"`
	Internal string `xml:"-"`
}

type Embedded struct{ IsTruncated bool }

type beast struct {
	Name string
}

func answer() *output {
	return &output{
		Text: `a<b>&"c"'` + "\n\x00é", Blank: ptr(""), Number: 3, Big: 1 << 40, Maybe: ptr(false), At: now.Add(1500 * time.Millisecond).In(time.FixedZone("x", 3600)),
		Names: []string{"x", "", "<"}, Empty: []string{}, Animals: []beast{{"cat"}, {}}, Keeper: &beast{}, Facts: map[string]string{"b": "2", "a": "1&"},
		Lower: "l", Internal: "secret",
	}
}

func TestEncode(t *testing.T) {
	s := serve(awsquery.NewAction("Do", func(context.Context, *awsquery.Call, *struct{}) (*output, error) { return answer(), nil }).Open())
	w := call(s, "")
	want := `<DoResponse xmlns="https://zoo.example.test/doc/2020-01-01/"><DoResult>` +
		`<IsTruncated>false</IsTruncated><Text>a&lt;b&gt;&amp;&#34;c&#34;&#39;&#xA;` + "\uFFFD" + `é</Text><Blank></Blank><Number>3</Number><Big>1099511627776</Big>` +
		`<Yes>false</Yes><Maybe>false</Maybe><At>2026-11-22T04:05:07Z</At><Names><member>x</member><member></member><member>&lt;</member></Names>` +
		`<Empty></Empty><Animals><member><Name>cat</Name></member><member></member></Animals><Keeper></Keeper>` +
		`<Facts><entry><key>a</key><value>1&amp;</value></entry><entry><key>b</key><value>2</value></entry></Facts><lower>l</lower>` +
		`</DoResult><ResponseMetadata><RequestId>` + requestID + `</RequestId></ResponseMetadata></DoResponse>`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(http.Header{"Content-Type": {"text/xml"}, "X-Amzn-Requestid": {requestID}}, w.Header()); diff != "" {
		t.Error(diff)
	}

	r := post("Action=Do&Version=2020-01-01")
	r.Header.Set("Accept", "application/json; q=1")
	w = s.do(r)
	want = `{"DoResponse":{"DoResult":{"Animals":[{"Name":"cat"},{}],"At":1795320307,"Big":1099511627776,"Blank":"","Empty":[],` +
		`"Facts":{"a":"1\u0026","b":"2"},"IsTruncated":false,"Keeper":{},"Maybe":false,"Names":["x","","\u003c"],"Number":3,` +
		`"Text":"a\u003cb\u003e\u0026\"c\"'\n\u0000é","Yes":false,"lower":"l"},"ResponseMetadata":{"RequestId":"` + requestID + `"}}}`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Error(diff)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type = %s", got)
	}
}

func TestNoOutput(t *testing.T) {
	const metadata = `<ResponseMetadata><RequestId>` + requestID + `</RequestId></ResponseMetadata></DoResponse>`
	const root = `<DoResponse xmlns="https://zoo.example.test/doc/2020-01-01/">`
	for want, out := range map[string]*struct{}{root + metadata: nil, root + `<DoResult></DoResult>` + metadata: {}} {
		s := serve(awsquery.NewAction("Do", func(context.Context, *awsquery.Call, *struct{}) (*struct{}, error) { return out, nil }).Open())
		if diff := cmp.Diff(want, call(s, "").Body.String()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestErrorEnvelope(t *testing.T) {
	tests := map[string]struct {
		err     error
		xml     string
		json    string
		outcome audit.Outcome
		reason  string
	}{
		"sender": {
			err: awserr.New(409, "EntityAlreadyExists", "<x> exists.").Because(errors.New("private")),
			xml: `<ErrorResponse xmlns="https://zoo.example.test/doc/2020-01-01/"><Error><Type>Sender</Type><Code>EntityAlreadyExists</Code>` +
				`<Message>&lt;x&gt; exists.</Message></Error><RequestId>` + requestID + `</RequestId></ErrorResponse>`,
			json:    `{"Error":{"Code":"EntityAlreadyExists","Message":"\u003cx\u003e exists.","Type":"Sender"},"RequestId":"` + requestID + `"}`,
			outcome: audit.Refused, reason: "private",
		},
		"receiver": {
			err: errors.New("private"),
			xml: `<ErrorResponse xmlns="https://zoo.example.test/doc/2020-01-01/"><Error><Type>Receiver</Type><Code>InternalFailure</Code>` +
				`<Message>The request processing has failed because of an unknown error, exception or failure.</Message></Error><RequestId>` + requestID + `</RequestId></ErrorResponse>`,
			json:    `{"Error":{"Code":"InternalFailure","Message":"The request processing has failed because of an unknown error, exception or failure.","Type":"Receiver"},"RequestId":"` + requestID + `"}`,
			outcome: audit.Failed, reason: "private",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(awsquery.NewAction("Do", func(context.Context, *awsquery.Call, *struct{}) (*struct{}, error) { return nil, test.err }).Open())
			if diff := cmp.Diff(test.xml, call(s, "").Body.String()); diff != "" {
				t.Error(diff)
			}
			r := post("Action=Do&Version=2020-01-01")
			r.Header.Set("Accept", "application/json")
			if diff := cmp.Diff(test.json, s.do(r).Body.String()); diff != "" {
				t.Error(diff)
			}
			for _, e := range s.events {
				if e.Outcome != test.outcome || e.Reason != test.reason {
					t.Errorf("event %+v", e)
				}
			}
			if logged := strings.Count(s.log.String(), requestID); logged != 0 && test.outcome == audit.Refused || logged != 2 && test.outcome == audit.Failed {
				t.Errorf("log: %s", &s.log)
			}
		})
	}
}

// What is refused before any action runs, each put on record once.
func TestRefusedBeforeTheAction(t *testing.T) {
	get := func(query string) *http.Request {
		return httptest.NewRequest("GET", "http://zoo.example.test/?"+query, nil)
	}
	with := func(r *http.Request, name string, values ...string) *http.Request { r.Header[name] = values; return r }
	const do = "Action=Do&Version=2020-01-01"
	tests := map[string]struct {
		request *http.Request
		status  int
		code    string
		message string
		service string
	}{
		"no parameters":       {get(""), 400, "MissingAction", "", "zoo"},
		"empty action":        {get("Action=&Version=2010-05-08"), 400, "MissingAction", "", "farm"},
		"unknown action":      {post("Action=Undo&Version=2020-01-01"), 400, "InvalidAction", "Could not find operation Undo for version 2020-01-01", "zoo"},
		"unknown version":     {post("Action=Do&Version=2020-01-02"), 400, "InvalidAction", "Could not find operation Do for version 2020-01-02", "zoo"},
		"no version":          {post("Action=Do"), 400, "InvalidAction", "Could not find operation Do for version NO_VERSION_SPECIFIED", "zoo"},
		"another's version":   {post("Action=Do&Version=2010-05-08"), 400, "InvalidAction", "Could not find operation Do for version 2010-05-08", "farm"},
		"action in both":      {withQuery(post(do), "Action=Do"), 400, "InvalidQueryParameter", "", ""},
		"action twice":        {post("Action=Do&" + do), 400, "InvalidQueryParameter", "The parameter &#39;Action&#39; is given more than once.", ""},
		"json body":           {with(post(do), "Content-Type", "application/json"), 400, "MalformedInput", "", ""},
		"no content type":     {with(post(do), "Content-Type"), 400, "MalformedInput", "", ""},
		"two content types":   {with(post(do), "Content-Type", "application/x-www-form-urlencoded", "text/xml"), 400, "MalformedInput", "", ""},
		"another charset":     {with(post(do), "Content-Type", "application/x-www-form-urlencoded; charset=utf-7"), 400, "MalformedInput", "", ""},
		"large body":          {post(do + "&x=" + strings.Repeat("x", awsquery.MaxBody)), 413, "RequestEntityTooLarge", "", ""},
		"method":              {httptest.NewRequest("PUT", "http://zoo.example.test/?"+do, nil), 405, "MethodNotAllowed", "", ""},
		"path":                {httptest.NewRequest("GET", "http://zoo.example.test/x?"+do, nil), 404, "UnknownOperationException", "", ""},
		"security token":      {with(post(do), "X-Amz-Security-Token", "x"), 400, "InvalidIdentityToken", "Couldn&#39;t retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements", "zoo"},
		"security token sent": {post(do + "&X-Amz-Security-Token=x"), 400, "InvalidIdentityToken", "", "zoo"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			nothing := func(context.Context, *awsquery.Call, *struct{}) (*struct{}, error) {
				t.Error("the action ran")
				return nil, nil
			}
			s := serve(awsquery.NewAction("Do", nothing).Open())
			test.request.Header.Set("User-Agent", strings.Repeat("é", 1000))
			refused(t, s, s.do(test.request), test.status, test.code, test.message)
			e := s.events[0]
			if e.Service != test.service || e.SourceIP != "192.0.2.1" || len(e.UserAgent) != 256 || !e.Time.Equal(now) {
				t.Errorf("event %+v", e)
			}
		})
	}
}

func withQuery(r *http.Request, query string) *http.Request { r.URL.RawQuery = query; return r }

// GET, and POST with the parameters in the query, are how presigned URLs come.
func TestParametersFromTheQuery(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		var got input
		s := serve(capture(&got))
		if w := s.do(httptest.NewRequest(method, "http://zoo.example.test/?Action=Do&Version=2020-01-01&Plain=x", nil)); w.Code != 200 || got.Plain != "x" {
			t.Errorf("%s: %d %s", method, w.Code, w.Body)
		}
	}
	var got input
	s := serve(capture(&got))
	r := withQuery(post("Plain=x"), "Action=Do&Version=2020-01-01")
	r.Header.Set("Authorization", "Bearer ignored")
	if w := s.do(r); w.Code != 200 || got.Plain != "x" {
		t.Errorf("split: %d %s", w.Code, w.Body)
	}
}

// No answer leaves before its event is written: where that fails, credentials in it are not sent.
func TestAuditBeforeAnswer(t *testing.T) {
	s := serve(awsquery.NewAction("Do", func(context.Context, *awsquery.Call, *struct{}) (*beast, error) { return &beast{"SECRET"}, nil }).Open())
	s.fail = errors.New("disk full")
	w := call(s, "")
	if w.Code != 503 || strings.Contains(w.Body.String(), "SECRET") || !strings.Contains(w.Body.String(), "<Code>ServiceUnavailable</Code>") ||
		w.Header().Get("Retry-After") != "1" || len(s.events) != 1 {
		t.Errorf("%d %s %v", w.Code, w.Body, s.events)
	}
}

// A type the pipeline can't handle is a bug that every request of the action shows.
func TestUnsupportedTypes(t *testing.T) {
	in := awsquery.NewAction("Do", func(context.Context, *awsquery.Call, *struct{ F func() }) (*struct{}, error) { return nil, nil })
	out := awsquery.NewAction("Do", func(context.Context, *awsquery.Call, *struct{}) (*struct{ C chan int }, error) { return nil, nil })
	for _, a := range []awsquery.Action{in, out} {
		s := serve(a.Open())
		refused(t, s, call(s, ""), 500, "InternalFailure", "")
	}
}
