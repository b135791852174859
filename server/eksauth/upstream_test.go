package eksauth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/server"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

// away is an account that lives at another authority.
const away = identity.Account("222233334444")

// home is an authority that has the account away as upstream at another, in a mode.
func home(t *testing.T, mode store.UpstreamMode, credentials aws.Credentials, endpoints ...string) *podpasstest.Server {
	t.Helper()
	s := podpasstest.Start(t, func(c *server.Config) { c.UpstreamCredentials = podpasstest.As(credentials) })
	_, err := s.Store.Accounts.Update(t.Context(), string(away), func(*store.Account) (*store.Account, error) {
		return &store.Account{ID: away, Upstream: &store.Upstream{Mode: mode, Endpoints: endpoints}, Created: s.Clock.Now()}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func awayRole(name string) string { return "arn:aws:iam::" + string(away) + ":role/" + name }

// In mode web-identity the pod's own token is exchanged where the role lives: by a second authority, which knows the first's cluster only by its
// issuer and keys. There are no session tags, which is on record.
func TestUpstreamByWebIdentity(t *testing.T) {
	there := podpasstest.Start(t)
	there.AddAccount(t, away)
	s := home(t, store.UpstreamWebIdentity, aws.Credentials{}, there.URL)
	jwks, err := token.JWKS(s.SigningKey(t))
	if err != nil {
		t.Fatal(err)
	}
	there.AddCluster(t, "neighbour", s.Issuer, jwks)
	there.AddProvider(t, away, s.Issuer, "pods.eks.amazonaws.com")
	issuer := identity.MustIssuer(s.Issuer)
	there.AddRole(t, podpasstest.Role{
		Account: away, Name: "reader",
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + issuer.ProviderARN("aws", away).String() +
			`"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"` + issuer.HostPath() + `:sub":"system:serviceaccount:shop:web"}}}]}`,
	})
	association := s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "*", Role: awayRole("reader")})

	raw := s.PodToken(t, "shop", "web")
	p := exchange(t, s, raw)
	e := s.Audit.Last(t)
	if want := "arn:aws:sts::222233334444:assumed-role/reader/" + e.SessionName; p.AssumedRoleARN != want || p.AssociationID != association.ID {
		t.Errorf("the answer is about %s and %s, want %s and %s", p.AssumedRoleARN, p.AssociationID, want, association.ID)
	}
	diff(t, "who there", p.AssumedRoleARN, whoIs(t, there, p))
	if e.Outcome != audit.Allowed || e.Endpoint != there.URL || e.AccessKeyID != p.Credentials.AccessKeyID || e.Account != string(away) ||
		e.Role != awayRole("reader") || e.Reason != "no session tags: the account is upstream in mode web-identity" || e.Expires.IsZero() {
		t.Errorf("the event says %+v", e)
	}

	raw = s.PodToken(t, "shop", "other")
	before := s.Audit.Len()
	_, err = s.PodIdentity(aws.Credentials{}, raw)
	refused(t, s, before, err, untrusted("the STS of the role's account refused"), "Not authorized to perform sts:AssumeRoleWithWebIdentity", raw)
	if e := s.Audit.Last(t); e.Endpoint != there.URL {
		t.Errorf("the event of the refusal names endpoint %q", e.Endpoint)
	}
}

// In mode assume-role the server asks with its own credentials, passes the pod's tags, and gets an hour.
func TestUpstreamByAssumeRole(t *testing.T) {
	there := podpasstest.Start(t)
	there.AddAccount(t, away)
	broker := there.AddUser(t, away, "broker", podpasstest.Allow("sts:AssumeRole", "sts:TagSession"))
	s := home(t, store.UpstreamAssumeRole, broker, there.URL)
	trust := func(key, value string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + string(away) + `"},"Action":["sts:AssumeRole","sts:TagSession"],` +
			`"Condition":{"StringEquals":{"` + key + `":"` + value + `","sts:ExternalId":"` + externalID + `"}}}]}`
	}
	there.AddRole(t, podpasstest.Role{Account: away, Name: "reader", Trust: trust("aws:RequestTag/kubernetes-namespace", "shop")})
	there.AddRole(t, podpasstest.Role{Account: away, Name: "banker", Trust: trust("aws:RequestTag/kubernetes-namespace", "bank")})
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: awayRole("reader")})

	p := exchange(t, s, s.PodToken(t, "shop", "web", podpasstest.Pod("web-x7k2p", uid)))
	diff(t, "who there", p.AssumedRoleARN, whoIs(t, there, p))
	opened := sealed(t, there, p)
	diff(t, "tags", podTags(uid), opened.Tags)
	if len(opened.TransitiveKeys) != 6 || opened.Expires.Sub(opened.IssuedAt) != time.Hour {
		t.Errorf("transitive keys %v, %v long", opened.TransitiveKeys, opened.Expires.Sub(opened.IssuedAt))
	}
	if e := s.Audit.Last(t); e.Endpoint != there.URL || e.Reason != "" {
		t.Errorf("the event says %+v", e)
	}

	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: awayRole("banker")})
	raw, before := s.PodToken(t, "shop", "web"), s.Audit.Len()
	_, err := s.PodIdentity(aws.Credentials{}, raw)
	refused(t, s, before, err, untrusted("the STS of the role's account refused"), "AccessDenied", raw)
}

// What an upstream says, or doesn't, in EKS Auth's words: only a word about the pod makes an agent forget what it has.
func TestUpstreamFailures(t *testing.T) {
	answer := func(status int, code, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			w.WriteHeader(status)
			if _, err := w.Write([]byte(`<ErrorResponse><Error><Type>Sender</Type><Code>` + code + `</Code><Message>` + message + `</Message></Error></ErrorResponse>`)); err != nil {
				t.Error(err)
			}
		}
	}
	const (
		failed = "The request has failed due to a temporary failure of the server."
		nobody = "the STS of the role's account gave no credentials: it cannot be reached, or not with this server's own"
	)
	unavailable := refusal{503, "ServiceUnavailableException", failed, nobody}
	for _, c := range []struct {
		name string
		mode store.UpstreamMode
		is   http.HandlerFunc // nil: nobody listens
		want refusal
		why  string
	}{
		{name: "nobody there", mode: store.UpstreamWebIdentity, want: unavailable, why: "no answer from upstream"},
		{name: "a fault of its own", mode: store.UpstreamWebIdentity, is: answer(500, "InternalFailure", "x"), want: unavailable, why: "InternalFailure"},
		{
			name: "throttling", mode: store.UpstreamWebIdentity, is: answer(400, "Throttling", "Rate exceeded"),
			want: refusal{429, "ThrottlingException", "Rate exceeded", nobody}, why: "Throttling",
		},
		{
			name: "the pod's token has expired", mode: store.UpstreamWebIdentity, is: answer(400, "ExpiredTokenException", "x"),
			want: refusal{400, "ExpiredTokenException", "The provided token has expired.", "the token has expired"}, why: "ExpiredTokenException",
		},
		{
			name: "no provider there", mode: store.UpstreamWebIdentity, is: answer(400, "InvalidIdentityToken", "No OpenIDConnect provider found"),
			want: untrusted("the STS of the role's account refused"), why: "No OpenIDConnect provider found",
		},
		{name: "the server's own session is over", mode: store.UpstreamAssumeRole, is: answer(403, "ExpiredToken", "x"), want: unavailable, why: "ExpiredToken"},
		{name: "the server's own key is none", mode: store.UpstreamAssumeRole, is: answer(403, "InvalidClientTokenId", "x"), want: unavailable, why: "InvalidClientTokenId"},
		{name: "not trusted", mode: store.UpstreamAssumeRole, is: answer(403, "AccessDenied", "x"), want: untrusted("the STS of the role's account refused"), why: "AccessDenied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sts := httptest.NewServer(c.is)
			t.Cleanup(sts.Close)
			if c.is == nil {
				sts.Close()
			}
			s := home(t, c.mode, aws.Credentials{AccessKeyID: "AKIAQAAAAAAAEXAMPLE1", SecretAccessKey: "not/a+real=secretKeyButFortyCharsLong123"}, sts.URL)
			s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: awayRole("reader")})
			raw, before := s.PodToken(t, "shop", "web"), s.Audit.Len()
			_, err := s.PodIdentity(aws.Credentials{}, raw)
			refused(t, s, before, err, c.want, c.why, raw)
			if e := s.Audit.Last(t); e.Endpoint != sts.URL {
				t.Errorf("the event names endpoint %q, want %q", e.Endpoint, sts.URL)
			}
		})
	}
}

// Nothing is sent anywhere for a cluster whose account the upstream isn't registered for, or for a target in an account that isn't upstream.
func TestUpstreamIsNotAsked(t *testing.T) {
	for _, c := range []struct {
		name, target, why string
		cluster           identity.Account
	}{
		{"for another account's cluster", "", "upstream account 222233334444 is not registered for clusters of account 999988887777", elsewhere},
		{
			"for a target nobody knows", "arn:aws:iam::555566667777:role/t",
			"account 555566667777 of target role arn:aws:iam::555566667777:role/t is not registered as upstream", podpasstest.Account,
		},
		{
			"for a target that is hosted here", "arn:aws:iam::111122223333:role/t",
			"account 111122223333 of target role arn:aws:iam::111122223333:role/t is not registered as upstream", podpasstest.Account,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			sts := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the upstream was asked") }))
			t.Cleanup(sts.Close)
			s := home(t, store.UpstreamAssumeRole, aws.Credentials{AccessKeyID: "AKIAQAAAAAAAEXAMPLE1", SecretAccessKey: "not/a+real=secretKeyButFortyCharsLong123"}, sts.URL)
			s.AddAccount(t, elsewhere)
			changeCluster(t, s, func(_ *testing.T, _ *podpasstest.Server, cluster *store.Cluster) { cluster.Account = c.cluster })
			put(t, s, &store.Association{Cluster: "local", Namespace: "shop", ServiceAccount: "web", ID: "a-abcdefghijklmnop1", RoleARN: awayRole("r"), TargetRoleARN: c.target})
			agent := s.AddUser(t, c.cluster, "agent", podpasstest.Allow("eks-auth:*"))
			raw, before := s.PodToken(t, "shop", "web"), s.Audit.Len()
			_, err := s.PodIdentity(agent, raw)
			refused(t, s, before, err, untrusted("the association's role is in an account that this cluster may not use"), c.why, raw)
		})
	}
}

// put writes an association past EKS's checks.
func put(t *testing.T, s *podpasstest.Server, a *store.Association) {
	t.Helper()
	_, err := s.Store.Associations.Update(t.Context(), store.AssociationKey(a.Cluster, a.Namespace, a.ServiceAccount),
		func(*store.Association) (*store.Association, error) { return a, nil })
	if err != nil {
		t.Fatal(err)
	}
}
