package negative

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/token"
	"github.com/podpass/podpass/upstream"
)

func naming(role string) func(*http.Request) {
	return func(r *http.Request) { r.URL.RawQuery = "role-arn=" + url.QueryEscape(role) }
}

// withRoles is an agent that asks the authority's STS for the roles pods name.
func withRoles(s *podpasstest.Server) func(*agent.Config) {
	endpoints := upstream.NewEndpoints([]upstream.Endpoint{{URL: s.URL, Region: podpasstest.Region}}, upstream.Options{Now: s.Clock.Now})
	return func(c *agent.Config) {
		c.IRSA = &agent.IRSA{Backend: agent.STS(upstream.NewSTS(endpoints, nil, upstream.NewHTTPClient(nil)), nil)}
	}
}

// The URL grants nothing. Whatever a pod names and sends: it gets what STS would give to it for the same two, and of a token the cluster has not
// signed STS never hears.
func TestAgentNamedRoles(t *testing.T) {
	w := newWorld(t)
	s := w.Server
	s.AddRole(t, podpasstest.Role{Name: "named", Trust: s.Trust("shop/web")})
	s.AddRole(t, podpasstest.Role{Name: "of-another", Trust: s.Trust("shop/db")})
	s.AddRole(t, podpasstest.Role{Name: "of-pods", Trust: podpasstest.PodIdentityTrust()})
	pod := podpasstest.Pod("web-1", "1c1f62aa-64e0-4f3c-9f2f-a5e6b8a9c8c9")
	good := s.Token(t, "shop", "web", pod)
	foreign, err := token.NewSigningKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := foreign.Sign(s.Claims("shop", "web", pod))
	if err != nil {
		t.Fatal(err)
	}
	named := podpasstest.RoleARN("named")
	n := newNode(t, s, w.agent, withRoles(s))
	n.mustFetch(good, naming(named)) // so that the role is there to be had, and the pod is known
	for _, c := range []struct {
		name, token, role string
		status            int
		line              string
		asked             bool // STS was
	}{
		{"another account's role", good, podpasstest.RoleARN("of-another"), 400, "(AccessDeniedException)", true},
		{"a role of pods", good, podpasstest.RoleARN("of-pods"), 400, "(AccessDeniedException)", true},
		{"no such role", good, podpasstest.RoleARN("nobody"), 400, "(AccessDeniedException)", true},
		{"its role in capitals", good, podpasstest.RoleARN("Named"), 400, "(AccessDeniedException)", true},
		{"its role under a path", good, podpasstest.RoleARN("x/named"), 400, "(AccessDeniedException)", true},
		{"its role in an account that isn't here", good, "arn:aws:iam::999999999999:role/named", 400, "(InvalidTokenException)", true},
		{"its role in another partition", good, strings.Replace(named, "aws", "aws-cn", 1), 400, "(InvalidTokenException)", true},
		{"any role", good, podpasstest.RoleARN("*"), 400, "role-arn is not the ARN of a role", false},
		{"a session of its role", good, "arn:aws:sts::111122223333:assumed-role/named/web-1", 400, "role-arn is not the ARN of a role", false},
		{"a forged token", forged, named, 400, "basic claim validations", false},
		{"another service account", s.Token(t, "shop", "db", pod), named, 400, "(AccessDeniedException)", true},
		{"another namespace", s.Token(t, "bank", "web", pod), named, 400, "(AccessDeniedException)", true},
		{"a token for Pod Identity", s.PodToken(t, "shop", "web", pod), named, 400, "invalid audience", false},
		{"a token for somebody else", s.Token(t, "shop", "web", pod, podpasstest.Audience("vault")), named, 400, "invalid audience", false},
		{"a Bearer token", "Bearer " + good, named, 400, "Bearer prefix", false},
		{"no token", "", named, 400, "cannot be empty", false},
	} {
		before := s.Audit.Len()
		r := n.fetch(c.token, naming(c.role))
		line, reason, _ := strings.Cut(r.body, "\n")
		if r.status != c.status || !strings.Contains(line, c.line) || strings.TrimSuffix(reason, "\n") != r.header.Get("Podpass-Reason") || strings.Contains(r.body, "AccessKeyId") {
			t.Errorf("%s: %d %q", c.name, r.status, r.body)
		}
		asked := slices.ContainsFunc(s.Audit.Since(before), func(e audit.Event) bool {
			if e.Service == "sts" && (e.Outcome != audit.Refused || !strings.Contains(line, e.RequestID)) {
				t.Errorf("%s: on record is %+v, answered was %q", c.name, e, line)
			}
			return e.Service == "sts"
		})
		if asked != c.asked {
			t.Errorf("%s: STS was asked: %v", c.name, asked)
		}
		for _, secret := range secretsOf(c.token) {
			if strings.Contains(n.log.String()+r.body, secret) {
				t.Errorf("%s: the token is in the log, or in the answer", c.name)
			}
		}
	}
	n.mustFetch(good, naming(named))
	if r := n.fetch(good); r.status != 400 || !strings.Contains(r.body, "role-arn=ARN") {
		t.Errorf("without a role: %d %q", r.status, r.body)
	}
	// A role that is gone is refused at the next renewal; what was given is worth nothing at once, which is the authority's to see to.
	s.DeleteRole(t, podpasstest.Account, "named")
	fresh := newNode(t, s, w.agent, withRoles(s))
	if r := fresh.fetch(good, naming(named)); r.status != 400 || !strings.Contains(r.body, "AccessDeniedException") {
		t.Errorf("a deleted role: %d %q", r.status, r.body)
	}
}
