package conformance_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// The main job: a process with a service account's identity calls AWS through an unmodified client, and may do what its role
// says because its token, issuer, audience, subject and the trust policy all fit; any other service account is refused.
func TestWorkload(t *testing.T) {
	plain := up(t)
	tls, ca := upTLS(t)
	proxy := stsProxy(t, tls)
	for _, c := range clients(t) {
		t.Run(c.name, func(t *testing.T) {
			a, env := plain, plain.operator()
			if c.oldSTS {
				a, env = tls, tls.operator("AWS_CA_BUNDLE="+ca, "HTTPS_PROXY="+proxy.url, "NO_PROXY=127.0.0.1")
			}
			setUp := clients(t)[0]
			role := "web-" + c.name
			roleARN := "arn:aws:iam::" + account + ":role/" + role
			for _, step := range []struct {
				action string
				in     object
			}{
				{"CreateRole", object{"RoleName": role, "AssumeRolePolicyDocument": trustFor(a.issuer(), "system:serviceaccount:shop:web")}},
				{"PutRolePolicy", object{"RoleName": role, "PolicyName": "own", "PolicyDocument": allow("iam:GetRole", roleARN)}},
			} {
				if r := execute(t, a.operator("AWS_CA_BUNDLE="+ca), setUp.argv(step.action, step.in.String(), a.endpoint())); r.Error != "" {
					t.Fatalf("%s: %s %v %s", step.action, r.Error, r.Output, r.Stderr)
				}
			}
			as := func(serviceAccount, action string, in object) reply {
				t.Helper()
				// IAM has no regional name an old client could be led to: it is told the endpoint, as an operator's tool would be.
				endpoint := ""
				if c.oldSTS && !stsActions[action] {
					endpoint = a.endpoint()
				}
				return execute(t, env, a.runAs("shop", serviceAccount, roleARN, c.argv(action, in.String(), endpoint)))
			}
			who := as("web", "GetCallerIdentity", object{})
			arn, _ := who.get("Arn").(string)
			if !strings.HasPrefix(arn, "arn:aws:sts::"+account+":assumed-role/"+role+"/") {
				t.Errorf("caller = %v %s %s", who.Output, who.Error, who.Stderr)
			}
			if r := as("web", "GetRole", object{"RoleName": role}); r.get("Role", "Arn") != roleARN {
				t.Errorf("GetRole: %s %v %s", r.Error, r.Output, r.Stderr)
			}
			if r := as("web", "ListRoles", object{}); r.Error != "AccessDenied" {
				t.Errorf("ListRoles: got %q (%v), want AccessDenied", r.Error, r.Output)
			}
			if r := as("other", "GetCallerIdentity", object{}); r.Error != "AccessDenied" || !strings.Contains(r.Stderr+r.message(), "AssumeRoleWithWebIdentity") {
				t.Errorf("another service account: got %q (%v) %s, want AccessDenied", r.Error, r.Output, r.Stderr)
			}
		})
	}
	if !proxy.used() {
		t.Error("no old client came through the proxy: they were not led by AWS's own host names")
	}
}

func (r reply) message() string {
	text, _ := r.Output["message"].(string)
	return text
}

// A presigned GetCallerIdentity is how EKS tokens are made: any HTTP client may send it on.
func TestPresigned(t *testing.T) {
	a := up(t)
	client := sts.New(sts.Options{
		Region: a.env["AWS_REGION"], BaseEndpoint: aws.String(a.endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider(a.env["AWS_ACCESS_KEY_ID"], a.env["AWS_SECRET_ACCESS_KEY"], ""),
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	request, err := sts.NewPresignClient(client).PresignGetCallerIdentity(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	get := func(url string) (int, string) {
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	if status, body := get(request.URL); status != http.StatusOK || !strings.Contains(body, "<Arn>arn:aws:iam::"+account+":user/") {
		t.Errorf("presigned: %d %s", status, body)
	}
	if status, body := get(request.URL + "0"); status != http.StatusForbidden || !strings.Contains(body, "<Code>SignatureDoesNotMatch</Code>") {
		t.Errorf("altered: %d %s", status, body)
	}
}

// `podpass run` leaves nothing behind, and the environment it sets is a pod's.
func TestRunLeavesNothingBehind(t *testing.T) {
	a := up(t)
	tmp := t.TempDir()
	role := "arn:aws:iam::" + account + ":role/any"
	script := `test "$(stat -c %a "$AWS_WEB_IDENTITY_TOKEN_FILE")" = 600 && test -z "$AWS_ACCESS_KEY_ID" && printf '{"file":"%s"}' "$AWS_WEB_IDENTITY_TOKEN_FILE"`
	r := execute(t, a.operator("TMPDIR="+tmp, "XDG_RUNTIME_DIR="), a.runAs("shop", "web", role, []string{"sh", "-c", script}))
	file, _ := r.get("file").(string)
	if r.Error != "" || file == "" {
		t.Fatalf("run: %s %s", r.Error, r.Stderr)
	}
	if _, err := os.Stat(filepath.Dir(file)); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", file, err)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
