package negative

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/podpass/podpass/audit"
)

// least is how many cases the project promises.
const least = 60

// probe is one bad request.
type probe struct {
	name    string
	request *http.Request
	code    string
	status  int
	why     string   // part of the reason on record: a case must fail for what is wrong with it
	secrets []string // texts that must show nowhere
}

func TestCorpus(t *testing.T) {
	w := newWorld(t)
	families := []struct {
		name   string
		probes func(*world) []probe
	}{
		{"token shape", tokenShape},
		{"token header", tokenHeader},
		{"token claims", tokenClaims},
		{"token's session claims", sessionClaims},
		{"token issuer", tokenIssuer},
		{"token times", tokenTimes},
		{"role", roles},
		{"signature", signatures},
		{"presigned", presigned},
		{"session", sessions},
		{"query", queries},
		{"EKS Auth: token shape", atEKS(tokenShape)},
		{"EKS Auth: token header", atEKS(tokenHeader)},
		{"EKS Auth: token claims", atEKS(tokenClaims)},
		{"EKS Auth: token issuer", atEKS(tokenIssuer)},
		{"EKS Auth: token times", atEKS(tokenTimes)},
		{"EKS Auth", func(w *world) []probe { return podIdentities(t, w) }},
		{"trust policy", trustPolicies},
		{"identity policy", identityPolicies},
		{"session policy", sessionPolicies},
	}
	var report strings.Builder
	table := tabwriter.NewWriter(&report, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nFAMILY\tCASE\tANSWER\tREASON ON RECORD")
	total := 0
	for _, family := range families {
		for _, p := range family.probes(w) {
			total++
			fmt.Fprintf(table, "%s\t%s\t%d %s\t%s\n", family.name, p.name, p.status, p.code, p.why)
			t.Run(family.name+"/"+p.name, func(t *testing.T) { w.refused(t, p) })
		}
	}
	table.Flush()
	t.Logf("%s%d cases", report.String(), total)
	if total < least {
		t.Errorf("the corpus has %d cases, fewer than %d", total, least)
	}
}

// atEKS tries a family's tokens at EKS Auth.
func atEKS(family func(*world) []probe) func(*world) []probe {
	return func(w *world) []probe { return family(w.at(atEKSAuth)) }
}

// refused sends a probe and checks everything a refusal must be.
func (w *world) refused(t *testing.T, p probe) {
	t.Helper()
	events, logged := w.Audit.Len(), len(w.Logs.String())
	status, body := w.send(t, p.request)
	if code := errorCode(body); status != p.status || code != p.code {
		t.Errorf("answered with %d %s, want %d %s: %s", status, code, p.status, p.code, body)
	}
	for _, private := range []string{"<AccessKeyId>", "<SecretAccessKey>", "<SessionToken>", `"accessKeyId"`, `"secretAccessKey"`, `"sessionToken"`} {
		if strings.Contains(body, private) {
			t.Errorf("the refusal's body holds %s", private)
		}
	}
	recorded := w.Audit.Since(events)
	if len(recorded) != 1 {
		t.Fatalf("%d audit events were recorded, want exactly one", len(recorded))
	}
	e := recorded[0]
	if e.Outcome != audit.Refused || e.Code != p.code || !strings.Contains(e.Reason, p.why) {
		t.Errorf("the audit event says %s %s %q, want refused %s with a reason of %q", e.Outcome, e.Code, e.Reason, p.code, p.why)
	}
	if e.AccessKeyID != "" || e.SessionID != "" {
		t.Errorf("the audit event names issued credentials %s %s", e.AccessKeyID, e.SessionID)
	}
	line, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"answer": body, "audit event": string(line), "log": w.Logs.String()[logged:]} {
		for _, secret := range p.secrets {
			if strings.Contains(text, secret) {
				t.Errorf("the %s holds a secret: %s", where, text)
			}
		}
	}
}

func (w *world) send(t *testing.T, r *http.Request) (status int, body string) {
	t.Helper()
	resp, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Header.Get("X-Amzn-Requestid") == "" {
		t.Error("the answer has no request id")
	}
	return resp.StatusCode, string(text)
}

func errorCode(body string) string {
	var refusal struct {
		Type string `json:"__type"`
	}
	if json.Unmarshal([]byte(body), &refusal) == nil {
		return refusal.Type
	}
	_, rest, _ := strings.Cut(body, "<Code>")
	code, _, _ := strings.Cut(rest, "</Code>")
	return code
}

// secretsOf are a token and its parts, as far as they are long enough to be told from other text.
func secretsOf(token string) []string {
	var out []string
	for _, s := range append(strings.Split(token, "."), token) {
		if len(s) >= 20 {
			out = append(out, s)
		}
	}
	return out
}

// What the corpus varies is accepted as it stands, and up to the edges that cases lie beyond: a refusal means something.
func TestControls(t *testing.T) {
	w := newWorld(t)
	pods := w.at(atEKSAuth)
	for name, r := range map[string]*http.Request{
		"token":                     w.exchange(w.sign(w.claims())),
		"token expired 59 s ago":    w.exchange(w.sign(w.claims().with("exp", w.in(-59)))),
		"token valid in 60 s":       w.exchange(w.sign(w.claims().with("nbf", w.in(60)))),
		"token issued in 60 s":      w.exchange(w.sign(w.claims().with("iat", w.in(60)))),
		"token issued years ago":    w.exchange(w.sign(w.claims().with("iat", "1"))),
		"token with unknown claims": w.exchange(w.sign(w.claims().also("x", `{"a":[1,2.5,null,true]}`))),
		"pod's token":               w.podIdentity(pods.sign(pods.claims())),
		"pod's token, expired 59 s": w.podIdentity(pods.sign(pods.claims().with("exp", w.in(-59)))),
		"pod's token with tags":     w.podIdentity(pods.sign(pods.claims().also("https://aws.amazon.com/tags", `{"principal_tags":{"Team":["a"]}}`))),
		"pod's call, 5 minutes old": w.podIdentity(pods.sign(pods.claims()), at(w.now.Add(-5*minute))),
		"signature":                 w.signed(identity),
		"signature 15 minutes old":  w.signed(identity, at(w.now.Add(-15*minute))),
		"signature 15 minutes off":  w.signed(identity, at(w.now.Add(15*minute))),
		"presigned":                 w.presign(),
		"session":                   w.signed(identity, as(w.session)),
		"trust policy":              w.iam("CreateRole", "RoleName", "ok", "AssumeRolePolicyDocument", w.Trust("shop/web")),
		"identity policy":           w.iam("PutRolePolicy", "RoleName", "reader", "PolicyName", "p", "PolicyDocument", goodPolicy),
		"session policy":            w.exchange(w.sign(w.claims()), "Policy", goodPolicy),
	} {
		t.Run(name, func(t *testing.T) {
			before := w.Audit.Len()
			if status, body := w.send(t, r); status != http.StatusOK {
				t.Errorf("answered with %d %s", status, body)
			}
			if events := w.Audit.Since(before); len(events) != 1 || events[0].Outcome != audit.Allowed {
				t.Errorf("recorded as %+v", events)
			}
		})
	}
}
