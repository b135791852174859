//go:build e2e

package processes_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	authentication "k8s.io/api/authentication/v1"
)

// On a registered cluster the agent needs no secret: it exchanges the token of its own service account, at the servers it stands in front of, for
// the role that registering the cluster has made. The first of the servers is away all the time.
func TestAgentNeedsNoSecret(t *testing.T) {
	cluster := shop(t)
	a := up(t, t.TempDir())
	out := a.must("cluster", "register", "prod", "--kubeconfig", registrar(t, cluster))
	const agentRole = "arn:aws:iam::111122223333:role/podpass/podpass-agent-prod"
	if !strings.Contains(out, agentRole) {
		t.Errorf("registered, without the role %s\n%s", agentRole, out)
	}
	a.apply(prodPodRole)
	makeNamespace(t, cluster, "podpass-system")
	makeAccount(t, cluster, "podpass-system", "podpass-agent", nil)
	makeAccount(t, cluster, "podpass-system", "other", nil)
	_, token := makePod(t, cluster, "web-0", "10.244.1.7", false)

	// identity is what a pod of a service account is given: a token in a file and the role's name.
	identity := func(account string) []string {
		file := filepath.Join(t.TempDir(), "token")
		raw := requestToken(t, cluster, "podpass-system", account, authentication.TokenRequestSpec{Audiences: []string{"sts.amazonaws.com"}})
		if err := os.WriteFile(file, []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
		return as(environment(t, filepath.Join(t.TempDir(), "none")), map[string]string{
			"AWS_ROLE_ARN": agentRole, "AWS_WEB_IDENTITY_TOKEN_FILE": file, "AWS_REGION": "us-west-2",
		})
	}
	servers := "http://" + refusing(t) + "," + a.url
	for _, keys := range [][]string{{"--keys", "server"}, {"--keys", "apiserver", "--kubeconfig", cluster.Kubeconfig(t)}} {
		s := sidecar(t, identity("podpass-agent"), append([]string{"-c", "prod", "--server", servers}, keys...)...)
		a.whoIs(keys[1], s.url(), token, "pods")
		before := len(a.exchanges())
		s.refuses(keys[1]+": a token with another signature", token[:len(token)-8]+"AAAAAAAA", "400", "")
		if n := len(a.exchanges()) - before; n != 0 {
			t.Errorf("%s: a token with another signature made %d calls of the service", keys[1], n)
		}
		s.stop()
	}
	if caller := a.lastExchange().Caller; !strings.HasPrefix(caller, "arn:aws:sts::111122223333:assumed-role/podpass-agent-prod/") {
		t.Errorf("the agent was %s", caller)
	}
	// The same in the words of the unmodified SDK.
	sdk := sidecar(t, append(identity("podpass-agent"), "AWS_ENDPOINT_URL_STS="+a.url), "-c", "prod", "--endpoint", a.url)
	sdk.serves("AWS_ENDPOINT_URL_STS and --endpoint", token)
	sdk.stop()

	// Nobody else gets that role, which is said of the agent and is no word about the pod.
	other := sidecar(t, identity("other"), "-c", "prod", "--server", servers, "--keys", "none")
	other.refuses("another service account", token, "503", "the agent's own role "+agentRole)
	other.stop()
	a.stop()
}

// The flags of the EKS agent and the environment its pod would be given, and nothing of ours: its way in. The cluster's own API server is no help to
// it, for its pod has no service account token.
func TestAgentUnderTheFlagsOfEKS(t *testing.T) {
	cluster := shop(t)
	a := up(t, t.TempDir())
	a.must("cluster", "register", "prod", "--kubeconfig", registrar(t, cluster))
	a.apply(prodPodRole)
	makeNamespace(t, cluster, "podpass-system")
	makeAccount(t, cluster, "podpass-system", "podpass-agent", nil)
	_, token := makePod(t, cluster, "web-0", "10.244.1.7", false)
	file := filepath.Join(t.TempDir(), "token")
	raw := requestToken(t, cluster, "podpass-system", "podpass-agent", authentication.TokenRequestSpec{Audiences: []string{"sts.amazonaws.com"}})
	if err := os.WriteFile(file, []byte(raw), 0o600); err != nil {
		t.Fatal(err)
	}
	n := newNode(t, a)
	pod := n.pod(7)
	n.env = as(environment(t, filepath.Join(t.TempDir(), "none")), map[string]string{
		"AWS_REGION": "us-west-2", "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/podpass/podpass-agent-prod", "AWS_WEB_IDENTITY_TOKEN_FILE": file,
		"AWS_ENDPOINT_URL_STS": a.url,
	})
	n.must(filepath.Join(binDir, "podpass"), "agent", "initialize")
	run := func(args ...string) *agentProcess {
		cmd := n.command(filepath.Join(binDir, "podpass"), append([]string{"agent", "server"}, args...)...)
		cmd.Env = n.env
		return startAgent(t, cmd)
	}
	t.Cleanup(func() { os.RemoveAll("/run/podpass-agent") }) // no flag of EKS's keeps it from there
	agent := run("--port", "80", "--cluster-name", "prod", "--probe-port", "2703", "--metrics-address", "0.0.0.0", "--metrics-port", "2705",
		"-b", "169.254.170.23,[fd00:ec2::23]", "--max-credential-retention-before-renewal", "3h", "--max-cache-size", "2000", "--max-service-qps", "3",
		"--endpoint", a.url, "-v", "info")
	for _, uri := range []string{overIPv4, overIPv6} {
		if body, err := fetch(t.Context(), pod.client(), uri, token); err != nil {
			t.Errorf("%s: %v\n%s", uri, err, body)
		}
	}
	for path, want := range map[string]string{
		"http://127.0.0.1:2703/healthz": "ok", "http://127.0.0.1:2703/readyz": "ok", "http://127.0.0.1:2705/metrics": `pod_identity_http_response{code="200"} 2`,
	} {
		if body, err := fetch(t.Context(), n.client(), path, ""); err != nil || !strings.Contains(body, want) {
			t.Errorf("%s: %v\n%s", path, err, body)
		}
	}
	if caller := a.lastExchange().Caller; !strings.HasPrefix(caller, "arn:aws:sts::111122223333:assumed-role/podpass-agent-prod/") {
		t.Errorf("the agent was %s", caller)
	}
	agent.stop()
	a.stop()
}
