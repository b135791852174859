package eksauth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

const elsewhere = identity.Account("999988887777")

// refusalCase is an exchange that must be refused.
type refusalCase struct {
	name   string
	token  func(t *testing.T, s *podpasstest.Server) string            // default: a good one
	caller func(t *testing.T, s *podpasstest.Server) aws.Credentials   // default: the administrator
	given  func(t *testing.T, s *podpasstest.Server, c *store.Cluster) // changes the cluster's record first
	on     string                                                      // cluster asked for; default local
	want   refusal
	why    string // part of the reason on record
}

// TestRefusals: each case on an authority of its own would take long, so they share one, and each undoes what it changed.
func TestRefusals(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddAccount(t, elsewhere)
	s.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust()})
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "reader"})
	for _, c := range append(tokenCases(), callerCases()...) {
		t.Run(c.name, func(t *testing.T) {
			raw, caller, cluster := "", s.Admin, podpasstest.Cluster
			if c.token != nil {
				raw = c.token(t, s)
			} else {
				raw = s.PodToken(t, "shop", "web")
			}
			if c.caller != nil {
				caller = c.caller(t, s)
			}
			if c.on != "" {
				cluster = c.on
			}
			if c.given != nil {
				changeCluster(t, s, c.given)
			}
			before := s.Audit.Len()
			_, err := s.PodIdentityOf(caller, cluster, raw)
			refused(t, s, before, err, c.want, c.why, raw)
		})
	}
}

func changeCluster(t *testing.T, s *podpasstest.Server, change func(*testing.T, *podpasstest.Server, *store.Cluster)) {
	t.Helper()
	old, _ := s.Store.Clusters.Get(podpasstest.Cluster)
	put := func(c *store.Cluster) {
		if _, err := s.Store.Clusters.Update(context.Background(), c.Name, func(*store.Cluster) (*store.Cluster, error) { return c, nil }); err != nil {
			t.Fatal(err)
		}
	}
	changed := *old
	change(t, s, &changed)
	put(&changed)
	t.Cleanup(func() { put(old) })
}

func invalidToken(message, reason string) refusal {
	return refusal{400, "InvalidTokenException", message, reason}
}

func claims(change func(*token.Claims)) func(*testing.T, *podpasstest.Server) string {
	return func(t *testing.T, s *podpasstest.Server) string { return s.PodToken(t, "shop", "web", change) }
}

func text(change func(raw string) string) func(*testing.T, *podpasstest.Server) string {
	return func(t *testing.T, s *podpasstest.Server) string { return change(s.PodToken(t, "shop", "web")) }
}

// tokenCases: tokens that are not a pod's of this cluster, for this service, now.
func tokenCases() []refusalCase {
	const (
		notValid  = "The provided token is not a valid service account token."
		malformed = "the token is not a well-formed service account token"
		disagree  = "the token's subject and its kubernetes.io claim disagree"
		noPod     = "The provided token is not bound to a pod."
	)
	return []refusalCase{
		{name: "empty", token: text(func(string) string { return "" }), want: refusal{400, "InvalidParameterException", "The token must not be empty.", ""}},
		{
			name: "Bearer in front", token: text(func(raw string) string { return "Bearer " + raw }),
			want: invalidToken(`The token begins with "Bearer ". Send the raw token.`, `send the raw token, without "Bearer " in front`), why: "base64url",
		},
		{name: "newline behind", token: text(func(raw string) string { return raw + "\n" }), want: invalidToken(notValid, malformed), why: "base64url"},
		{name: "no token at all", token: text(func(string) string { return "abc" }), want: invalidToken(notValid, malformed), why: "three parts"},
		{
			name: "tampered with", token: text(func(raw string) string { return raw[:len(raw)-8] + "AAAAAAAA" }),
			want: invalidToken("The provided token's signature cannot be verified with the keys of the cluster.", "the token is not signed by a key of the cluster"),
			why:  "signature does not match",
		},
		{
			name: "of another issuer", token: claims(func(c *token.Claims) { c.Issuer = "https://neighbour.example" }),
			want: invalidToken("The provided token was not issued by the cluster.", "the token is of another cluster"), why: "says it is of issuer https://neighbour.example; that of cluster local is",
		},
		{
			name: "for sts.amazonaws.com", token: claims(func(c *token.Claims) { c.Audience = []string{"sts.amazonaws.com"} }),
			want: invalidToken("The provided token is not for the audience pods.eks.amazonaws.com.", "the token is not for the audience pods.eks.amazonaws.com"),
			why:  `the token is for "sts.amazonaws.com"`,
		},
		{
			name: "subject of another account", token: claims(func(c *token.Claims) { c.Subject = "system:serviceaccount:shop:admin" }),
			want: invalidToken(notValid, disagree), why: `the token's subject is shop/admin, its kubernetes.io claim says "shop/web"`,
		},
		{
			name: "subject of a user", token: claims(func(c *token.Claims) { c.Subject = "alice" }),
			want: invalidToken(notValid, disagree), why: `subject "alice" is not system:serviceaccount:`,
		},
		{
			name: "without the kubernetes.io claim", token: claims(func(c *token.Claims) { c.Kubernetes = token.Kubernetes{} }),
			want: invalidToken(notValid, disagree), why: `says "/"`,
		},
		{name: "no pod", token: claims(podpasstest.Pod("", "")), want: invalidToken(noPod, "the token has no pod"), why: "bound to no pod"},
		{name: "a pod's name without a uid", token: claims(podpasstest.Pod("web-1", "")), want: invalidToken(noPod, "the token has no pod"), why: "without its uid"},
		{name: "a pod that is none", token: claims(podpasstest.Pod("web/../x", uid)), want: invalidToken(noPod, "the token has no pod"), why: "which is none"},
		{name: "a uid that is none", token: claims(podpasstest.Pod("web-1", "a b")), want: invalidToken(noPod, "the token has no pod"), why: "which is none"},
		{
			name: "half a pod though none is needed", token: claims(podpasstest.Pod("web-1", "")), want: invalidToken(noPod, "the token has no pod"), why: "without its uid",
			given: func(_ *testing.T, _ *podpasstest.Server, c *store.Cluster) { c.AllowNoPod = true },
		},
		{
			name: "keys out of reach",
			given: func(_ *testing.T, _ *podpasstest.Server, c *store.Cluster) {
				c.Keys, c.SigningKeys, c.Kubeconfig = store.KeysDiscovery, nil, ""
			},
			want: refusal{503, "ServiceUnavailableException", "The request has failed due to a temporary failure of the server.", "the cluster cannot be asked about the token at the moment"},
		},
		{
			name:  "keys of no known source",
			given: func(_ *testing.T, _ *podpasstest.Server, c *store.Cluster) { c.Keys = "whatever" },
			want:  invalidToken("The provided token's signature cannot be verified with the keys of the cluster.", "the token is not signed by a key of the cluster"),
			why:   "has no known key source",
		},
		{
			name: "no association", token: func(t *testing.T, s *podpasstest.Server) string { return s.PodToken(t, "shop", "other") },
			want: refusal{
				404, "ResourceNotFoundException", "No association found for service account other in namespace shop of cluster local.", "no association names shop/other",
			},
		},
	}
}

// callerCases: callers who may not ask, and clusters that are not theirs.
func callerCases() []refusalCase {
	user := func(account identity.Account, name, policy string) func(*testing.T, *podpasstest.Server) aws.Credentials {
		return func(t *testing.T, s *podpasstest.Server) aws.Credentials { return s.AddUser(t, account, name, policy) }
	}
	const (
		action = "eks-auth:AssumeRoleForPodIdentity"
		hint   = "the agent's role does not allow eks-auth:AssumeRoleForPodIdentity on this cluster"
	)
	denied := func(who, cluster string) refusal {
		return refusal{
			403, "AccessDeniedException", "User: arn:aws:iam::" + who + " is not authorized to perform: " + action + " on resource: " + cluster +
				" because no identity-based policy allows the " + action + " action", hint,
		}
	}
	noCluster := func(name string) refusal {
		return refusal{404, "ResourceNotFoundException", "No cluster found for name: " + name + ".", "the agent's account has no cluster of this name"}
	}
	local := podpasstest.ClusterARN()
	other := strings.Replace(local, "/local", "/other", 1)
	onOther := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"` + other + `"}]}`
	tagged := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"*",` +
		`"Condition":{"StringEquals":{"aws:ResourceTag/stage":"prod"}}}]}`
	return []refusalCase{
		{name: "caller with no policy", caller: user(podpasstest.Account, "nobody", ""), want: denied("111122223333:user/nobody", local), why: "no identity-based policy allows"},
		{name: "caller of another cluster", caller: user(podpasstest.Account, "elsewhere", onOther), want: denied("111122223333:user/elsewhere", local), why: "no identity-based policy allows"},
		{
			name: "cluster of another tag", caller: user(podpasstest.Account, "tagged", tagged), want: denied("111122223333:user/tagged", local),
			given: func(_ *testing.T, _ *podpasstest.Server, c *store.Cluster) {
				c.Tags = identity.Tags{{Key: "stage", Value: "test"}}
			},
			why: `StringEquals aws:ResourceTag/stage wants "prod", the request has "test"`,
		},
		{name: "caller of another account", caller: user(elsewhere, "agent", podpasstest.Allow(action)), want: noCluster("local")},
		{name: "a cluster that isn't there", on: "other", want: noCluster("other")},
		{
			name: "a cluster of another case", on: "Local", want: noCluster("Local"),
		},
		{
			name: "no name for a cluster", on: "*",
			want: refusal{400, "InvalidParameterException", "The cluster name must be 1 to 100 letters, digits, hyphens or underscores, beginning with a letter or digit.", ""},
		},
	}
}

// A caller may be confined to clusters by their tags; and a token that has no pod is good where the cluster says so, with four tags.
func TestAllowedByTheCluster(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust()})
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "reader"})
	changeCluster(t, s, func(_ *testing.T, _ *podpasstest.Server, c *store.Cluster) {
		c.AllowNoPod, c.Tags = true, identity.Tags{{Key: "stage", Value: "prod"}}
	})
	agent := s.AddUser(t, podpasstest.Account, "agent", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"eks-auth:*","Resource":"`+
		podpasstest.ClusterARN()+`","Condition":{"StringEquals":{"aws:ResourceTag/stage":"prod"}}}]}`)
	p, err := s.PodIdentity(agent, s.PodToken(t, "shop", "web", podpasstest.Pod("", "")))
	if err != nil {
		t.Fatal(err)
	}
	opened := sealed(t, s, p)
	diff(t, "tags", podTags("")[:4], opened.Tags)
	if want := "eks-local-" + s.Audit.Last(t).RequestID; opened.Name != want {
		t.Errorf("the session is called %s, want %s", opened.Name, want)
	}
}

// Times are judged as STS judges them, and each has its own code.
func TestTimes(t *testing.T) {
	s := podpasstest.Start(t)
	now := time.Now().UTC().Truncate(time.Second)
	s.Clock.Stop(now)
	s.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust()})
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "reader"})
	expiring := func(in time.Duration) string {
		return s.PodToken(t, "shop", "web", func(c *token.Claims) {
			c.IssuedAt, c.NotBefore, c.Expiry = now.Add(-time.Hour), now.Add(-time.Hour), now.Add(in)
		})
	}
	exchange(t, s, expiring(-59*time.Second))
	over := expiring(-60 * time.Second)
	before := s.Audit.Len()
	_, err := s.PodIdentity(aws.Credentials{}, over)
	got := refusalOf(t, err)
	if !strings.HasPrefix(got.Message, "Token expired: current date/time ") {
		t.Errorf("the text is %q", got.Message)
	}
	refused(t, s, before, err, refusal{400, "ExpiredTokenException", got.Message, "the token has expired"}, "token has expired", over)
	if e := s.Audit.Last(t); e.Namespace != "shop" || e.Pod == "" {
		t.Errorf("an authentic token's event doesn't say whose it was: %+v", e)
	}
	early := s.PodToken(t, "shop", "web", func(c *token.Claims) { c.NotBefore = now.Add(61 * time.Second) })
	before = s.Audit.Len()
	_, err = s.PodIdentity(aws.Credentials{}, early)
	got = refusalOf(t, err)
	refused(t, s, before, err, refusal{400, "InvalidTokenException", got.Message, "the token is not valid yet"}, "not valid yet", early)
}
