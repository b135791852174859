//go:build e2e

package processes_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// whoIs runs an SDK with what an agent gives for a token, and wants a session of this role.
func (a *authority) whoIs(what, url, token, role string) {
	a.t.Helper()
	file := filepath.Join(a.t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		a.t.Fatal(err)
	}
	cmd := exec.CommandContext(a.t.Context(), filepath.Join(binDir, "gov2"), "GetCallerIdentity")
	cmd.Env = as(a.env, map[string]string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": url, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file, "AWS_ENDPOINT_URL": a.url, "AWS_REGION": "us-west-2",
	})
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "arn:aws:sts::111122223333:assumed-role/"+role+"/") {
		a.t.Errorf("%s: %v, want role %s\n%s", what, err, role, out)
	}
}

// stsRoles are of two service accounts, for the tokens IRSA has.
const stsRoles = `apiVersion: podpass.io/v1alpha1
kind: Role
metadata: {name: web}
spec:
  trust: {namespace: shop, serviceAccount: web}
---
apiVersion: podpass.io/v1alpha1
kind: Role
metadata: {name: db}
spec:
  trust: {namespace: shop, serviceAccount: db}
`

// In front of any STS the agent names the role: one for all, or by service account.
func TestAgentInFrontOfAnSTS(t *testing.T) {
	t.Parallel()
	a := up(t, t.TempDir())
	a.apply(stsRoles)
	token := func(account string) string {
		return strings.TrimSpace(a.must("token", "-n", "shop", account, "--audience", "sts.amazonaws.com"))
	}
	env := as(a.env, map[string]string{"AWS_REGION": "us-west-2"}) // no credentials: the tokens are all it takes
	one := sidecar(t, env, "--sts-endpoint", "http://"+refusing(t)+","+a.url, "--role-arn", roleARN, "--keys", keysFile(t, a, loopback()))
	a.whoIs("--role-arn", one.url(), token("web"), "web")
	one.refuses("an account the role does not trust", token("db"), "400", "AccessDeniedException")
	one.stop()

	file := filepath.Join(t.TempDir(), "roles.json")
	roles := `{"shop/web": {"RoleARN": "` + roleARN + `"}, "shop/d?": {"RoleARN": "arn:aws:iam::111122223333:role/db"}}`
	if err := os.WriteFile(file, []byte(roles), 0o600); err != nil {
		t.Fatal(err)
	}
	each := sidecar(t, env, "--sts-endpoint", a.url, "--role-map", file)
	a.whoIs("--role-map", each.url(), token("web"), "web")
	a.whoIs("--role-map, by a glob", each.url(), token("db"), "db")
	each.refuses("an account without a role", token("cache"), "404", "no entry for shop/cache")
	each.stop()
	a.stop()
}

// Keys come from a file, or from the issuer: what another key has signed is refused here, and the service is not asked.
func TestAgentKeys(t *testing.T) {
	t.Parallel()
	cert, key, client := certificate(t)
	a := start(t, t.TempDir(), nil, "up", "--tls-cert", cert, "--tls-key", key).awaitReady()
	a.env = append(a.env, "AWS_CA_BUNDLE="+cert)
	a.apply(podRole)
	foreign := up(t, t.TempDir())
	for _, from := range []string{keysFile(t, a, client), "discovery=" + a.url + "/oidc/local", "server"} {
		s := sidecar(t, as(a.env, a.settings()), "-c", "local", "--server", a.url, "--keys", from)
		before := len(a.exchanges())
		s.refuses(from+": another issuer's token", foreign.hostedToken(), "400", "")
		if n := len(a.exchanges()) - before; n != 0 {
			t.Errorf("%s: another issuer's token made %d calls of the service", from, n)
		}
		s.serves(from, a.hostedToken())
		s.stop()
	}
	foreign.stop()
	a.stop()
}

// In front of EKS Auth alone nobody tells of an association's end: what was obtained is served until its renewal, which is refused.
func TestAgentInFrontOfEKSAuth(t *testing.T) {
	t.Parallel()
	a := up(t, t.TempDir())
	a.apply(podRole)
	const retention = 4 * time.Second
	s := sidecar(t, as(a.env, a.settings()), "-c", "local", "--endpoint", a.url, "--max-credential-retention-before-renewal", retention.String())
	token := a.hostedToken()
	obtained := time.Now()
	s.serves("an association", token)
	a.must("association", "delete", "-n", "shop", "web")
	s.serves("an association that was deleted", token)
	until(t, "it is refused", func() bool {
		_, err := s.fetch(token)
		return errors.Is(err, errStatus)
	})
	took := time.Since(obtained)
	t.Logf("refused %v after it was obtained", took.Round(time.Millisecond))
	if took < retention/2 || took > forgotten {
		t.Errorf("refused %v after it was obtained, with renewal after %v", took, retention)
	}
	s.refuses("when it should have been renewed", token, "404", "ResourceNotFoundException")
	s.stop()
	a.stop()
}

// A podpass server tells of the end, and of a change.
func TestAgentInFrontOfAServer(t *testing.T) {
	t.Parallel()
	a := up(t, t.TempDir())
	a.apply(podRole)
	s := sidecar(t, as(a.env, a.settings()), "-c", "local", "--server", "http://"+refusing(t)+","+a.url)
	token := a.hostedToken()
	s.serves("an association", token)
	a.must("association", "delete", "-n", "shop", "web")
	deleted := time.Now()
	until(t, "it is refused", func() bool {
		_, err := s.fetch(token)
		return errors.Is(err, errStatus)
	})
	took := time.Since(deleted)
	t.Logf("refused %v after the association was deleted", took.Round(time.Millisecond))
	if took > forgotten {
		t.Errorf("served for %v after the association was deleted", took)
	}
	s.refuses("after its end", token, "404", "ResourceNotFoundException")
	a.must("association", "create", "-n", "shop", "web", "--role", "pods")
	until(t, "it is served again", func() bool {
		_, err := s.fetch(token)
		return err == nil
	})
	s.stop()
	a.stop()
}

// What replaces the credentials in the shared file is used within a minute, and the old ones may go.
func TestAgentRotatesCredentials(t *testing.T) {
	t.Parallel()
	a := up(t, t.TempDir())
	a.apply(podRole)
	client, user := iam.NewFromConfig(a.aws()), aws.String("node")
	if _, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: user}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{
		UserName: user, PolicyName: aws.String("node"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"eks-auth:AssumeRoleForPodIdentity","Resource":"*"}}`),
	}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "credentials")
	rotate := func() (id *string) {
		t.Helper()
		made, err := client.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: user})
		if err != nil {
			t.Fatal(err)
		}
		text := "[default]\naws_access_key_id=" + *made.AccessKey.AccessKeyId + "\naws_secret_access_key=" + *made.AccessKey.SecretAccessKey + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return made.AccessKey.AccessKeyId
	}
	old := rotate()
	env := as(a.env, map[string]string{"AWS_REGION": "us-west-2", "AWS_SHARED_CREDENTIALS_FILE": file})
	s := sidecar(t, env, "-c", "local", "--endpoint", a.url, "--rotate-credentials")
	s.serves("with the first key", a.hostedToken())
	rotate()
	if _, err := client.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: user, AccessKeyId: old}); err != nil {
		t.Fatal(err)
	}
	rotated, deadline := time.Now(), time.Now().Add(75*time.Second)
	token := a.hostedToken()
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	body, err := s.fetch(token)
	for ; err != nil && time.Now().Before(deadline); body, err = s.fetch(token) {
		<-again.C
	}
	if err != nil {
		t.Errorf("%v after the rotation: %v\n%s", time.Since(rotated), err, body)
	}
	t.Logf("the new key was used %v after the rotation", time.Since(rotated).Round(time.Second))
	s.stop()
	a.stop()
}
