//lint:file-ignore SA1019 the deprecated SDK is the one that has a client of EKS Auth

package eksauth_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	v1aws "github.com/aws/aws-sdk-go/aws"
	v1credentials "github.com/aws/aws-sdk-go/aws/credentials"
	v1session "github.com/aws/aws-sdk-go/aws/session"
	v1eksauth "github.com/aws/aws-sdk-go/service/eksauth"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/token"
	"github.com/podpass/podpass/upstream"
)

const unauthorized = "Unauthorized Exception! EKS does not have permissions to assume the associated role."

// refusal is an error as an agent sees it.
type refusal struct {
	Status        int
	Code, Message string
	Reason        string // of the header
}

func refusalOf(t *testing.T, err error) refusal {
	t.Helper()
	if err == nil {
		return refusal{}
	}
	var answer *upstream.Error
	if !errors.As(err, &answer) {
		t.Fatalf("not an answer of the service: %v", err)
	}
	return refusal{answer.Status, answer.Code, answer.Message, answer.Reason}
}

func untrusted(reason string) refusal {
	return refusal{400, "AccessDeniedException", unauthorized, reason}
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// refused checks an answer, and what every refusal leaves behind: one event, with its code and a reason, and without the token.
func refused(t *testing.T, s *podpasstest.Server, before int, err error, want refusal, why, raw string) {
	t.Helper()
	diff(t, "refusal", want, refusalOf(t, err))
	events := s.Audit.Since(before)
	if len(events) != 1 {
		t.Fatalf("%d audit events were recorded, want 1", len(events))
	}
	e := events[0]
	outcome := audit.Refused
	if want.Status >= 500 {
		outcome = audit.Failed
	}
	if e.Outcome != outcome || e.Code != want.Code || !strings.Contains(e.Reason, why) {
		t.Errorf("audit event says %s %s %q, want %s %s with a reason of %q", e.Outcome, e.Code, e.Reason, outcome, want.Code, why)
	}
	if e.AccessKeyID != "" || e.SessionID != "" {
		t.Errorf("the event of a refusal names an access key %q, session %q", e.AccessKeyID, e.SessionID)
	}
	if raw != "" && e.TokenHash != token.Hash(raw) && e.TokenHash != "" {
		t.Errorf("the event has the hash %q", e.TokenHash)
	}
	if raw != "" && strings.Contains(e.Reason, raw) {
		t.Error("the event's reason holds the token")
	}
}

// exchange is one that must go well.
func exchange(t *testing.T, s *podpasstest.Server, raw string) *upstream.PodIdentity {
	t.Helper()
	out, err := s.PodIdentity(aws.Credentials{}, raw)
	if err != nil {
		t.Fatalf("%v (on record: %s)", err, s.Audit.Last(t).Reason)
	}
	return out
}

// sealed is what the session token of an answer holds.
func sealed(t *testing.T, s *podpasstest.Server, p *upstream.PodIdentity) session.Session {
	t.Helper()
	opened, _, err := s.Store.Ring().Open(p.Credentials.AccessKeyID, p.Credentials.SessionToken)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func whoIs(t *testing.T, s *podpasstest.Server, p *upstream.PodIdentity) string {
	t.Helper()
	out, err := s.STS(podpasstest.Granted(p)).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatalf("GetCallerIdentity: %v", err)
	}
	return aws.ToString(out.Arn)
}

// podTags are the six of a pod of shop/web.
func podTags(uid string) identity.Tags {
	return identity.Tags{
		{Key: "eks-cluster-arn", Value: podpasstest.ClusterARN()},
		{Key: "eks-cluster-name", Value: "local"},
		{Key: "kubernetes-namespace", Value: "shop"},
		{Key: "kubernetes-service-account", Value: "web"},
		{Key: "kubernetes-pod-name", Value: "web-x7k2p"},
		{Key: "kubernetes-pod-uid", Value: uid},
	}
}

const uid = "32b2260f-5a66-4e48-b430-605c245d7840"

// An unmodified SDK gets credentials that work, of the right role, for six hours, with the six tags; and everything is on record.
func TestExchange(t *testing.T) {
	s := podpasstest.Start(t)
	now := time.Now().UTC().Truncate(time.Second)
	s.Clock.Stop(now)
	role := s.AddRole(t, podpasstest.Role{Path: "/team/", Name: "reader", Trust: podpasstest.PodIdentityTrust(), MaxSession: 3600})
	association := s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "team/reader"})
	agent := s.AddUser(t, podpasstest.Account, "agent", podpasstest.Allow("eks-auth:AssumeRoleForPodIdentity"))
	raw := s.PodToken(t, "shop", "web", podpasstest.Pod("web-x7k2p", uid))

	client := v1eksauth.New(v1session.Must(v1session.NewSession(&v1aws.Config{
		Region: v1aws.String(podpasstest.Region), Endpoint: v1aws.String(s.URL), MaxRetries: v1aws.Int(0),
		Credentials: v1credentials.NewStaticCredentials(agent.AccessKeyID, agent.SecretAccessKey, ""),
	})))
	before := s.Audit.Len()
	out, err := client.AssumeRoleForPodIdentity(&v1eksauth.AssumeRoleForPodIdentityInput{ClusterName: v1aws.String("local"), Token: &raw})
	if err != nil {
		t.Fatal(err)
	}
	events := s.Audit.Since(before)
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	e := events[0]

	name := "eks-local-web-x7k2p-" + e.RequestID
	arn := "arn:aws:sts::111122223333:assumed-role/reader/" + name
	want := &v1eksauth.AssumeRoleForPodIdentityOutput{
		Audience:        v1aws.String("pods.eks.amazonaws.com"),
		Subject:         &v1eksauth.Subject{Namespace: v1aws.String("shop"), ServiceAccount: v1aws.String("web")},
		AssumedRoleUser: &v1eksauth.AssumedRoleUser{Arn: &arn, AssumeRoleId: v1aws.String(role.ID + ":" + name)},
		PodIdentityAssociation: &v1eksauth.PodIdentityAssociation{
			AssociationArn: v1aws.String("arn:aws:eks:us-west-2:111122223333:podidentityassociation/local/" + association.ID), AssociationId: &association.ID,
		},
		Credentials: out.Credentials,
	}
	diff(t, "answer", want.String(), out.String())
	if got := v1aws.TimeValue(out.Credentials.Expiration); !got.Equal(now.Add(6 * time.Hour)) {
		t.Errorf("expires at %v, want six hours from %v", got, now)
	}
	granted := &upstream.PodIdentity{Credentials: upstream.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken,
	}}
	diff(t, "GetCallerIdentity", arn, whoIs(t, s, granted))

	opened := sealed(t, s, granted)
	diff(t, "tags", podTags(uid), opened.Tags)
	diff(t, "transitive keys", []string{
		"eks-cluster-arn", "eks-cluster-name", "kubernetes-namespace", "kubernetes-service-account", "kubernetes-pod-name", "kubernetes-pod-uid",
	}, opened.TransitiveKeys)
	if opened.Chained || opened.Cluster != "local" || opened.PodUID != uid || opened.Subject != "system:serviceaccount:shop:web" {
		t.Errorf("the session is %+v", opened)
	}

	diff(t, "event", audit.Event{
		Time: now, RequestID: e.RequestID, Service: "eks-auth", Action: "AssumeRoleForPodIdentity", Outcome: audit.Allowed,
		SourceIP: "127.0.0.1", UserAgent: e.UserAgent, Caller: "arn:aws:iam::111122223333:user/agent", CallerKey: agent.AccessKeyID,
		Resource: podpasstest.ClusterARN(), Account: "111122223333", Cluster: "local", Issuer: s.Issuer, Subject: "system:serviceaccount:shop:web",
		Namespace: "shop", ServiceAccount: "web", Pod: "web-x7k2p", PodUID: uid, TokenHash: token.Hash(raw), Association: association.ID,
		Role: "arn:aws:iam::111122223333:role/team/reader", SessionName: name, SessionID: e.SessionID,
		Statement:   "trust policy of arn:aws:iam::111122223333:role/team/reader, statement 1",
		AccessKeyID: *out.Credentials.AccessKeyId, Expires: now.Add(6 * time.Hour),
	}, e)
}

// However long the names are, a session's name has 64 characters at most and the whole UUID.
func TestSessionNames(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust()})
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "*", Role: "reader"})
	const uuid = "-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
	for pod, want := range map[string]string{
		"w":                              "^eks-local-w" + uuid,
		"web.example":                    "^eks-local-web.example" + uuid,
		"web-with-seventeen":             "^eks-local-web-with-seventee" + uuid,
		strings.Repeat("web-", 63) + "w": "^eks-local-web-web-web-web-w" + uuid,
	} {
		p := exchange(t, s, s.PodToken(t, "shop", "web", podpasstest.Pod(pod, uid)))
		name := p.AssumedRoleARN[strings.LastIndexByte(p.AssumedRoleARN, '/')+1:]
		if !regexp.MustCompile(want).MatchString(name) || len(name) > 64 {
			t.Errorf("pod %s: session name %q (%d), want %s", pod, name, len(name), want)
		}
		diff(t, "GetCallerIdentity", p.AssumedRoleARN, whoIs(t, s, p))
	}
}

// What later models have beside the token is taken and not believed.
func TestNewerMembersAreIgnored(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust()})
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "reader"})
	raw := s.PodToken(t, "shop", "web")
	status, body := post(t, s, "/clusters/local/assume-role-for-pod-identity", `{"token":"`+raw+`","eksNodeName":"n1","instanceId":"i-1","zone":"us-west-2a"}`)
	if status != 200 {
		t.Errorf("answered with %d %s", status, body)
	}
}
