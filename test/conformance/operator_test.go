package conformance_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// object is JSON input, written as Go.
type object map[string]any

func (o object) String() string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(text)
}

const account = "111122223333"

func trustFor(issuer, subject string) string {
	_, hostPath, _ := strings.Cut(issuer, "://")
	return object{"Version": "2012-10-17", "Statement": []object{{
		"Effect":    "Allow",
		"Principal": object{"Federated": "arn:aws:iam::" + account + ":oidc-provider/" + hostPath},
		"Action":    "sts:AssumeRoleWithWebIdentity",
		"Condition": object{"StringEquals": object{hostPath + ":aud": "sts.amazonaws.com", hostPath + ":sub": subject}},
	}}}.String()
}

func allow(action, resource string) string {
	return object{"Version": "2012-10-17", "Statement": []object{{"Effect": "Allow", "Action": action, "Resource": resource}}}.String()
}

// What an operator does before a workload can run, by every client, and read back by every client.
func TestOperator(t *testing.T) {
	a := up(t)
	all := clients(t)
	for i, c := range all {
		t.Run(c.name, func(t *testing.T) {
			do := func(c client, action string, in object) reply {
				t.Helper()
				return execute(t, a.operator(), c.argv(action, in.String(), a.endpoint()))
			}
			must := func(action string, in object) reply {
				t.Helper()
				r := do(c, action, in)
				if r.Error != "" {
					t.Fatalf("%s: %s %v %s", action, r.Error, r.Output["message"], r.Stderr)
				}
				return r
			}
			issuer := fmt.Sprintf("https://oidc.example.test/id/C%d", i)
			// A thumbprint is no longer needed, but old clients insist on one.
			provider := must("CreateOpenIDConnectProvider", object{
				"Url": issuer, "ClientIDList": []string{"sts.amazonaws.com"}, "ThumbprintList": []string{strings.Repeat("0", 40)},
			})
			if want := "arn:aws:iam::" + account + ":oidc-provider/" + issuer[len("https://"):]; provider.get("OpenIDConnectProviderArn") != want {
				t.Errorf("provider = %v, want %s", provider.Output, want)
			}
			role, trust := fmt.Sprintf("reader-%d", i), trustFor(issuer, "system:serviceaccount:shop:web")
			created := must("CreateRole", object{
				"RoleName": role, "Path": "/team/", "AssumeRolePolicyDocument": trust, "MaxSessionDuration": 7200,
				"Tags": []object{{"Key": "Team", "Value": "a b+c/ü"}},
			})
			roleARN := "arn:aws:iam::" + account + ":role/team/" + role
			if created.get("Role", "Arn") != roleARN {
				t.Errorf("role = %v", created.Output)
			}
			policyARN := "arn:aws:iam::" + account + ":policy/list-" + role
			must("CreatePolicy", object{"PolicyName": "list-" + role, "PolicyDocument": allow("iam:ListRoles", "*")})
			must("AttachRolePolicy", object{"RoleName": role, "PolicyArn": policyARN})
			must("PutRolePolicy", object{"RoleName": role, "PolicyName": "own", "PolicyDocument": allow("iam:GetRole", roleARN)})

			for _, reader := range all {
				got := do(reader, "GetRole", object{"RoleName": role})
				if got.Error != "" {
					t.Fatalf("%s: GetRole: %s %s", reader.name, got.Error, got.Stderr)
				}
				if got.get("Role", "Arn") != roleARN || got.get("Role", "MaxSessionDuration") != 7200.0 {
					t.Errorf("%s: GetRole = %v", reader.name, got.Output)
				}
				// The CLI decodes the document; the SDKs leave that to their callers.
				document := got.get("Role", "AssumeRolePolicyDocument")
				if text, ok := document.(string); ok {
					plain, err := url.PathUnescape(text)
					if err != nil {
						t.Fatal(err)
					}
					if err := json.Unmarshal([]byte(plain), &document); err != nil {
						t.Fatal(err)
					}
				}
				var want any
				if err := json.Unmarshal([]byte(trust), &want); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, document); diff != "" {
					t.Errorf("%s: trust policy: %s", reader.name, diff)
				}
				tags := do(reader, "ListRoleTags", object{"RoleName": role})
				if diff := cmp.Diff([]any{map[string]any{"Key": "Team", "Value": "a b+c/ü"}}, tags.get("Tags")); diff != "" {
					t.Errorf("%s: tags: %s", reader.name, diff)
				}
			}

			verdict := must("SimulatePrincipalPolicy", object{
				"PolicySourceArn": roleARN, "ActionNames": []string{"iam:GetRole", "iam:DeleteRole"}, "ResourceArns": []string{roleARN},
			})
			results, _ := verdict.get("EvaluationResults").([]any)
			var decisions []any
			for _, r := range results {
				decisions = append(decisions, r.(map[string]any)["EvalDecision"])
			}
			if diff := cmp.Diff([]any{"allowed", "implicitDeny"}, decisions); diff != "" {
				t.Errorf("simulation: %s", diff)
			}

			for action, refused := range map[string]struct {
				in   object
				code string
			}{
				"CreateRole":       {object{"RoleName": strings.ToUpper(role), "AssumeRolePolicyDocument": trust}, "EntityAlreadyExists"},
				"GetRole":          {object{"RoleName": "nobody"}, "NoSuchEntity"},
				"PutRolePolicy":    {object{"RoleName": role, "PolicyName": "x", "PolicyDocument": "{"}, "MalformedPolicyDocument"},
				"DeleteRole":       {object{"RoleName": role}, "DeleteConflict"},
				"AttachRolePolicy": {object{"RoleName": role, "PolicyArn": "arn:aws:iam::" + account + ":policy/none"}, "NoSuchEntity"},
			} {
				if r := do(c, action, refused.in); !strings.HasPrefix(r.Error, refused.code) {
					t.Errorf("%s: got %q (%v), want %s", action, r.Error, r.Output["message"], refused.code)
				}
			}
		})
	}
}

// An operator's keys do what their policy says and nothing else.
func TestLimitedUser(t *testing.T) {
	a := up(t)
	all := clients(t)
	admin := all[0]
	for _, step := range []struct {
		action string
		in     object
	}{
		{"CreateUser", object{"UserName": "viewer"}},
		{"PutUserPolicy", object{"UserName": "viewer", "PolicyName": "view", "PolicyDocument": allow("iam:List*", "*")}},
	} {
		if r := execute(t, a.operator(), admin.argv(step.action, step.in.String(), a.endpoint())); r.Error != "" {
			t.Fatalf("%s: %s %v", step.action, r.Error, r.Output)
		}
	}
	key := execute(t, a.operator(), admin.argv("CreateAccessKey", object{"UserName": "viewer"}.String(), a.endpoint()))
	id, _ := key.get("AccessKey", "AccessKeyId").(string)
	secret, _ := key.get("AccessKey", "SecretAccessKey").(string)
	viewer := a.operator("AWS_ACCESS_KEY_ID="+id, "AWS_SECRET_ACCESS_KEY="+secret)
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			who := execute(t, viewer, c.argv("GetCallerIdentity", "{}", a.endpoint()))
			if who.get("Arn") != "arn:aws:iam::"+account+":user/viewer" {
				t.Errorf("caller = %v %s", who.Output, who.Stderr)
			}
			if r := execute(t, viewer, c.argv("ListUsers", "{}", a.endpoint())); r.Error != "" {
				t.Errorf("ListUsers: %s %v", r.Error, r.Output)
			}
			r := execute(t, viewer, c.argv("CreateUser", object{"UserName": "more"}.String(), a.endpoint()))
			if r.Error != "AccessDenied" {
				t.Errorf("CreateUser: got %q, want AccessDenied", r.Error)
			}
			forged := a.operator("AWS_ACCESS_KEY_ID="+id, "AWS_SECRET_ACCESS_KEY="+strings.Repeat("x", 40))
			if r := execute(t, forged, c.argv("GetCallerIdentity", "{}", a.endpoint())); r.Error != "SignatureDoesNotMatch" {
				t.Errorf("forged: got %q, want SignatureDoesNotMatch", r.Error)
			}
		})
	}
}
