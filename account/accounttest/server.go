package accounttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// What every fake is, unless an option says otherwise.
const (
	Account = "111122223333"
	Region  = "us-west-2"
	Caller  = "arn:aws:iam::" + Account + ":user/operator"
)

// Server is a running fake. It ends with its test.
type Server struct {
	URL string

	t           testing.TB
	behind      http.Handler
	credentials aws.Credentials
	ended       chan struct{}

	turn sync.Mutex // one hook or handler at a time

	mu       sync.Mutex
	handlers map[string]Handler // by service:Operation
	hooks    []*hook
	calls    []*Call
}

// Handler answers a call, whose input keeps to the model: with the output's members, or with an *Error. ErrBehind leaves the call to what is behind.
type Handler func(call *Call) (Values, error)

// ErrBehind says that a handler leaves a call to what [Behind] has, as if it were not there.
var ErrBehind = errors.New("for the server behind")

// Start starts a fake on a kernel-picked loopback port. It answers STS's GetCallerIdentity as [Caller], unless there is something behind it.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	s := &Server{
		t: t, handlers: map[string]Handler{}, ended: make(chan struct{}),
		credentials: aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
	}
	for _, option := range options {
		option(s)
	}
	if s.behind == nil {
		s.On("sts", "GetCallerIdentity", func(*Call) (Values, error) {
			return Values{"Account": Account, "Arn": Caller, "UserId": "AIDACKCEVSQ6C2EXAMPLE"}, nil
		})
	}
	listener := httptest.NewUnstartedServer(s)
	// A connection a call: net/http repeats a GET on its own where a connection it had used before ends, and a test would count a cut it did not see.
	listener.Config.SetKeepAlivesEnabled(false)
	listener.Start()
	s.URL = listener.URL
	t.Cleanup(func() {
		close(s.ended)
		listener.Close()
	})
	return s
}

// Config is an SDK configuration that reaches the fake, with the SDK's own retries.
func (s *Server) Config() aws.Config {
	return aws.Config{
		Region: Region, BaseEndpoint: aws.String(s.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return s.credentials, nil }),
	}
}

// On has an operation answered by a handler from now on, instead of by the one before.
func (s *Server) On(service, operation string, h Handler) {
	s.t.Helper()
	s.mustHave(service, operation)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[service+":"+operation] = h
}

// mustHave ends a test that programs what AWS does not have.
func (s *Server) mustHave(service, operation string) {
	s.t.Helper()
	named := serviceNamed(service)
	if named == nil {
		s.t.Fatalf("accounttest has no service %s: services.go lists what it has", service)
	}
	m, err := named.model()
	if err != nil {
		s.t.Fatal(err)
	}
	if operation != "*" && m.Operations[operation] == nil {
		s.t.Fatalf("%s has no operation %s", service, operation)
	}
}

// maxBody is more than any call of these services has.
const maxBody = 4 << 20

// ServeHTTP is the one way that a call takes: recognised, recorded, judged, carried out, answered.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler) // the client went away
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	q, err := recognise(r, body)
	if err != nil {
		s.t.Errorf("accounttest: %v", err)
	}
	if q == nil {
		s.other(w, r)
		return
	}
	var unread []string
	call := s.record(q, q.input(func(text string) { unread = append(unread, text) }))
	a, cut := s.answer(q, call, unread)
	s.mu.Lock()
	call.Answer = a.said
	s.mu.Unlock()
	if cut {
		panic(http.ErrAbortHandler)
	}
	a.write(w)
}

func (s *Server) record(q *request, input Values) *Call {
	c := &Call{
		Time: time.Now(), Service: q.service.name, Operation: q.name, Input: input, Region: q.region, AccessKeyID: q.accessKeyID,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
	c.Number = len(s.calls)
	return c
}

// answer is a call's, and whether the connection ends before it.
func (s *Server) answer(q *request, c *Call, unread []string) (a *answer, cut bool) {
	id := fmt.Sprintf("00000000-0000-4000-8000-%012x", c.Number)
	var verdict Verdict
	s.taking(func() { verdict = s.judge(c) })
	var refused Error
	switch verdict {
	case CutBefore:
		return &answer{said: verdict.String()}, true
	case Hung:
		select {
		case <-q.Context().Done():
		case <-s.ended:
		}
		return &answer{said: verdict.String()}, true
	case Garbage:
		return garbage(), false
	case Denied:
		refused = q.service.denied
		refused.Message = fmt.Sprintf(refused.Message, Caller, c.Service+":"+c.Operation)
	case Throttled:
		refused = q.service.throttled
	case Failed:
		refused = Error{Code: "InternalFailure"}
	default:
		a = s.carryOut(q, c, unread, id)
		if verdict == CutAfter {
			a.said = verdict.String()
		}
		return a, verdict == CutAfter
	}
	refused, _ = q.model.resolve(q.op, refused)
	return q.model.failure(refused, id), false
}

// carryOut asks the operation's handler, or what is behind.
func (s *Server) carryOut(q *request, c *Call, unread []string, id string) *answer {
	s.mu.Lock()
	h := s.handlers[c.Service+":"+c.Operation]
	s.mu.Unlock()
	if q.op == nil || h == nil {
		return s.forward(q, id)
	}
	fail := func(text string) { s.t.Errorf("accounttest: %s %s: %s", c.Service, c.Operation, text) }
	for _, text := range unread {
		fail(text)
	}
	if refused := q.service.refusal(q.model, q.broken(c.Input)); refused != nil {
		resolved, _ := q.model.resolve(q.op, *refused)
		return q.model.failure(resolved, id)
	}
	var output Values
	var err error
	s.taking(func() { output, err = h(c) })
	if errors.Is(err, ErrBehind) {
		return s.forward(q, id)
	}
	if err != nil {
		said, ok := errors.AsType[*Error](err)
		if !ok {
			fail(err.Error())
			said = q.model.unknownOperation(q.name) // which no SDK tries again
		}
		resolved, known := q.model.resolve(q.op, *said)
		if !known {
			fail("the operation has no error " + said.Code)
		}
		return q.model.failure(resolved, id)
	}
	return q.success(q.conforming(output, fail), id)
}

// taking runs a hook or handler when its turn comes; one that panics does not keep the others waiting.
func (s *Server) taking(turn func()) {
	s.turn.Lock()
	defer s.turn.Unlock()
	turn()
}
