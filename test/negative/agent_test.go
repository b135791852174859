package negative

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/token"
)

// Every bad token that EKS Auth refuses, through an agent in front of it: one that verifies tokens, and one that leaves all to EKS Auth.
func TestAgentCorpus(t *testing.T) {
	w := newWorld(t)
	keys := publishedKeys(t, w.Server)
	if _, err := keys.Key(t.Context(), w.key.ID, "RS256"); err != nil { // so that no case does it
		t.Fatal(err)
	}
	var probes []probe
	for _, family := range []func(*world) []probe{
		atEKS(tokenShape), atEKS(tokenHeader), atEKS(tokenClaims), atEKS(tokenIssuer), atEKS(tokenTimes),
		func(w *world) []probe { return podIdentities(t, w) },
	} {
		probes = append(probes, family(w)...)
	}
	for name, change := range map[string]func(*agent.Config){
		"verifying": func(c *agent.Config) { c.Keys = keys },
		"trusting":  leftToEKSAuth,
	} {
		t.Run(name, func(t *testing.T) {
			var report strings.Builder
			table := tabwriter.NewWriter(&report, 0, 0, 2, ' ', 0)
			passed, kept, leaked := 0, 0, 0
			for _, p := range probes {
				raw, ok := onlyToken(w, p)
				if !ok {
					continue
				}
				t.Run(p.name, func(t *testing.T) {
					n := newNode(t, w.Server, w.agent, change) // to which every token is new
					r, e := n.mustRefuse(raw, p.secrets)
					line, _, _ := strings.Cut(r.body, "\n")
					fmt.Fprintf(table, "%s\t%d %s\n", p.name, r.status, line)
					if e == nil {
						kept++
					} else {
						passed++
						if e.Code != p.code || r.status != p.status || !strings.Contains(e.Reason, p.why) {
							t.Errorf("EKS Auth refused it with %d %s %q, want %d %s %q", r.status, e.Code, e.Reason, p.status, p.code, p.why)
						}
					}
					if forged(p) && e != nil {
						leaked++
						if name == "verifying" {
							t.Error("a token that the cluster has not signed was passed on")
						}
					}
					if p.code == "ResourceNotFoundException" || p.code == "AccessDeniedException" {
						if e == nil {
							t.Error("the agent cannot know that, and said so all the same")
						}
					}
				})
			}
			table.Flush()
			t.Logf("%d refused by EKS Auth, %d by the agent\n%s", passed, kept, report.String())
			if passed+kept < least || passed < 10 || kept < 10 || name == "trusting" && leaked < 10 {
				t.Errorf("%d (%d of them forged) and %d cases are too few", passed, leaked, kept)
			}
		})
	}
}

// onlyToken is the token of a probe of EKS Auth in which nothing else is wrong.
func onlyToken(w *world, p probe) (string, bool) {
	body, err := p.request.GetBody()
	if err != nil {
		return "", false
	}
	var in struct{ Token string }
	if json.NewDecoder(body).Decode(&in) != nil {
		return "", false
	}
	// What is signed at one time with one key is the same to the last byte.
	plain := w.podIdentity(in.Token)
	return in.Token, p.request.URL.String() == plain.URL.String() && reflect.DeepEqual(p.request.Header, plain.Header)
}

// forged reports whether a probe is refused for its signature alone.
func forged(p probe) bool {
	return p.why == "signature does not match" || p.why == "no key has the kid"
}

// What the corpus varies is accepted by both agents as it stands, and up to the edges that cases lie beyond.
func TestAgentControls(t *testing.T) {
	w := newWorld(t).at(atEKSAuth)
	c := w.claims()
	keys := publishedKeys(t, w.Server)
	for name, raw := range map[string]string{
		"token":                     w.sign(c),
		"token expired 59 s ago":    w.sign(c.with("exp", w.in(-59))),
		"token valid in 60 s":       w.sign(c.with("nbf", w.in(60))),
		"token issued in 60 s":      w.sign(c.with("iat", w.in(60))),
		"token without nbf":         w.sign(c.without("nbf")),
		"token with unknown claims": w.sign(c.also("x", `{"a":[1,2.5,null,true]}`)),
		"token for two audiences":   w.sign(c.with("aud", `["vault","pods.eks.amazonaws.com"]`)),
		"token without kid":         jws(w.key, w.header().without("kid").String(), c.String()),
		"the longest token":         longest(t, w),
	} {
		for variant, change := range map[string]func(*agent.Config){"verifying": func(c *agent.Config) { c.Keys = keys }, "trusting": leftToEKSAuth} {
			t.Run(name+"/"+variant, func(t *testing.T) {
				n := newNode(t, w.Server, w.agent, change)
				before := w.Audit.Len()
				first := n.mustFetch(raw)
				if again := n.mustFetch(raw); again != first || len(n.exchanges(before)) != 1 {
					t.Errorf("the second fetch is another one: %v, %v", first, again)
				}
			})
		}
	}
}

// longest is a good token that cannot be a byte longer.
func longest(t *testing.T, w *world) string {
	t.Helper()
	for n := 14800; n > 14000; n-- {
		if raw := w.sign(w.claims().also("x", `"`+strings.Repeat("x", n)+`"`)); len(raw) <= token.MaxSize {
			if len(raw) < token.MaxSize-3 {
				t.Fatalf("%d bytes are not the most", len(raw))
			}
			return raw
		}
	}
	t.Fatal("no token of 20,000 bytes")
	return ""
}

// Whoever calls under another name, another path or another method gets nothing, whatever token he has.
func TestAgentHost(t *testing.T) {
	w := newWorld(t).at(atEKSAuth)
	n := newNode(t, w.Server, w.agent)
	good := w.sign(w.claims())
	n.mustFetch(good)
	for _, host := range []string{"169.254.169.254", "evil.example", "169.254.170.23.evil.example", "localhost.evil.example", "", "[::1]", "0xa9.0xfe.0xaa.0x17", "2852039191"} {
		r, _ := n.mustRefuse(good, nil, func(r *http.Request) { r.Host = host })
		if r.status != http.StatusForbidden || !strings.HasPrefix(r.body, "Access Denied. Called agent through invalid address, please use either ") {
			t.Errorf("host %q: %d %s", host, r.status, r.body)
		}
	}
	n.mustFetch(good, func(r *http.Request) { r.Host = nodeAddress + ":80" })
}

// A token behind "Bearer " is a mistake that has a remedy.
func TestAgentBearer(t *testing.T) {
	w := newWorld(t).at(atEKSAuth)
	n := newNode(t, w.Server, w.agent)
	good := w.sign(w.claims())
	for _, prefix := range []string{"Bearer ", "bearer ", "BEARER  "} {
		r, _ := n.mustRefuse(prefix+good, nil)
		if r.status != http.StatusBadRequest || !strings.Contains(r.header.Get("Podpass-Reason"), "send the raw token") {
			t.Errorf("%q: %d %s", prefix, r.status, r.body)
		}
	}
	n.mustFetch(good)
}

// The agent's own troubles are no refusal of the pod: what it has serves on, and who has nothing is told that it is the agent's fault.
func TestAgentWhoMayNot(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "pod", Trust: podpasstest.PodIdentityTrust()})
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "*", Role: "pod"})
	allowed := s.AddUser(t, podpasstest.Account, "agent", podpasstest.Allow("eks-auth:AssumeRoleForPodIdentity"))
	n := newNode(t, s, allowed)
	has, hasNot := s.PodToken(t, "shop", "web"), s.PodToken(t, "shop", "db")
	first := n.mustFetch(has)
	s.AddUser(t, podpasstest.Account, "agent", podpasstest.Allow("sts:GetCallerIdentity"))
	r, e := n.mustRefuse(hasNot, nil)
	if r.status != http.StatusForbidden || e == nil || e.Code != "AccessDeniedException" || !strings.Contains(r.body, "agent's role") {
		t.Errorf("%d %s", r.status, r.body)
	}
	n.AllAssociationsChanged() // so that it is asked for again
	if again := n.mustFetch(has); again != first {
		t.Errorf("other credentials: %v", again)
	}
}
