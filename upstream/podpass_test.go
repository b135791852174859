package upstream_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/server"
	"github.com/podpass/podpass/token"
)

const far = identity.Account("444455556666")

// farAway is an authority that hosts the account far, with a user whose key another server may hold.
func farAway(t *testing.T) (*podpasstest.Server, aws.Credentials) {
	t.Helper()
	s := podpasstest.Start(t)
	s.AddAccount(t, far)
	broker := s.AddUser(t, far, "broker", podpasstest.Allow("sts:AssumeRole", "sts:TagSession"))
	return s, broker
}

// trusting completes farAway with what it knows of the near authority's cluster, its issuer and its keys, and with its roles: app, which a pod of
// that issuer and the user may assume, and two that app's sessions may if they bring the pod's namespace, with the request or from the session before.
func trusting(t *testing.T, there, near *podpasstest.Server) {
	t.Helper()
	jwks, err := token.JWKS(near.SigningKey(t))
	if err != nil {
		t.Fatal(err)
	}
	there.AddCluster(t, "near", near.Issuer, jwks)
	there.AddProvider(t, far, near.Issuer, "pods.eks.amazonaws.com")
	issuer := identity.MustIssuer(near.Issuer)
	there.AddRole(t, podpasstest.Role{Account: far, Name: "app", Allows: []string{"sts:AssumeRole", "sts:TagSession"}, Trust: `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Federated":"` + issuer.ProviderARN("aws", far).String() + `"},"Action":"sts:AssumeRoleWithWebIdentity",
		 "Condition":{"StringEquals":{"` + issuer.HostPath() + `:sub":"system:serviceaccount:shop:web"}}},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:user/broker"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`})
	for name, key := range map[string]string{"by-request": "aws:RequestTag", "by-session": "aws:PrincipalTag"} {
		there.AddRole(t, podpasstest.Role{Account: far, Name: name, Trust: `{"Version":"2012-10-17","Statement":{"Effect":"Allow",
			"Principal":{"AWS":"arn:aws:iam::444455556666:role/app"},"Action":["sts:AssumeRole","sts:TagSession"],
			"Condition":{"StringEquals":{"` + key + `/kubernetes-namespace":"shop","sts:ExternalId":"us-west-2/111122223333/local/shop/web"}}}}`})
	}
}

// Self-managed clusters have Pod Identity against another STS: from registering the account through the API to the credentials at work, in both
// modes, with and without a target role, while the preferred endpoint is down.
func TestPodIdentityElsewhere(t *testing.T) {
	for name, test := range map[string]struct {
		mode, target string
		reason       string // of the event
	}{
		"by token":              {api.UpstreamWebIdentity, "", "no session tags: the account is upstream in mode web-identity"},
		"by token to a target":  {api.UpstreamWebIdentity, "by-request", ""},
		"as server":             {api.UpstreamAssumeRole, "", ""},
		"as server to a target": {api.UpstreamAssumeRole, "by-session", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there, broker := farAway(t)
			near := podpasstest.Start(t, func(c *server.Config) { c.UpstreamCredentials = podpasstest.As(broker) })
			trusting(t, there, near)
			operator, err := api.New(api.Config{Endpoint: near.URL, Region: podpasstest.Region, Credentials: podpasstest.As(near.Admin)})
			if err != nil {
				t.Fatal(err)
			}
			_, err = operator.CreateAccount(t.Context(), &api.CreateAccountRequest{
				Name: "far", ID: string(far), Upstream: &api.Upstream{Mode: test.mode, Endpoints: []string{refusing(t), there.URL}},
			})
			if err != nil {
				t.Fatal(err)
			}
			role, association := "app", podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: far.IAM("aws", "role/app").String()}
			if test.target != "" {
				role, association.Target = test.target, far.IAM("aws", "role/"+test.target).String()
			}
			near.AddAssociation(t, association)

			got, err := near.PodIdentity(aws.Credentials{}, near.PodToken(t, "shop", "web"))
			if err != nil {
				t.Fatalf("%v; on record: %s", err, near.Audit.Last(t).Reason)
			}
			event := near.Audit.Last(t)
			if event.Endpoint != there.URL || event.Reason != test.reason || event.AccessKeyID != got.Credentials.AccessKeyID {
				t.Errorf("on record: %+v", event)
			}
			who, err := there.STS(podpasstest.Granted(got)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			if err != nil {
				t.Fatal(err)
			}
			if want := "arn:aws:sts::444455556666:assumed-role/" + role + "/" + event.SessionName; aws.ToString(who.Arn) != want || got.AssumedRoleARN != want {
				t.Errorf("the pod is %s, was told %s, want %s", aws.ToString(who.Arn), got.AssumedRoleARN, want)
			}

			// Forgotten, the account is nobody's again, and the other authority isn't asked.
			if _, err := operator.DeleteAccount(t.Context(), string(far)); err != nil {
				t.Fatal(err)
			}
			before := there.Audit.Len()
			if _, err := near.PodIdentity(aws.Credentials{}, near.PodToken(t, "shop", "web")); err == nil {
				t.Error("the role of a forgotten account was assumed")
			}
			if there.Audit.Len() != before {
				t.Error("the authority of a forgotten account was asked")
			}
		})
	}
}
