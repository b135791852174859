package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/identity"
)

const webRole, dbRole = "arn:aws:iam::111122223333:role/web", "arn:aws:iam::111122223333:role/path/to/db+x"

// withRoles is an agent over a second backend, an STS.
func withRoles(sts *fakeBackend) func(*agent.Config) {
	return func(c *agent.Config) { c.IRSA = &agent.IRSA{Backend: sts} }
}

func newSTS() *fakeBackend { return &fakeBackend{life: time.Hour} }

// stsToken is one as kubelet projects it for an annotated account.
func (p pod) stsToken(t testing.TB) string {
	t.Helper()
	c := p.claims(time.Now())
	c.Audience = []string{identity.STS}
	return sign(t, clusterKey(), c)
}

func naming(role string) func(*http.Request) { return query("role-arn=" + url.QueryEscape(role)) }

func query(text string) func(*http.Request) {
	return func(r *http.Request) { r.URL.RawQuery = text }
}

// accessKey is what a fetch gets, or its status and first line.
func (w *world) accessKey(raw string, change ...func(*http.Request)) string {
	r := w.fetch(raw, change...)
	if r.status == http.StatusOK {
		return r.credentials.AccessKeyId
	}
	line, _, _ := strings.Cut(r.body, "\n")
	return fmt.Sprintf("%d %s", r.status, line)
}

// nth is the access key of a backend's nth call.
func nth(n int) string { return issue(n, time.Time{}).AccessKeyID }

// A pod of an annotated account gets the credentials of the role it names; each role is obtained once, with the pod's newest token, and
// has nothing to do with what the association gives.
func TestNamedRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sts := newSTS()
		w := start(t, withRoles(sts)).running()
		var asked []agent.Request
		sts.set(func(_ context.Context, r agent.Request) (*agent.Credentials, error) {
			asked = append(asked, r)
			return nil, nil
		})
		first, rotated := web.stsToken(t), web.stsToken(t)
		for i, want := range []struct{ raw, role, key string }{
			{first, webRole, nth(1)},
			{first, webRole, nth(1)},
			{rotated, webRole, nth(1)},
			{first, dbRole, nth(2)},
			{podOf(2).stsToken(t), webRole, nth(3)},
			{rotated, dbRole, nth(2)},
		} {
			if got := w.accessKey(want.raw, naming(want.role)); got != want.key {
				t.Errorf("%d: got %s, want %s", i, got, want.key)
			}
		}
		if asked[0].Token != first || asked[0].Role.String() != webRole || asked[1].Role.String() != dbRole || asked[0].Claims.Kubernetes.PodUID != web.uid {
			t.Errorf("asked for %v", asked)
		}
		w.mustHaveCalled(0)
		w.mustFetch(web.token(t), 1)

		// The credentials last an hour, so they are renewed a third of it ahead, if they were asked for.
		time.Sleep(45 * time.Minute)
		synctest.Wait()
		if got := w.accessKey(rotated, naming(webRole)); sts.called() < 4 || got == nth(1) {
			t.Errorf("after 45 minutes: %s, %d calls", got, sts.called())
		}
	})
}

func TestNamedRoleIsOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sts := newSTS()
		sts.set(after(time.Second))
		w := start(t, withRoles(sts))
		var pods sync.WaitGroup
		for range 100 {
			raw := web.stsToken(t)
			pods.Go(func() {
				if got := w.accessKey(raw, naming(webRole)); got != nth(1) {
					t.Errorf("got %s", got)
				}
			})
		}
		pods.Wait()
		if n := sts.called(); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

// A token is good for what its audience says, and nothing else.
func TestNamedRoleAudience(t *testing.T) {
	both := web.claims(time.Now())
	both.Audience = []string{identity.PodIdentity, identity.STS}
	neither := web.claims(time.Now())
	neither.Audience = []string{"vault"}
	tokens := map[string]string{
		"association": web.token(t), "sts": web.stsToken(t), "both": sign(t, clusterKey(), both), "neither": sign(t, clusterKey(), neither),
	}
	const invalid = "Service account token failed basic claim validations: token has invalid audience"
	for _, keys := range []bool{true, false} {
		for _, c := range []struct {
			token, role string
			reason      string
		}{
			{"association", "", ""},
			{"sts", webRole, ""},
			{"both", "", ""},
			{"both", webRole, ""},
			{"association", webRole, "is good for the role of its association, without role-arn"},
			{"sts", "", "is good for a role that is named: /v1/credentials?role-arn=ARN"},
			{"neither", "", "must be pods.eks.amazonaws.com"},
			{"neither", webRole, "must be sts.amazonaws.com"},
		} {
			sts := newSTS()
			w := start(t, withRoles(sts))
			if !keys {
				w = start(t, withRoles(sts), withoutKeys)
			}
			change := func(r *http.Request) {}
			if c.role != "" {
				change = naming(c.role)
			}
			for range 2 { // known or not
				r := w.fetch(tokens[c.token], change)
				refused := r.status == 400 && strings.HasPrefix(r.body, invalid+"\n") && strings.Contains(r.header.Get("Podpass-Reason"), c.reason)
				if c.reason == "" && r.status != 200 || c.reason != "" && !refused {
					t.Errorf("%s token, role %q, keys %v: %d %q", c.token, c.role, keys, r.status, r.body)
				}
			}
			if calls := w.backend.called() + sts.called(); calls > 1 || c.reason != "" && calls > 0 {
				t.Errorf("%s token, role %q: %d calls", c.token, c.role, calls)
			}
		}
	}
}

// An agent may be told another audience; then STS's own is none.
func TestNamedRoleAudienceOfItsOwn(t *testing.T) {
	w := start(t, func(c *agent.Config) { c.IRSA = &agent.IRSA{Backend: newSTS(), Audience: "sts.internal"} })
	own := web.claims(time.Now())
	own.Audience = []string{"sts.internal"}
	if got := w.accessKey(sign(t, clusterKey(), own), naming(webRole)); got != nth(1) {
		t.Errorf("its own: %s", got)
	}
	if got := w.accessKey(web.stsToken(t), naming(webRole)); !strings.Contains(got, "invalid audience") {
		t.Errorf("STS's: %s", got)
	}
}

func TestBadQueries(t *testing.T) {
	sts := newSTS()
	w := start(t, withRoles(sts))
	raw := web.stsToken(t)
	escaped := url.QueryEscape(webRole)
	for name, c := range map[string]struct{ query, line string }{
		"empty":               {"role-arn=", "role-arn is not the ARN of a role"},
		"no value":            {"role-arn", "role-arn is not the ARN of a role"},
		"twice":               {"role-arn=" + escaped + "&role-arn=" + escaped, "Request has more than one parameter role-arn"},
		"another":             {"role-arn=" + escaped + "&duration=1", "Request has a parameter other than role-arn"},
		"misspelt":            {"roleArn=" + escaped, "Request has a parameter other than role-arn"},
		"upper case":          {"ROLE-ARN=" + escaped, "Request has a parameter other than role-arn"},
		"bad escape":          {"role-arn=%zz", "Query of the request cannot be parsed"},
		"semicolon":           {"role-arn=" + escaped + ";x=y", "Query of the request cannot be parsed"},
		"no name":             {"=" + escaped, "Request has a parameter other than role-arn"},
		"ampersand alone":     {"&", "Request has more than one parameter role-arn"},
		"a user":              {"role-arn=arn:aws:iam::111122223333:user/web", "role-arn is not the ARN of a role"},
		"a session":           {"role-arn=arn:aws:sts::111122223333:assumed-role/web/x", "role-arn is not the ARN of a role"},
		"no account":          {"role-arn=arn:aws:iam:::role/web", "role-arn is not the ARN of a role"},
		"a region":            {"role-arn=arn:aws:iam:us-west-2:111122223333:role/web", "role-arn is not the ARN of a role"},
		"a wildcard":          {"role-arn=arn:aws:iam::111122223333:role/*", "role-arn is not the ARN of a role"},
		"space at its end":    {"role-arn=" + escaped + "+", "role-arn is not the ARN of a role"},
		"line break":          {"role-arn=" + escaped + "%0d%0aX-Evil:1", "role-arn is not the ARN of a role"},
		"NUL":                 {"role-arn=" + escaped + "%00", "role-arn is not the ARN of a role"},
		"too long":            {"role-arn=" + escaped + strings.Repeat("a", 3000), "role-arn is not the ARN of a role"},
		"plus for itself":     {"role-arn=" + dbRole, "role-arn is not the ARN of a role"},
		"parameter of a name": {"role-arn=" + escaped + "&role-arn", "Request has more than one parameter role-arn"},
	} {
		r := w.fetch(raw, query(c.query))
		line, rest, _ := strings.Cut(r.body, "\n")
		if r.status != 400 || line != c.line || strings.TrimSuffix(rest, "\n") != r.header.Get("Podpass-Reason") || rest == "" {
			t.Errorf("%s: %d %q", name, r.status, r.body)
		}
	}
	if r := start(t).fetch(raw, naming(webRole)); r.status != 400 || !strings.HasPrefix(r.body, "Agent serves no roles by their ARN\n") {
		t.Errorf("without an STS: %d %q", r.status, r.body)
	}
	if n := sts.called(); n != 0 {
		t.Errorf("%d calls", n)
	}
}

// What STS says is what the pod hears, and what it says finally it is asked once for.
func TestNamedRoleRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sts := newSTS()
		sts.set(func(_ context.Context, r agent.Request) (*agent.Credentials, error) {
			if r.Role.String() == webRole {
				return nil, &agent.Error{Status: 400, Code: "AccessDeniedException", Message: "Not authorized to perform sts:AssumeRoleWithWebIdentity", RequestID: "r-7"}
			}
			return nil, nil
		})
		w := start(t, withRoles(sts))
		raw := web.stsToken(t)
		const want = "400 [r-7]: (AccessDeniedException): Not authorized to perform sts:AssumeRoleWithWebIdentity, fault: client"
		for range 3 {
			if got := w.accessKey(raw, naming(webRole)); got != want {
				t.Errorf("got %s", got)
			}
		}
		if sts.called() != 1 {
			t.Errorf("%d calls", sts.called())
		}
		if got := w.accessKey(raw, naming(dbRole)); got != nth(2) {
			t.Errorf("another role: %s", got)
		}
		time.Sleep(2 * time.Second)
		if sts.set(nil); w.accessKey(raw, naming(webRole)) != nth(3) {
			t.Error("the refusal stands for longer than 1.5 s")
		}
	})
}

// One pod takes few places of the cache, and few calls; it is not the others' loss, and an hour later it is no more its own.
func TestTooManyRoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sts := newSTS()
		w := start(t, withRoles(sts))
		raw := web.stsToken(t)
		role := func(n int) func(*http.Request) { return naming(fmt.Sprintf("%s-%d", webRole, n)) }
		for n := range 10 {
			if got := w.accessKey(raw, role(n)); got != nth(n+1) {
				t.Fatalf("role %d: %s", n, got)
			}
		}
		for n := range 50 {
			if got := w.accessKey(web.stsToken(t), role(10+n)); got != "400 Pod asks for too many roles" {
				t.Errorf("role %d: %s", 10+n, got)
			}
		}
		if got := w.accessKey(raw, role(3)); got != nth(4) || sts.called() != 10 {
			t.Errorf("one it has: %s, %d calls", got, sts.called())
		}
		if got := w.accessKey(podOf(2).stsToken(t), role(10)); got != nth(11) {
			t.Errorf("another pod: %s", got)
		}
		w.mustFetch(web.token(t), 1)
		time.Sleep(time.Hour)
		if got := w.accessKey(web.stsToken(t), role(10)); got != nth(12) {
			t.Errorf("an hour later: %s", got)
		}
	})
}

// Without keys only the STS can tell whose a token is. What it accepted is known again, and counts.
func TestNamedRoleWithoutKeys(t *testing.T) {
	sts := newSTS()
	raw := web.stsToken(t)
	sts.set(refusing(sign(t, foreignKey(), web.claims(time.Now()))))
	w := start(t, withRoles(sts), withoutKeys)
	for range 2 {
		if got := w.accessKey(raw, naming(webRole)); got != nth(1) {
			t.Errorf("got %s", got)
		}
	}
	c := web.claims(time.Now())
	c.Audience = []string{identity.STS}
	forged := sign(t, foreignKey(), c)
	sts.set(refusing(forged))
	if got := w.accessKey(forged, naming(webRole)); !strings.Contains(got, "InvalidTokenException") {
		t.Errorf("a forged token gets %s", got)
	}
	if got := w.accessKey(raw, naming(webRole)); got != nth(1) {
		t.Errorf("the good one: %s", got)
	}
}

func TestNamedRolesAndChanges(t *testing.T) {
	sts := newSTS()
	w := start(t, withRoles(sts))
	raw, associated := web.stsToken(t), web.token(t)
	w.accessKey(raw, naming(webRole))
	w.mustFetch(associated, 1)
	w.AssociationChanged("shop", "*", true)
	w.AllAssociationsChanged()
	w.mustFetch(associated, 2)
	if got := w.accessKey(raw, naming(webRole)); got != nth(1) || sts.called() != 1 {
		t.Errorf("an association's end is not the role's: %s", got)
	}
	w.ForgetPod(web.uid)
	if got := w.accessKey(raw, naming(webRole)); !strings.Contains(got, "has been deleted") {
		t.Errorf("a deleted pod gets %s", got)
	}
}

// The next agent has the roles too. One that knows of no roles finds nothing of them among what it reads.
func TestNamedRolesAreHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := start(t, withRoles(newSTS())), start(t, withRoles(newSTS()))
		raw, associated := web.stsToken(t), web.token(t)
		old.mustFetch(associated, 1)
		for n, role := range []string{webRole, dbRole} {
			if got := old.accessKey(raw, naming(role)); got != nth(n+1) {
				t.Fatal(got)
			}
		}
		data, err := old.Export()
		if err != nil {
			t.Fatal(err)
		}
		if err := next.Import(data); err != nil {
			t.Fatal(err)
		}
		next.backend.set(failing(errOutage))
		next.mustFetch(associated, 1)
		for n, role := range []string{webRole, dbRole} {
			if got := next.accessKey(web.stsToken(t), naming(role)); got != nth(n+1) {
				t.Errorf("%s: %s", role, got)
			}
		}
		var earlier struct {
			Version int
			Entries []json.RawMessage
		}
		if err := json.Unmarshal(data, &earlier); err != nil || earlier.Version != 1 || len(earlier.Entries) != 1 {
			t.Errorf("an earlier agent reads %d entries of version %d: %v", len(earlier.Entries), earlier.Version, err)
		}
		// Without an STS, or of another audience, it is nothing the agent would serve.
		for _, other := range []*world{start(t), start(t, func(c *agent.Config) { c.IRSA = &agent.IRSA{Backend: newSTS(), Audience: "other"} })} {
			handOver(t, old, other)
			if data, err := other.Export(); err != nil || strings.Count(string(data), `"token"`) != 1 {
				t.Errorf("%s %v", data, err)
			}
		}
		for _, role := range []string{`"x"`, `""`, `"arn:aws:iam::111122223333:user/web"`} {
			if err := next.Import([]byte(`{"version":1,"roleEntries":[{"role":` + role + `,"token":"SECRETKEY"}]}`)); err == nil || strings.Contains(err.Error(), "SECRETKEY") {
				t.Errorf("role %s: %v", role, err)
			}
		}
	})
}

// A service that is out of reach is told apart from the other: the agent is not ready before each that was called has answered.
func TestReadyForNamedRoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sts := newSTS()
		w := start(t, withRoles(sts)).running()
		synctest.Wait()
		w.mustFetch(web.token(t), 1)
		sts.set(failing(errOutage))
		if got := w.accessKey(web.stsToken(t), naming(webRole)); !strings.HasPrefix(got, "503 ") {
			t.Error(got)
		}
		if err := w.Ready(); err == nil || !strings.Contains(err.Error(), "has not answered yet") {
			t.Errorf("ready: %v", err)
		}
		sts.set(nil)
		w.accessKey(web.stsToken(t), naming(webRole))
		if err := w.Ready(); err != nil {
			t.Error(err)
		}
	})
}

// A pod that floods the agent with roles waits for its turn as one pod.
func TestNamedRolesTakeOneTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sts := newSTS()
		sts.set(after(time.Second / 2))
		w := start(t, withRoles(sts), func(c *agent.Config) { c.MaxInFlight = 1 })
		var all sync.WaitGroup
		raw := web.stsToken(t)
		for n := range 10 {
			all.Go(func() { w.accessKey(raw, naming(fmt.Sprintf("%s-%d", webRole, n))) })
		}
		synctest.Wait()
		other := podOf(2).stsToken(t)
		all.Go(func() { w.accessKey(other, naming(webRole)) })
		all.Wait()
		if _, pods := sts.since(0); slices.Index(pods, podOf(2).name) > 3 {
			t.Errorf("the other pod had its turn after %v", pods)
		}
	})
}
