//go:build e2e

package processes_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/podpass/podpass/identity"
)

// far is an account that one authority hosts and the other has as upstream.
const far = identity.Account("444455556666")

// farAway makes the account far of an authority, with a user whose key another authority may hold, and returns both keys' settings.
func farAway(t *testing.T, there *authority) (admin, broker map[string]string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "far.env")
	there.must("account", "create", "far", "--id", string(far), "--env-file", file)
	admin = settings(t, file)
	client := iam.NewFromConfig(sdk(admin))
	user := aws.String("broker")
	if _, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: user}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{
		UserName: user, PolicyName: aws.String("broker"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Resource":"*"}]}`),
	}); err != nil {
		t.Fatal(err)
	}
	key, err := client.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: user})
	if err != nil {
		t.Fatal(err)
	}
	return admin, map[string]string{
		"AWS_ACCESS_KEY_ID": *key.AccessKey.AccessKeyId, "AWS_SECRET_ACCESS_KEY": *key.AccessKey.SecretAccessKey, "AWS_REGION": "us-west-2",
	}
}

// trusting tells the authority that hosts far of the other's cluster, and makes the role app, which both modes may assume.
func trusting(t *testing.T, there, near *authority, admin map[string]string) {
	t.Helper()
	issuer, err := identity.ParseIssuer(near.url+"/oidc/local", identity.IssuerRules{HTTP: true, Port: true})
	if err != nil {
		t.Fatal(err)
	}
	there.must("cluster", "register", "near", "--account", string(far), "--issuer", issuer.String(), "--jwks-file", keysFile(t, near, loopback()))
	client := iam.NewFromConfig(sdk(admin))
	provider := issuer.ProviderARN("aws", far).String()
	if _, err := client.AddClientIDToOpenIDConnectProvider(t.Context(), &iam.AddClientIDToOpenIDConnectProviderInput{
		OpenIDConnectProviderArn: &provider, ClientID: aws.String("pods.eks.amazonaws.com"),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("app"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":"sts:AssumeRoleWithWebIdentity",
			 "Condition":{"StringEquals":{"` + issuer.HostPath() + `:sub":"system:serviceaccount:shop:web"}}},
			{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + string(far) + `:user/broker"},"Action":["sts:AssumeRole","sts:TagSession"],
			 "Condition":{"StringEquals":{"aws:RequestTag/kubernetes-service-account":"web"}}}]}`),
	}); err != nil {
		t.Fatal(err)
	}
}

// keysFile holds the keys of the authority's own cluster, as its issuer publishes them.
func keysFile(t *testing.T, a *authority, client *http.Client) string {
	t.Helper()
	resp, err := client.Get(a.url + "/oidc/local/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A second podpass is the STS of an account: pods of the first one's cluster get that account's role there, in both modes, whatever becomes of the
// endpoint that is preferred.
func TestRolesThatLiveElsewhere(t *testing.T) {
	there := up(t, t.TempDir())
	admin, broker := farAway(t, there)
	near := start(t, t.TempDir(), as(nil, broker), "up").awaitReady()
	trusting(t, there, near, admin)
	agent := near.settings()["PODPASS_AGENT_URL"]

	// ask has a new pod ask, and says how long it took and which endpoint answered.
	ask := func() (time.Duration, string) {
		t.Helper()
		token, began := near.hostedToken(), time.Now()
		body, err := fetch(t.Context(), loopback(), agent, token)
		took := time.Since(began)
		if err != nil {
			t.Fatalf("%v\n%s", err, body)
		}
		return took, near.lastExchange().Endpoint
	}
	for _, mode := range []string{"web-identity", "assume-role"} {
		t.Run(mode, func(t *testing.T) {
			near.must("account", "create", "far", "--id", string(far), "--upstream", mode, "--endpoint", there.url)
			near.must("association", "create", "-n", "shop", "web", "--role", far.IAM("aws", "role/app").String())
			// The command's own calls go where the account lives: by default to AWS, here to the other podpass.
			if out := near.must("run", "-n", "shop", "web", "--", "env"); strings.Contains(out, "AWS_ENDPOINT_URL") {
				t.Errorf("the command is sent to the wrong authority:\n%s", out)
			}
			out, err := near.run("run", "-n", "shop", "web", "--mechanism", "pod-identity", "--",
				"env", "AWS_ENDPOINT_URL="+there.url, filepath.Join(binDir, "gov2"), "GetCallerIdentity")
			if err != nil || !strings.Contains(out, "arn:aws:sts::444455556666:assumed-role/app/eks-local-web-") {
				t.Fatalf("%v\n%s", err, out)
			}
			e := near.lastExchange()
			if untagged := strings.Contains(e.Reason, "no session tags"); e.Endpoint != there.url || untagged != (mode == "web-identity") {
				t.Errorf("on record: %+v", e)
			}
			for _, dead := range []struct {
				how, address string
				within       time.Duration // an SDK tries again when its attempt has timed out, the most impatient after a second
			}{
				{"refuses", refusing(t), time.Second},
				{"is a black hole", blackHole(t), time.Second},
				{"is silent", silent(t), 5 * time.Second},
			} {
				near.must("account", "update", string(far), "--endpoint", "http://"+dead.address+","+there.url)
				first, by := ask()
				next, _ := ask()
				t.Logf("the preferred endpoint %s: answered in %v, then in %v", dead.how, first.Round(time.Millisecond), next.Round(time.Millisecond))
				if by != there.url || first > dead.within || next > time.Second {
					t.Errorf("the preferred endpoint %s: answered by %s in %v, then in %v", dead.how, by, first, next)
				}
			}
			// The way back.
			preferred := refusing(t)
			near.must("account", "update", string(far), "--endpoint", "http://"+preferred+","+there.url)
			if _, by := ask(); by != there.url {
				t.Errorf("answered by %s", by)
			}
			relay(t, preferred, strings.TrimPrefix(there.url, "http://"))
			came := time.Now()
			until(t, "the preferred endpoint is asked again", func() bool {
				_, by := ask()
				return by == "http://"+preferred
			})
			t.Logf("the preferred endpoint was asked again %v after it had come up", time.Since(came).Round(time.Millisecond))
			near.must("association", "delete", "-n", "shop", "web")
			near.must("account", "delete", string(far))
		})
	}
	near.stop()
	there.stop()
}
