package eksauth_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/store"
)

// changeTrust writes a role's trust policy past the checks of associations, as a later change of the role does.
func changeTrust(t *testing.T, s *podpasstest.Server, role, trust string) {
	t.Helper()
	_, err := s.Store.Roles.Update(context.Background(), store.RoleKey(string(podpasstest.Account), role), func(old *store.Role) (*store.Role, error) {
		r := *old
		r.Trust = trust
		return &r, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The trust policy is really evaluated, with what EKS says of the cluster and the pod, and nothing of the agent that asks.
func TestTrust(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust(), Tags: identity.Tags{{Key: "team", Value: "a"}}})
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "reader"})
	arn := podpasstest.ClusterARN()
	on := podpasstest.PodIdentityTrust
	const (
		assume = "the role's trust policy does not allow sts:AssumeRole"
		tag    = "the role's trust policy does not allow sts:TagSession"
	)
	only := func(principal, actions string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{` + principal + `},"Action":[` + actions + `]}]}`
	}
	const pods = `"Service":"pods.eks.amazonaws.com"`
	for _, c := range []struct {
		name, trust string
		hint        string // "": allowed
		why         string
	}{
		{name: "the service", trust: on()},
		{name: "source ARN", trust: on([3]string{"ArnEquals", "aws:SourceArn", arn})},
		{name: "source ARN, by a glob", trust: on([3]string{"ArnLike", "aws:SourceArn", "arn:aws:eks:*:111122223333:cluster/*"})},
		{
			name: "another source ARN", trust: on([3]string{"ArnEquals", "aws:SourceArn", arn + "2"}), hint: assume,
			why: `ArnEquals aws:SourceArn wants "` + arn + `2", the request has "` + arn + `"`,
		},
		{name: "source account", trust: on([3]string{"StringEquals", "aws:SourceAccount", "111122223333"})},
		{
			name: "another source account", trust: on([3]string{"StringEquals", "aws:SourceAccount", "999988887777"}), hint: assume,
			why: `aws:SourceAccount wants "999988887777", the request has "111122223333"`,
		},
		{name: "namespace", trust: on([3]string{"StringEquals", "aws:RequestTag/kubernetes-namespace", "shop"}, [3]string{"StringEquals", "aws:RequestTag/eks-cluster-arn", arn})},
		{
			name: "another namespace", trust: on([3]string{"StringEquals", "aws:RequestTag/kubernetes-namespace", "bank"}), hint: assume,
			why: `aws:RequestTag/kubernetes-namespace wants "bank", the request has "shop"`,
		},
		{name: "pod name and uid", trust: on([3]string{"StringLike", "aws:RequestTag/kubernetes-pod-name", "web-*"}, [3]string{"StringEquals", "aws:RequestTag/kubernetes-pod-uid", uid})},
		{
			name: "another pod", trust: on([3]string{"StringEquals", "aws:RequestTag/kubernetes-pod-name", "web-1"}), hint: assume,
			why: `aws:RequestTag/kubernetes-pod-name wants "web-1", the request has "web-x7k2p"`,
		},
		{name: "tag keys", trust: on([3]string{"ForAnyValue:StringEquals", "aws:TagKeys", "kubernetes-pod-uid"}, [3]string{"ForAnyValue:StringEquals", "sts:TransitiveTagKeys", "eks-cluster-arn"})},
		{name: "a tag of the role", trust: on([3]string{"StringEquals", "aws:ResourceTag/team", "a"})},
		{name: "a service", trust: on([3]string{"Bool", "aws:PrincipalIsAWSService", "true"}, [3]string{"StringEquals", "aws:PrincipalServiceName", "pods.eks.amazonaws.com"})},
		{name: "six hours", trust: on([3]string{"NumericEquals", "sts:DurationSeconds", "21600"})},
		{name: "session name", trust: on([3]string{"StringLike", "sts:RoleSessionName", "eks-local-web-x7k2p-*"})},
		{name: "region", trust: on([3]string{"StringEquals", "aws:RequestedRegion", "us-west-2"})},
		{name: "nothing of the agent", trust: on([3]string{"Null", "aws:SourceIp", "true"}, [3]string{"Null", "aws:PrincipalArn", "true"}, [3]string{"Null", "aws:UserAgent", "true"})},
		{
			name: "the agent's address", trust: on([3]string{"IpAddress", "aws:SourceIp", "127.0.0.0/8"}), hint: assume,
			why: `IpAddress aws:SourceIp wants "127.0.0.0/8", the request has no such key`,
		},
		{name: "the administrator, who asks", trust: podpasstest.TrustAWS([]string{"111122223333"}), hint: assume, why: "Principal wants"},
		{name: "another service", trust: only(`"Service":"ec2.amazonaws.com"`, `"sts:*"`), hint: assume, why: `wants "ec2.amazonaws.com", the request has "pods.eks.amazonaws.com"`},
		{name: "web identity", trust: only(pods, `"sts:AssumeRoleWithWebIdentity"`), hint: assume, why: "Action wants"},
		{name: "no TagSession", trust: only(pods, `"sts:AssumeRole"`), hint: tag, why: "sts:TagSession: no resource-based policy allows"},
		{name: "no AssumeRole", trust: only(pods, `"sts:TagSession"`), hint: assume, why: "sts:AssumeRole: no resource-based policy allows"},
		{
			name: "denied", hint: assume, why: "statement 2 (No) denies sts:AssumeRole",
			trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{` + pods + `},"Action":"sts:*"},` +
				`{"Sid":"No","Effect":"Deny","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:RequestTag/kubernetes-namespace":"shop"}}}]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			changeTrust(t, s, "reader", c.trust)
			raw := s.PodToken(t, "shop", "web", podpasstest.Pod("web-x7k2p", uid))
			before := s.Audit.Len()
			_, err := s.PodIdentity(aws.Credentials{}, raw)
			if c.hint != "" {
				refused(t, s, before, err, untrusted(c.hint), c.why, raw)
			} else if err != nil {
				t.Errorf("%v: %s", err, s.Audit.Last(t).Reason)
			}
		})
	}
}

// With session tags disabled, sts:TagSession isn't asked and there are none; a session policy limits what is left.
func TestDisabledSessionTags(t *testing.T) {
	s := podpasstest.Start(t)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	s.AddRole(t, podpasstest.Role{Name: "reader", Trust: trust, Allows: []string{"iam:*"}})
	s.AddAssociation(t, podpasstest.Association{
		Namespace: "shop", ServiceAccount: "web", Role: "reader", DisableSessionTags: true, Policy: podpasstest.Allow("iam:GetRole"),
	})
	p := exchange(t, s, s.PodToken(t, "shop", "web"))
	if opened := sealed(t, s, p); len(opened.Tags) != 0 || len(opened.TransitiveKeys) != 0 {
		t.Errorf("the session has tags %v, transitive %v", opened.Tags, opened.TransitiveKeys)
	}
	client := s.IAM(podpasstest.Granted(p))
	if _, err := client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("reader")}); err != nil {
		t.Errorf("what role and session policy allow: %v", err)
	}
	if _, err := client.ListRoles(t.Context(), &iam.ListRolesInput{}); err == nil {
		t.Error("what the session policy doesn't allow is allowed")
	}
	changeTrust(t, s, "reader", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":"sts:AssumeRole",`+
		`"Condition":{"StringEquals":{"aws:RequestTag/kubernetes-namespace":"shop"}}}]}`)
	raw, before := s.PodToken(t, "shop", "web"), s.Audit.Len()
	_, err := s.PodIdentity(aws.Credentials{}, raw)
	refused(t, s, before, err, untrusted("the role's trust policy does not allow sts:AssumeRole"), "the request has no such key", raw)
}

// One policy serves every namespace: each pod may read the roles that are named after its own.
func TestABAC(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{
		Name: "shared", Trust: podpasstest.PodIdentityTrust(),
		Policy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetRole","Resource":"arn:aws:iam::*:role/${aws:PrincipalTag/kubernetes-namespace}-*"}]}`,
	})
	s.AddAssociation(t, podpasstest.Association{Namespace: "*", ServiceAccount: "web", Role: "shared"})
	s.AddRole(t, podpasstest.Role{Name: "shop-a", Trusts: []string{"x/y"}})
	s.AddRole(t, podpasstest.Role{Name: "bank-a", Trusts: []string{"x/y"}})
	for _, namespace := range []string{"shop", "bank"} {
		client := s.IAM(podpasstest.Granted(exchange(t, s, s.PodToken(t, namespace, "web"))))
		for _, role := range []string{"shop-a", "bank-a"} {
			_, err := client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: &role})
			if allowed := err == nil; allowed != (role == namespace+"-a") {
				t.Errorf("a pod of %s, role %s: %v", namespace, role, err)
			}
		}
	}
}
