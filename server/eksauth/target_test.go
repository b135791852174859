package eksauth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
)

const externalID = "us-west-2/111122223333/local/shop/web"

// targetTrust is the guide's trust policy of a target role: the account of the first role, that role alone, the pod's tags, the external id.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-assign-target-role.html
func targetTrust(operator, key, value string) string {
	condition := `"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/team/first"}`
	if operator != "" {
		condition += `,"` + operator + `":{"` + key + `":"` + value + `"}`
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":["sts:AssumeRole","sts:TagSession"],` +
		`"Condition":{` + condition + `}}]}`
}

func TestTargetRole(t *testing.T) {
	for _, account := range []identity.Account{podpasstest.Account, elsewhere} {
		t.Run(string(account), func(t *testing.T) {
			s := podpasstest.Start(t)
			s.AddAccount(t, elsewhere)
			now := time.Now().UTC().Truncate(time.Second)
			s.Clock.Stop(now)
			s.AddRole(t, podpasstest.Role{Path: "/team/", Name: "first", Trust: podpasstest.PodIdentityTrust(), Allows: []string{"sts:AssumeRole", "sts:TagSession"}})
			target := s.AddRole(t, podpasstest.Role{Account: account, Name: "target", Trust: targetTrust("StringEquals", "sts:ExternalId", externalID)})
			s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "w?b", Role: "team/first", Target: target.ARN().String()})

			p := exchange(t, s, s.PodToken(t, "shop", "web", podpasstest.Pod("web-x7k2p", uid)))
			want := "arn:aws:sts::" + string(account) + ":assumed-role/target/"
			if !strings.HasPrefix(p.AssumedRoleARN, want) || !strings.HasPrefix(p.AssumedRoleID, target.ID+":") {
				t.Errorf("the answer is about %s %s, want %s", p.AssumedRoleARN, p.AssumedRoleID, want)
			}
			diff(t, "GetCallerIdentity", p.AssumedRoleARN, whoIs(t, s, p))
			if !p.Credentials.Expiration.Equal(now.Add(time.Hour)) {
				t.Errorf("expires at %v, want an hour from %v", p.Credentials.Expiration, now)
			}
			opened := sealed(t, s, p)
			diff(t, "tags", podTags(uid), opened.Tags)
			if len(opened.TransitiveKeys) != 6 || !opened.Chained {
				t.Errorf("transitive keys %v, chained %t", opened.TransitiveKeys, opened.Chained)
			}
			e := s.Audit.Events()[s.Audit.Len()-2] // before the read-back
			if e.Role != target.ARN().String() || e.Account != string(account) ||
				e.Statement != "trust policy of arn:aws:iam::111122223333:role/team/first, statement 1; trust policy of "+target.ARN().String()+", statement 1" {
				t.Errorf("the event says %s %s %q", e.Role, e.Account, e.Statement)
			}
			// What is chained on has an hour at most.
			_, err := s.STS(podpasstest.Granted(p)).AssumeRole(t.Context(), &sts.AssumeRoleInput{
				RoleArn: aws.String(target.ARN().String()), RoleSessionName: aws.String("again"), DurationSeconds: aws.Int32(7200),
			})
			if err == nil || !strings.Contains(err.Error(), "role chaining") {
				t.Errorf("two hours of a session of a session: %v", err)
			}
		})
	}
}

// Both sides of the second step are evaluated: the target's trust policy, with the pod's tags passed along as well as inherited, and all that
// applies to the first role.
func TestTargetRoleTrust(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddAccount(t, elsewhere)
	boundary := s.AddPolicy(t, podpasstest.Account, "boundary", podpasstest.Allow("s3:*"))
	const target = "arn:aws:iam::999988887777:role/target"
	const hint = "the target role's trust policy, or the role's own policies, do not allow "
	both := podpasstest.Allow("sts:AssumeRole", "sts:TagSession")
	for _, c := range []struct {
		name     string
		own      string // first role's policy; default: both actions
		boundary string
		trust    string
		hint     string // "": allowed
		why      string
	}{
		{name: "the guide's", trust: targetTrust("", "", "")},
		{name: "request tag", trust: targetTrust("StringEquals", "aws:RequestTag/kubernetes-namespace", "shop")},
		{
			name: "another request tag", trust: targetTrust("StringEquals", "aws:RequestTag/kubernetes-namespace", "bank"), hint: hint + "sts:AssumeRole",
			why: `aws:RequestTag/kubernetes-namespace wants "bank", the request has "shop"`,
		},
		{name: "principal tag", trust: targetTrust("StringEquals", "aws:PrincipalTag/kubernetes-service-account", "web")},
		{name: "tag keys", trust: targetTrust("ForAllValues:StringLike", "aws:TagKeys", "*-*")},
		{name: "transitive keys", trust: targetTrust("ForAnyValue:StringEquals", "sts:TransitiveTagKeys", "kubernetes-pod-uid")},
		{name: "external id", trust: targetTrust("StringEquals", "sts:ExternalId", externalID)},
		{
			name: "another external id", trust: targetTrust("StringEquals", "sts:ExternalId", "us-west-2/111122223333/local/shop/*"), hint: hint + "sts:AssumeRole",
			why: `the request has "` + externalID + `"`,
		},
		{
			name: "another first role", trust: strings.Replace(targetTrust("", "", ""), "team/first", "first", 1), hint: hint + "sts:AssumeRole",
			why: `aws:PrincipalArn wants "arn:aws:iam::111122223333:role/first", the request has "arn:aws:iam::111122223333:role/team/first"`,
		},
		{name: "no service asks", trust: targetTrust("Bool", "aws:PrincipalIsAWSService", "false")},
		{name: "the agent's address", trust: targetTrust("IpAddress", "aws:SourceIp", "127.0.0.0/8"), hint: hint + "sts:AssumeRole", why: "the request has no such key"},
		{name: "the service, directly", trust: podpasstest.PodIdentityTrust(), hint: hint + "sts:AssumeRole", why: "Principal wants"},
		{
			name: "no TagSession in the trust", hint: hint + "sts:TagSession", why: "sts:TagSession: no resource-based policy",
			trust: podpasstest.TrustAWS([]string{"111122223333"}),
		},
		{
			name: "no AssumeRole in the first role's policies", own: podpasstest.Allow("s3:*"), trust: targetTrust("", "", ""), hint: hint + "sts:AssumeRole",
			why: "no identity-based policy allows sts:AssumeRole",
		},
		{
			name: "no TagSession in the first role's policies", own: podpasstest.Allow("sts:AssumeRole"), trust: targetTrust("", "", ""), hint: hint + "sts:TagSession",
			why: "no identity-based policy allows sts:TagSession",
		},
		{
			name: "the first role's boundary", boundary: boundary, trust: targetTrust("", "", ""), hint: hint + "sts:AssumeRole",
			why: "no permissions boundary allows sts:AssumeRole",
		},
		{
			name: "a Deny by the pod's tags", trust: targetTrust("", "", ""), hint: hint + "sts:AssumeRole", why: "denies sts:AssumeRole",
			own: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"},{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/kubernetes-namespace":"shop"}}}]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.own == "" {
				c.own = both
			}
			s.AddRole(t, podpasstest.Role{Path: "/team/", Name: "first", Trust: podpasstest.PodIdentityTrust(), Policy: c.own, Boundary: c.boundary})
			s.AddRole(t, podpasstest.Role{Account: elsewhere, Name: "target", Trust: c.trust})
			s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "team/first", Target: target})
			raw, before := s.PodToken(t, "shop", "web"), s.Audit.Len()
			_, err := s.PodIdentity(aws.Credentials{}, raw)
			if c.hint != "" {
				refused(t, s, before, err, untrusted(c.hint), c.why, raw)
			} else if err != nil {
				t.Errorf("%v: %s", err, s.Audit.Last(t).Reason)
			}
		})
	}
}

// Without session tags the external id is all that ties a target role to a pod; and a session policy limits the target's session, not the way to it.
func TestTargetRoleWithoutTags(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Path: "/team/", Name: "first", Trust: podpasstest.PodIdentityTrust(), Allows: []string{"sts:AssumeRole"}})
	s.AddRole(t, podpasstest.Role{Name: "target", Trust: strings.Replace(targetTrust("StringEquals", "sts:ExternalId", externalID), `,"sts:TagSession"`, "", 1), Allows: []string{"iam:*"}})
	s.AddAssociation(t, podpasstest.Association{
		Namespace: "shop", ServiceAccount: "*", Role: "team/first", Target: "target", DisableSessionTags: true, Policy: podpasstest.Allow("iam:GetRole"),
	})
	p := exchange(t, s, s.PodToken(t, "shop", "web"))
	if opened := sealed(t, s, p); len(opened.Tags) != 0 {
		t.Errorf("the session has tags %v", opened.Tags)
	}
	client := s.IAM(podpasstest.Granted(p))
	if _, err := client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("target")}); err != nil {
		t.Errorf("what role and session policy allow: %v", err)
	}
	if _, err := client.ListRoles(t.Context(), &iam.ListRolesInput{}); err == nil {
		t.Error("what the session policy doesn't allow is allowed")
	}
	raw, before := s.PodToken(t, "shop", "other"), s.Audit.Len()
	_, err := s.PodIdentity(aws.Credentials{}, raw)
	refused(t, s, before, err, untrusted("the target role's trust policy, or the role's own policies, do not allow sts:AssumeRole"),
		`sts:ExternalId wants "`+externalID+`", the request has "us-west-2/111122223333/local/shop/other"`, raw)
}

// Whether an account has a role is its own affair: who names one of another account as target learns no more than that it doesn't trust him.
func TestTargetRoleOfAnotherAccountIsNotTold(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddAccount(t, elsewhere)
	s.AddRole(t, podpasstest.Role{Name: "first", Trust: podpasstest.PodIdentityTrust(), Allows: []string{"sts:AssumeRole", "sts:TagSession"}})
	s.AddRole(t, podpasstest.Role{Account: elsewhere, Name: "there", Trust: podpasstest.TrustAWS([]string{"999988887777"})})
	for _, target := range []string{"arn:aws:iam::999988887777:role/there", "arn:aws:iam::999988887777:role/missing", "arn:aws:iam::222233334444:role/nowhere"} {
		s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "first", Target: target})
		raw, before := s.PodToken(t, "shop", "web"), s.Audit.Len()
		_, err := s.PodIdentity(aws.Credentials{}, raw)
		refused(t, s, before, err, untrusted("the target role's trust policy, or the role's own policies, do not allow sts:AssumeRole"), "sts:AssumeRole: ", raw)
	}
}
