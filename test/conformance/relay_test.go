package conformance_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/audit"
)

// fetch is one request for credentials, as an agent sees it.
type fetch struct {
	Bare      bool // without an Authorization header
	Status    int
	Shortened bool // what the credentials are said to be valid for
}

// relay stands between a client and an agent, and notes what passes.
type relay struct {
	url string // for AWS_CONTAINER_CREDENTIALS_FULL_URI

	mu      sync.Mutex
	seen    []fetch
	endsIn  time.Duration // what credentials are said to be valid for, 0 for the truth
	reasons []string
}

func newRelay(t *testing.T, agent string) *relay {
	t.Helper()
	target, err := url.Parse(agent)
	if err != nil || target.Host == "" {
		t.Fatalf("no agent: %q", agent)
	}
	r := &relay{}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = target.Scheme, target.Host, target.Host
		},
		ModifyResponse: r.note,
	})
	t.Cleanup(server.Close)
	r.url = server.URL + target.Path
	return r
}

func (r *relay) note(response *http.Response) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, fetch{Bare: response.Request.Header.Get("Authorization") == "", Status: response.StatusCode, Shortened: r.endsIn != 0})
	if reason := response.Header.Get("Podpass-Reason"); reason != "" {
		r.reasons = append(r.reasons, reason)
	}
	if r.endsIn == 0 || response.StatusCode != http.StatusOK {
		return nil
	}
	var credentials map[string]string
	if err := json.NewDecoder(response.Body).Decode(&credentials); err != nil {
		return err
	}
	response.Body.Close()
	credentials["Expiration"] = time.Now().Add(r.endsIn).UTC().Format(time.RFC3339)
	body, err := json.Marshal(credentials)
	if err != nil {
		return err
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

// lasting makes every credential that passes end that much later than now; 0 leaves the truth.
func (r *relay) lasting(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endsIn = d
}

// fetches is what passed since the last look.
func (r *relay) fetches() []fetch {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.seen
	r.seen = nil
	return seen
}

// reason is the agent's last one.
func (r *relay) reason() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.reasons) == 0 {
		return ""
	}
	return r.reasons[len(r.reasons)-1]
}

// expect compares what passed since the last look.
func (r *relay) expect(t *testing.T, want ...fetch) {
	t.Helper()
	if diff := cmp.Diff(want, r.fetches()); diff != "" {
		t.Errorf("requests of the agent: %s", diff)
	}
}

// agent starts `podpass agent`, listening on loopback at host, and returns what AWS_CONTAINER_CREDENTIALS_FULL_URI is to be. It ends with the test.
func (a *authority) agent(t *testing.T, host string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(binDir, "podpass"), "agent", "--cluster-name", "local", "--loopback", net.JoinHostPort(host, "0"))
	cmd.Env, cmd.Stderr = a.operator(), &logWriter{t: t, who: "agent"}
	line := start(t, cmd)
	url := regexp.MustCompile(`http://\S+/v1/credentials`).FindString(line)
	if url == "" {
		t.Fatalf("podpass agent printed %q", line)
	}
	return url
}

// token is a token for EKS Pod Identity, of a pod of the service account.
func (a *authority) token(t *testing.T, namespace, account, audience string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(binDir, "podpass"), "token", "-n", namespace, account, "--audience", audience)
	cmd.Env = a.operator()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("podpass token: %v", err)
	}
	return string(out)
}

// exchanges are the audit events of EKS Auth about a service account.
func (a *authority) exchanges(t *testing.T, account string) (events []audit.Event) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(a.dataDir, "audit.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var e audit.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if e.Action == "AssumeRoleForPodIdentity" && e.ServiceAccount == account {
			events = append(events, e)
		}
	}
	return events
}

const podIdentityAudience = "pods.eks.amazonaws.com"

// pod is the environment of a container with that token for that agent, as the webhook and kubelet make it. A client that doesn't know the token
// file is given what it knows.
func (a *authority) pod(t *testing.T, c client, agent, token string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "eks-pod-identity-token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(bare(),
		"AWS_REGION="+a.env["AWS_REGION"], "AWS_DEFAULT_REGION="+a.env["AWS_REGION"],
		"AWS_ENDPOINT_URL="+a.endpoint(), "AWS_ENDPOINT_URL_STS="+a.endpoint(),
		"AWS_CONTAINER_CREDENTIALS_FULL_URI="+agent, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="+file)
	if c.noTokenFile {
		env = append(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN="+token)
	}
	return env
}

// underRun is the command line of a pod of the service account under podpass run, which finds its agent and token by itself. A client that
// doesn't know the token file is given what it knows.
func (a *authority) underRun(c client, namespace, account string, argv []string) []string {
	run := []string{filepath.Join(binDir, "podpass"), "run", "-n", namespace, account, "--mechanism", "pod-identity", "--"}
	if c.noTokenFile {
		run = append(run, "sh", "-c", `AWS_CONTAINER_AUTHORIZATION_TOKEN=$(cat "$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") exec "$0" "$@"`)
	}
	return append(run, argv...)
}

// associate makes an association through an SDK.
func (a *authority) associate(t *testing.T, c client, namespace, account, role string) (id string) {
	t.Helper()
	return a.must(t, c, "CreatePodIdentityAssociation", object{
		"clusterName": "local", "namespace": namespace, "serviceAccount": account, "roleArn": role,
	}).text("association", "associationId")
}
