package conformance_test

import (
	"strings"
	"testing"
)

// A pod whose association names a target role gets the target's credentials. The session tags go along: the target's trust policy can ask for
// them, and its permissions go by them.
func TestTargetRole(t *testing.T) {
	a := up(t)
	all := clients(t)
	operator := all[0]
	first := a.role(t, "first", podTrust(nil))
	target := a.role(t, "target", object{"Version": "2012-10-17", "Statement": []object{{
		"Effect": "Allow", "Principal": object{"AWS": "arn:aws:iam::" + account + ":root"}, "Action": []string{"sts:AssumeRole", "sts:TagSession"},
		"Condition": object{
			"ArnEquals":    object{"aws:PrincipalArn": first},
			"StringEquals": object{"aws:RequestTag/kubernetes-namespace": "shop", "aws:RequestTag/eks-cluster-name": "local"},
		},
	}}}.String())
	a.must(t, operator, "PutRolePolicy", object{"RoleName": "first", "PolicyName": "on", "PolicyDocument": object{
		"Version": "2012-10-17", "Statement": []object{{"Effect": "Allow", "Action": []string{"sts:AssumeRole", "sts:TagSession"}, "Resource": target}},
	}.String()})
	a.must(t, operator, "CreateRole", object{"RoleName": "data", "Path": "/shop/", "AssumeRolePolicyDocument": podTrust(nil)})
	a.must(t, operator, "PutRolePolicy", object{"RoleName": "target", "PolicyName": "own-namespace", "PolicyDocument": allow(
		"iam:GetRole", "arn:aws:iam::"+account+":role/${aws:PrincipalTag/kubernetes-namespace}/*")})
	for _, namespace := range []string{"shop", "bank"} {
		a.must(t, operator, "CreatePodIdentityAssociation", object{
			"clusterName": "local", "namespace": namespace, "serviceAccount": "web", "roleArn": first, "targetRoleArn": target,
		})
	}
	agent := a.env["PODPASS_AGENT_URL"] // the one podpass up runs
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			as := func(namespace, action string, in object) reply {
				t.Helper()
				env := a.pod(t, c, agent, a.token(t, namespace, "web", podIdentityAudience))
				return execute(t, env, c.argv(action, in.String(), a.endpoint()))
			}
			if r := as("shop", "GetCallerIdentity", object{}); !strings.HasPrefix(r.text("Arn"), "arn:aws:sts::"+account+":assumed-role/target/") {
				t.Errorf("caller = %v %s %s", r.Output, r.Error, r.Stderr)
			}
			if r := as("shop", "GetRole", object{"RoleName": "data"}); r.text("Role", "RoleName") != "data" {
				t.Errorf("its own role: %s %v %s", r.Error, r.Output, r.Stderr)
			}
			if r := as("shop", "GetRole", object{"RoleName": "first"}); r.Error != "AccessDenied" {
				t.Errorf("another role: got %q (%v), want AccessDenied", r.Error, r.Output)
			}
			r := as("bank", "GetCallerIdentity", object{})
			if r.Error == "" || refusals[c.name].shows && !strings.Contains(r.message()+r.Stderr, "(AccessDeniedException)") {
				t.Errorf("a namespace the target does not trust: %q %v %s", r.Error, r.Output, r.Stderr)
			}
		})
	}
}

// Without session tags there is room for a session policy, and nothing is had that it does not allow.
func TestSessionPolicyOfAssociation(t *testing.T) {
	a := up(t)
	all := clients(t)
	role := a.role(t, "reader", podTrust(nil))
	a.must(t, all[0], "PutRolePolicy", object{"RoleName": "reader", "PolicyName": "all", "PolicyDocument": allow("iam:*", "*")})
	a.must(t, all[1], "CreatePodIdentityAssociation", object{
		"clusterName": "local", "namespace": "shop", "serviceAccount": "web", "roleArn": role, "disableSessionTags": true, "policy": allow("iam:GetRole", "*"),
	})
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			as := func(action string, in object) reply {
				t.Helper()
				return execute(t, a.operator(), a.underRun(c, "shop", "web", c.argv(action, in.String(), a.endpoint())))
			}
			if r := as("GetRole", object{"RoleName": "reader"}); r.text("Role", "Arn") != role {
				t.Errorf("allowed by both: %s %v %s", r.Error, r.Output, r.Stderr)
			}
			if r := as("ListRoles", object{}); r.Error != "AccessDenied" {
				t.Errorf("allowed by the role alone: got %q (%v), want AccessDenied", r.Error, r.Output)
			}
		})
	}
}
