package conformance_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/podpass/podpass/audit"
)

// The main job through Pod Identity: the SDK's own default chain gets credentials from the agent, and the namespace in the session's tags decides
// what one policy allows to whom. Each association is made by another SDK than the one that uses it at once.
func TestPodIdentity(t *testing.T) {
	a := up(t)
	all := clients(t)
	operators := associating(all)
	for _, namespace := range []string{"shop", "bank"} {
		a.must(t, all[0], "CreateRole", object{"RoleName": "data-" + namespace, "Path": "/" + namespace + "/", "AssumeRolePolicyDocument": podTrust(nil)})
	}
	for i, c := range all {
		t.Run(c.name, func(t *testing.T) {
			role := "reader-" + c.name
			roleARN := a.role(t, role, podTrust(nil))
			a.must(t, all[0], "PutRolePolicy", object{"RoleName": role, "PolicyName": "own-namespace", "PolicyDocument": allow(
				"iam:GetRole", "arn:aws:iam::"+account+":role/${aws:PrincipalTag/kubernetes-namespace}/*")})
			serviceAccount := fmt.Sprintf("web-%d", i)
			for namespace, other := range map[string]string{"shop": "bank", "bank": "shop"} {
				as := func(action string, in object) reply {
					t.Helper()
					return execute(t, a.operator(), a.underRun(c, namespace, serviceAccount, c.argv(action, in.String(), a.endpoint())))
				}
				a.associate(t, operators[(i+1)%len(operators)], namespace, serviceAccount, roleARN)
				who := as("GetCallerIdentity", object{})
				session := regexp.MustCompile(`^arn:aws:sts::` + account + `:assumed-role/` + role + `/eks-local-` + serviceAccount + `-[\w-]+$`)
				if !session.MatchString(who.text("Arn")) {
					t.Errorf("%s: caller = %v %s %s", namespace, who.Output, who.Error, who.Stderr)
				}
				if r := as("GetRole", object{"RoleName": "data-" + namespace}); r.text("Role", "RoleName") != "data-"+namespace {
					t.Errorf("%s: its own role: %s %v %s", namespace, r.Error, r.Output, r.Stderr)
				}
				if r := as("GetRole", object{"RoleName": "data-" + other}); r.Error != "AccessDenied" {
					t.Errorf("%s: the role of %s: got %q (%v), want AccessDenied", namespace, other, r.Error, r.Output)
				}
			}
		})
	}
}

// refusals says how each client takes a final refusal of the agent, which is text as the EKS agent's is.
var refusals = map[string]struct {
	requests int  // for one refusal
	bare     int  // of them without the token
	shows    bool // to whoever runs it, what the agent said
}{
	"aws-sdk-go-v2": {requests: 1, shows: true},
	// It takes an error that is not JSON for one worth trying again.
	"aws-sdk-go-v1": {requests: 4, shows: true},
	// It tries again whatever the answer, at last as for ECS, without the token, and then says that it found no provider.
	"aws-sdk-js-v3":  {requests: 5, bare: 1},
	"aws-cli-2.9.19": {requests: 3, shows: true},
}

// A refusal is final, costs few requests, and says AWS's code.
func TestPodIdentityRefused(t *testing.T) {
	a := up(t)
	all := clients(t)
	elsewhere := object{"StringEquals": object{"aws:RequestTag/kubernetes-namespace": "elsewhere"}}
	a.associate(t, all[0], "shop", "untrusted", a.role(t, "untrusting", podTrust(elsewhere)))
	agent := a.agent(t, "127.0.0.1")
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRelay(t, agent)
			refused := func(status int, text, reason, token string) {
				t.Helper()
				got := execute(t, a.pod(t, c, r.url, token), c.argv("GetCallerIdentity", "{}", a.endpoint()))
				if got.Error == "" {
					t.Fatalf("not refused: %v", got.Output)
				}
				how := refusals[c.name]
				if how.shows && !strings.Contains(got.message()+got.Stderr, text) {
					t.Errorf("%s is not in %q %v %s", text, got.Error, got.Output, got.Stderr)
				}
				want := make([]fetch, how.requests)
				for i := range want {
					want[i] = fetch{Status: status}
					if i >= how.requests-how.bare {
						want[i] = fetch{Status: 400, Bare: true}
					}
				}
				r.expect(t, want...)
				if how.bare == 0 && !strings.Contains(r.reason(), reason) {
					t.Errorf("reason %q, want %q in it", r.reason(), reason)
				}
			}
			refused(404, "(ResourceNotFoundException)", "shop/nobody", a.token(t, "shop", "nobody", podIdentityAudience))
			refused(400, "(AccessDeniedException)", "does not allow sts:AssumeRole", a.token(t, "shop", "untrusted", podIdentityAudience))
			// What the condition wanted and what it saw is for the operator.
			events := a.exchanges(t, "untrusted")
			if last := events[len(events)-1]; last.Outcome != audit.Refused || last.Code != "AccessDeniedException" ||
				!strings.Contains(last.Reason, "aws:RequestTag/kubernetes-namespace") || !strings.Contains(last.Reason, `"shop"`) {
				t.Errorf("audit: %+v", last)
			}
			refused(400, "invalid audience", podIdentityAudience, a.token(t, "shop", "untrusted", "sts.amazonaws.com"))
			refused(400, "cannot be parsed", "Bearer", "Bearer "+a.token(t, "shop", "untrusted", podIdentityAudience))
		})
	}
}

// A token file that ends in a newline is refused by the SDKs themselves, except the one for JavaScript: it sends its request without the token.
func TestTokenWithNewline(t *testing.T) {
	a := up(t)
	all := clients(t)
	a.associate(t, all[0], "shop", "web", a.role(t, "reader", podTrust(nil)))
	agent := a.agent(t, "127.0.0.1")
	for _, c := range all {
		if c.noTokenFile {
			continue // a shell takes the newline off
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRelay(t, agent)
			token := a.token(t, "shop", "web", podIdentityAudience)
			got := execute(t, a.pod(t, c, r.url, token+"\n"), c.argv("GetCallerIdentity", "{}", a.endpoint()))
			if got.Error == "" {
				t.Errorf("not refused: %v", got.Output)
			}
			if c.name == "aws-sdk-js-v3" {
				r.expect(t, fetch{Bare: true, Status: 400})
			} else {
				r.expect(t)
			}
			if got = execute(t, a.pod(t, c, r.url, token), c.argv("GetCallerIdentity", "{}", a.endpoint())); got.Error != "" {
				t.Errorf("without it: %s %v %s", got.Error, got.Output, got.Stderr)
			}
			r.expect(t, fetch{Status: 200})
		})
	}
}

// The CLI is older than the token file: it asks as if there were none, and the agent says what is missing.
func TestTokenFileUnknown(t *testing.T) {
	a := up(t)
	all := clients(t)
	a.associate(t, all[0], "shop", "web", a.role(t, "reader", podTrust(nil)))
	agent := a.agent(t, "127.0.0.1")
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			r := newRelay(t, agent)
			old := c.noTokenFile
			c.noTokenFile = false // nobody gives it the token in a variable
			got := execute(t, a.pod(t, c, r.url, a.token(t, "shop", "web", podIdentityAudience)), c.argv("GetCallerIdentity", "{}", a.endpoint()))
			if !old {
				if got.Error != "" {
					t.Errorf("%s %v %s", got.Error, got.Output, got.Stderr)
				}
				r.expect(t, fetch{Status: 200})
				return
			}
			if !strings.Contains(got.Stderr, "Service account token cannot be empty") {
				t.Errorf("%v %s", got.Output, got.Stderr)
			}
			missing := fetch{Status: 400, Bare: true}
			r.expect(t, missing, missing, missing)
		})
	}
}

// An agent on IPv6 loopback. The old CLI knows no IPv6 address it may send a token to.
func TestAgentOnIPv6(t *testing.T) {
	a := up(t)
	all := clients(t)
	role := a.role(t, "reader", podTrust(nil))
	a.associate(t, all[0], "shop", "web", role)
	agent := a.agent(t, "::1")
	if !strings.HasPrefix(agent, "http://[::1]:") {
		t.Fatalf("the agent is at %s", agent)
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			got := execute(t, a.pod(t, c, agent, a.token(t, "shop", "web", podIdentityAudience)), c.argv("GetCallerIdentity", "{}", a.endpoint()))
			if c.noTokenFile {
				if !strings.Contains(got.Stderr, "Unsupported host '::1'") {
					t.Errorf("%v %s", got.Output, got.Stderr)
				}
				return
			}
			if !strings.HasPrefix(got.text("Arn"), "arn:aws:sts::"+account+":assumed-role/reader/eks-local-web-") {
				t.Errorf("caller = %v %s %s", got.Output, got.Error, got.Stderr)
			}
		})
	}
}
