package record_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/record"
)

var began = time.Date(2026, 11, 22, 4, 5, 6, 0, time.UTC)

// requestID is what zeros for randomness make.
const requestID = "00000000-0000-4000-8000-000000000000"

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// protocol is a made-up one, whose requests do what a test says.
type protocol func(r *http.Request, e *audit.Event) ([]byte, error)

func (do protocol) Do(r *http.Request, e *audit.Event) ([]byte, error) { return do(r, e) }

func (protocol) Name(e *awserr.Error) *awserr.Error {
	return awserr.New(e.Status, "Our"+e.Code, e.Message).Because(e.Cause)
}

func (protocol) Failure(e *awserr.Error, header http.Header) []byte {
	header.Set("X-Failure", e.Code)
	return []byte("failure: " + e.Message)
}

func (protocol) ContentType() string { return "text/x-test" }

// world records the order in which things come to pass.
type world struct {
	*record.Recorder
	steps  []string
	events []audit.Event
	fail   error // of the sink
	seen   []audit.Event
	status int
	took   time.Duration
	log    bytes.Buffer
	answer *httptest.ResponseRecorder
}

func (w *world) Record(e audit.Event) error {
	w.steps, w.events = append(w.steps, "record"), append(w.events, e)
	return w.fail
}

func (w *world) Header() http.Header { return w.answer.Header() }

func (w *world) WriteHeader(status int) {
	w.steps = append(w.steps, "header")
	w.answer.WriteHeader(status)
}

func (w *world) Write(b []byte) (int, error) {
	w.steps = append(w.steps, "body")
	return w.answer.Write(b)
}

func start() *world {
	w := &world{answer: httptest.NewRecorder()}
	clock := began.Add(-time.Second)
	w.Recorder = record.New(record.Config{
		Gate: access.New(access.Config{}), Audit: w, Random: zeros{}, Logger: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: func() time.Time { clock = clock.Add(time.Second); return clock },
		Observe: func(e audit.Event, status int, took time.Duration) {
			w.steps, w.seen, w.status, w.took = append(w.steps, "observe"), append(w.seen, e), status, took
		},
	})
	return w
}

func (w *world) do(body string, x record.Exchange) {
	r := httptest.NewRequest("POST", "http://h.example.test/", strings.NewReader(body))
	r.Header.Set("User-Agent", strings.Repeat("é", 1000))
	w.Serve(w, r, 10, x)
}

var (
	errFull = errors.New("the disk is full")
	failure = awserr.InternalFailure(nil).Message
)

// However a request ends, there is one event of it, written before anything of the answer is, and the two tell the same.
func TestOneEventBeforeTheAnswer(t *testing.T) {
	answering := func(body []byte, err error) protocol {
		return func(_ *http.Request, e *audit.Event) ([]byte, error) {
			e.Service, e.Action = "zoo", "Feed"
			return body, err
		}
	}
	tests := map[string]struct {
		do     protocol
		random io.Reader
		sink   error

		status int
		body   string
		header http.Header // beside those of every answer
		event  audit.Event // what it has beside time, address, agent
		logged string
	}{
		"allowed": {
			do: answering([]byte("ok"), nil), status: 200, body: "ok",
			event: audit.Event{RequestID: requestID, Service: "zoo", Action: "Feed", Outcome: audit.Allowed},
		},
		"refused": {
			do: answering([]byte("SECRET"), awserr.New(409, "Full", "The lion is full.").Because(errors.New("private"))), status: 409,
			body: "failure: The lion is full.", header: http.Header{"X-Failure": {"OurFull"}},
			event: audit.Event{RequestID: requestID, Service: "zoo", Action: "Feed", Outcome: audit.Refused, Code: "OurFull", Reason: "private"},
		},
		"a long reason": {
			do: answering(nil, awserr.New(409, "Full", "no").Because(errors.New(strings.Repeat("é", 4000)))), status: 409,
			body: "failure: no", header: http.Header{"X-Failure": {"OurFull"}},
			event: audit.Event{
				RequestID: requestID, Service: "zoo", Action: "Feed", Outcome: audit.Refused, Code: "OurFull", Reason: strings.Repeat("é", 2048),
			},
		},
		"an unknown error": {
			do: answering([]byte("SECRET"), errors.New("private")), status: 500, body: "failure: " + failure,
			header: http.Header{"X-Failure": {"OurInternalFailure"}},
			event:  audit.Event{RequestID: requestID, Service: "zoo", Action: "Feed", Outcome: audit.Failed, Code: "OurInternalFailure", Reason: "private"},
			logged: "private",
		},
		"a panic": {
			do:     func(_ *http.Request, e *audit.Event) ([]byte, error) { e.Service = "zoo"; panic("boom") },
			status: 500, body: "failure: " + failure, header: http.Header{"X-Failure": {"OurInternalFailure"}},
			event:  audit.Event{RequestID: requestID, Service: "zoo", Outcome: audit.Failed, Code: "OurInternalFailure", Reason: "panic: boom"},
			logged: "goroutine",
		},
		"no randomness": {
			do:     func(*http.Request, *audit.Event) ([]byte, error) { return []byte("SECRET"), nil },
			random: strings.NewReader(""), status: 500, body: "failure: " + failure, header: http.Header{"X-Failure": {"OurInternalFailure"}},
			event:  audit.Event{Outcome: audit.Failed, Code: "OurInternalFailure", Reason: "making a request id: EOF"},
			logged: "making a request id",
		},
		"no record of an answer": {
			do: answering([]byte("SECRET"), nil), sink: errFull, status: 503, body: "failure: " + awserr.ServiceUnavailable(nil).Message,
			header: http.Header{"X-Failure": {"OurServiceUnavailable"}, "Retry-After": {"1"}, "X-Amz-Retry-After": {"1000"}},
			event:  audit.Event{RequestID: requestID, Service: "zoo", Action: "Feed", Outcome: audit.Allowed},
			logged: errFull.Error(),
		},
		"no record of a refusal": {
			do: answering(nil, awserr.AccessDenied("Not you.")), sink: errFull, status: 503,
			body:   "failure: " + awserr.ServiceUnavailable(nil).Message,
			header: http.Header{"X-Failure": {"OurServiceUnavailable"}, "Retry-After": {"1"}, "X-Amz-Retry-After": {"1000"}},
			event:  audit.Event{RequestID: requestID, Service: "zoo", Action: "Feed", Outcome: audit.Refused, Code: "OurAccessDenied", Reason: "Not you."},
			logged: errFull.Error(),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := start()
			w.fail = test.sink
			if test.random != nil {
				w.Random = test.random
			}
			w.do("", test.do)
			if diff := cmp.Diff([]string{"record", "observe", "header", "body"}, w.steps); diff != "" {
				t.Error(diff)
			}
			test.event.Time, test.event.SourceIP, test.event.UserAgent = began, "192.0.2.1", strings.Repeat("é", 128)
			if diff := cmp.Diff([]audit.Event{test.event}, w.events); diff != "" {
				t.Error(diff)
			}
			header := http.Header{"Content-Type": {"text/x-test"}, "X-Amzn-Requestid": {test.event.RequestID}}
			for name, values := range test.header {
				header[name] = values
			}
			if diff := cmp.Diff(header, w.answer.Header()); diff != "" {
				t.Error(diff)
			}
			if w.answer.Code != test.status || w.answer.Body.String() != test.body {
				t.Errorf("%d %s, want %d %s", w.answer.Code, w.answer.Body, test.status, test.body)
			}
			// What is observed is what was answered; it differs from the event only where that could not be written.
			if test.sink != nil {
				test.event.Outcome, test.event.Code = audit.Failed, "OurServiceUnavailable"
			}
			if diff := cmp.Diff([]audit.Event{test.event}, w.seen); diff != "" || w.status != test.status || w.took != time.Second {
				t.Errorf("%d %v %s", w.status, w.took, diff)
			}
			if logged := w.log.String(); (logged != "") != (test.logged != "") || !strings.Contains(logged, test.logged) {
				t.Errorf("log: %q", logged)
			}
		})
	}
}

// Gate and Audit are enough.
func TestDefaults(t *testing.T) {
	w := start()
	rec := record.New(record.Config{Gate: access.New(access.Config{}), Audit: w})
	for range 2 {
		rec.Serve(w, httptest.NewRequest("GET", "http://h.example.test/", nil), 10, protocol(func(*http.Request, *audit.Event) ([]byte, error) { panic("boom") }))
	}
	if len(w.events) != 2 || w.events[0].RequestID == w.events[1].RequestID || time.Since(w.events[0].Time) > time.Hour {
		t.Errorf("events: %+v", w.events)
	}
}

// A client that is gone is no failure of the request: it was done, and is on record as done.
func TestClientGone(t *testing.T) {
	w := start()
	r := httptest.NewRequest("GET", "http://h.example.test/", nil)
	w.Serve(gone{w}, r, 10, protocol(func(*http.Request, *audit.Event) ([]byte, error) { return []byte("ok"), nil }))
	if len(w.events) != 1 || w.events[0].Outcome != audit.Allowed || !strings.Contains(w.log.String(), "level=DEBUG") {
		t.Errorf("%+v %s", w.events, &w.log)
	}
}

type gone struct{ *world }

func (gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestReadBody(t *testing.T) {
	read := protocol(func(r *http.Request, _ *audit.Event) ([]byte, error) { return record.ReadBody(r) })
	for body, want := range map[string]string{
		"": "", "0123456789": "0123456789", "0123456789a": "failure: The body is larger than 10 bytes.",
	} {
		w := start()
		if w.do(body, read); w.answer.Body.String() != want || (w.answer.Code == http.StatusRequestEntityTooLarge) != (len(body) > 10) {
			t.Errorf("%q: %d %s", body, w.answer.Code, w.answer.Body)
		}
	}
	w := start()
	r := httptest.NewRequest("POST", "http://h.example.test/", io.MultiReader(strings.NewReader("a"), cut{}))
	r.ContentLength = 1 << 62 // believed only as far as it costs nothing
	if w.Serve(w, r, 1<<62, read); w.answer.Code != 400 || w.events[0].Code != "OurRequestTimeout" || w.events[0].Reason != io.ErrUnexpectedEOF.Error() {
		t.Errorf("%d %s %+v", w.answer.Code, w.answer.Body, w.events)
	}
}

type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestClip(t *testing.T) {
	for _, test := range []struct {
		s    string
		max  int
		want string
	}{
		{"", 0, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc"},
		{"aé", 2, "a"},
		{"aéb", 3, "aé"},
		{"\x80\x80\x80", 2, ""},
	} {
		if got := record.Clip(test.s, test.max); got != test.want {
			t.Errorf("Clip(%q, %d) = %q", test.s, test.max, got)
		}
	}
}
