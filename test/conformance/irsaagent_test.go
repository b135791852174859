package conformance_test

import (
	"net/url"
	"strings"
	"testing"
)

// IRSA through the agent: unmodified SDKs send the query of the URL along as it is written, and get the role it names, with the token they would give to
// STS. The trust policy decides.
func TestIRSAThroughAgent(t *testing.T) {
	a := up(t)
	all := clients(t)
	trusting := a.role(t, "reader", trustFor(a.issuer(), "system:serviceaccount:shop:web"))
	other := a.role(t, "other", trustFor(a.issuer(), "system:serviceaccount:shop:db"))
	agent := a.agent(t, "127.0.0.1")
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRelay(t, agent)
			token := a.token(t, "shop", "web", "sts.amazonaws.com")
			caller := func(role string) reply {
				t.Helper()
				return execute(t, a.pod(t, c, r.url+"?role-arn="+url.QueryEscape(role), token), c.argv("GetCallerIdentity", "{}", a.endpoint()))
			}
			if who := caller(trusting); !strings.HasPrefix(who.text("Arn"), "arn:aws:sts::"+account+":assumed-role/reader/web-") {
				t.Errorf("caller = %v %s %s", who.Output, who.Error, who.Stderr)
			}
			r.expect(t, fetch{Status: 200})
			got := caller(other)
			if got.Error == "" {
				t.Fatalf("not refused: %v", got.Output)
			}
			if refusals[c.name].shows && !strings.Contains(got.message()+got.Stderr, "Not authorized to perform sts:AssumeRoleWithWebIdentity") {
				t.Errorf("%q %v %s", got.Error, got.Output, got.Stderr)
			}
		})
	}
}
