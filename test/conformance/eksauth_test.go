package conformance_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// EKS Auth as an agent of another maker sees it: through the only SDK that is to be had with a client for it, Go v1's.
func TestEKSAuth(t *testing.T) {
	a := up(t)
	all := clients(t)
	var agent client
	for _, c := range all {
		if c.name == "aws-sdk-go-v1" {
			agent = c
		}
	}
	role := a.role(t, "reader", podTrust(nil))
	a.must(t, all[0], "PutRolePolicy", object{"RoleName": "reader", "PolicyName": "own", "PolicyDocument": allow("iam:GetRole", role)})
	id := a.associate(t, all[1], "shop", "web", role)
	a.associate(t, all[1], "shop", "untrusted", a.role(t, "untrusting", podTrust(object{"StringEquals": object{"aws:SourceAccount": "999999999999"}})))
	token := a.token(t, "shop", "web", podIdentityAudience)
	exchange := func(env []string, cluster, token string) reply {
		t.Helper()
		return execute(t, env, agent.argv("AssumeRoleForPodIdentity", object{"clusterName": cluster, "token": token}.String(), a.endpoint()))
	}

	r := exchange(a.operator(), "local", token)
	if r.Error != "" {
		t.Fatalf("%s %v %s", r.Error, r.Output, r.Stderr)
	}
	want := []any{"shop", "web", podIdentityAudience, id, "arn:aws:eks:us-west-2:" + account + ":podidentityassociation/local/" + id}
	have := []any{
		r.get("subject", "namespace"), r.get("subject", "serviceAccount"), r.get("audience"),
		r.get("podIdentityAssociation", "associationId"), r.get("podIdentityAssociation", "associationArn"),
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	_, session, _ := strings.Cut(r.text("assumedRoleUser", "assumeRoleId"), ":")
	arn := r.text("assumedRoleUser", "arn")
	if !strings.HasPrefix(session, "eks-local-web-") || arn != "arn:aws:sts::"+account+":assumed-role/reader/"+session {
		t.Errorf("assumed role user: %v", r.get("assumedRoleUser"))
	}
	credentials := a.operator(
		"AWS_ACCESS_KEY_ID="+r.text("credentials", "accessKeyId"), "AWS_SECRET_ACCESS_KEY="+r.text("credentials", "secretAccessKey"),
		"AWS_SESSION_TOKEN="+r.text("credentials", "sessionToken"))
	for _, c := range all {
		who := execute(t, credentials, c.argv("GetCallerIdentity", "{}", a.endpoint()))
		if who.get("Arn") != arn || who.get("UserId") != r.get("assumedRoleUser", "assumeRoleId") {
			t.Errorf("%s: %v %s", c.name, who.Output, who.Stderr)
		}
	}

	forged := token[:len(token)-2] + "AA"
	for _, refused := range []struct {
		name, cluster, token, code string
		status                     float64
	}{
		{"another audience", "local", a.token(t, "shop", "web", "sts.amazonaws.com"), "InvalidTokenException", 400},
		{"forged", "local", forged, "InvalidTokenException", 400},
		{"no token", "local", "a.b.c", "InvalidTokenException", 400},
		{"another cluster", "none", token, "ResourceNotFoundException", 404},
		{"no association", "local", a.token(t, "shop", "nobody", podIdentityAudience), "ResourceNotFoundException", 404},
		{"no trust", "local", a.token(t, "shop", "untrusted", podIdentityAudience), "AccessDeniedException", 400},
	} {
		r := exchange(a.operator(), refused.cluster, refused.token)
		if r.Error != refused.code || r.get("status") != refused.status {
			t.Errorf("%s: got %q %v, want %s %v", refused.name, r.Error, r.Output, refused.code, refused.status)
		}
	}

	// Who asks needs a policy that lets it: the pod's own credentials have none. That is the asker's mistake, and not the pod's: 403.
	if r := exchange(credentials, "local", token); r.Error != "AccessDeniedException" || r.get("status") != 403.0 {
		t.Errorf("asked by a pod: %q %v", r.Error, r.Output)
	}
	if r := exchange(a.operator("AWS_SECRET_ACCESS_KEY="+strings.Repeat("x", 40)), "local", token); r.Error != "InvalidSignatureException" {
		t.Errorf("asked with a forged signature: %q %v", r.Error, r.Output)
	}
}
