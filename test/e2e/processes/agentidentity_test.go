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
