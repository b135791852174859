package accounttest

import (
	"strings"
	"time"
)

// Call is one call of an API, every try of it one.
type Call struct {
	Number      int // from 1 on, in the order in which calls came
	Time        time.Time
	Service     string // as its signatures name it: "ec2", "eks", "elasticloadbalancing"
	Operation   string // "DescribeRegions"; "GET /path" where EKS has none there
	Input       Values // as far as the model can read it
	Region      string // of the signature, "" where there is none, as the key
	AccessKeyID string
	Answer      string // "200", an error's code, or the name of what became of it; "" while it is carried out
}

// Mutates reports whether the call may change something. Credentials change nothing.
func (c *Call) Mutates() bool {
	for _, reads := range []string{"Get", "List", "Describe", "BatchGet", "BatchCheck", "Simulate", "GET "} {
		if strings.HasPrefix(c.Operation, reads) {
			return false
		}
	}
	return c.Service != "sts" && c.Service != "eks-auth"
}

// Verdict is what becomes of a call. All but Pass and CutAfter mean that it is not carried out.
type Verdict int

// Pass is the zero Verdict: the call is carried out and answered.
const (
	Pass      Verdict = iota
	Denied            // the caller may not, as the service says it
	Throttled         // too many calls, as the service says it
	Failed            // an internal failure, which SDKs retry
	CutBefore         // the connection ends without an answer
	CutAfter          // the call is carried out, and the connection ends without an answer
	Garbage           // 200, and a body that is no protocol's
	Hung              // no answer until the client goes away, or the test ends
)

// String is the verdict's name, as Call.Answer has it.
func (v Verdict) String() string {
	return [...]string{"pass", "denied", "throttled", "failed", "cut before", "cut after", "garbage", "hung"}[v]
}

// judge asks the hooks, in the order in which they were set, until one says more than Pass.
func (s *Server) judge(c *Call) Verdict {
	s.mu.Lock()
	hooks := append([]*hook(nil), s.hooks...)
	s.mu.Unlock()
	for _, h := range hooks {
		if v := h.of(c); v != Pass {
			return v
		}
	}
	return Pass
}

type hook struct{ of func(*Call) Verdict }

// OnCall has every call judged before it is carried out. One call at a time is judged or answered by a handler, so that hooks and handlers may share
// variables without a lock. A test that reads them while calls go on takes its own. The hook goes with undo.
func (s *Server) OnCall(of func(*Call) Verdict) (undo func()) {
	h := &hook{of}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, h)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, one := range s.hooks {
			if one == h {
				s.hooks = append(append([]*hook(nil), s.hooks[:i]...), s.hooks[i+1:]...)
				return
			}
		}
	}
}

// Deny refuses an operation, or with "*" all of a service, until undo.
func (s *Server) Deny(service, operation string) (undo func()) {
	s.t.Helper()
	s.mustHave(service, operation)
	return s.OnCall(func(c *Call) Verdict {
		if c.Service == service && (operation == "*" || c.Operation == operation) {
			return Denied
		}
		return Pass
	})
}

// Throttle refuses the next calls of an operation, or with "*" of a service, as too many.
func (s *Server) Throttle(service, operation string, times int) {
	s.t.Helper()
	s.mustHave(service, operation)
	s.OnCall(func(c *Call) Verdict {
		if times <= 0 || c.Service != service || operation != "*" && c.Operation != operation {
			return Pass
		}
		times--
		return Throttled
	})
}

// Calls are those of a service ("eks"), of an operation ("eks:DescribeCluster"), or of any of several, in the order in which they came; all where none
// is named.
func (s *Server) Calls(of ...string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Call
	for _, c := range s.calls {
		asked := len(of) == 0
		for _, one := range of {
			asked = asked || one == c.Service || one == c.Service+":"+c.Operation
		}
		if asked {
			out = append(out, *c)
		}
	}
	return out
}
