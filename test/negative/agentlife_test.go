package negative

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/store"
)

// shop is an authority with a role that shop/web's pods may have.
func shop(t *testing.T) (*podpasstest.Server, *store.Association) {
	t.Helper()
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "pod", Trust: podpasstest.PodIdentityTrust()})
	return s, s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "pod"})
}

// day is a token's life that covers more than one renewal.
func day() podpasstest.TokenOption { return podpasstest.Lifetime(24 * time.Hour) }

// impatient agents renew what they have a second after they got it, or two.
func impatient(c *agent.Config) {
	c.MaxRetention = 2 * time.Second
	c.Jitter = func(time.Duration) time.Duration { return 0 }
}

// refusedSoon waits for the refusal of a renewal, which is not asked for by any fetch.
func (n *node) refusedSoon(before int, code string) audit.Event {
	n.t.Helper()
	var last audit.Event
	soon(n.t, 10*time.Second, "a renewal is refused", func() bool {
		for _, e := range n.exchanges(before) {
			if last = e; e.Code == code {
				return true
			}
		}
		return false
	})
	soon(n.t, 10*time.Second, "the cache lets it go", func() bool { return n.metric("pod_identity_cache_errors") > 0 })
	return last
}

// metric is the sum of a metric over all its labels.
func (n *node) metric(name string) (sum float64) {
	n.t.Helper()
	families, err := n.registry.Gather()
	if err != nil {
		n.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

// works reports whether credentials are still somebody's.
func works(t *testing.T, s *podpasstest.Server, c aws.Credentials) bool {
	t.Helper()
	_, err := s.STS(c).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	return err == nil
}

// An association that is deleted behind our server is forgotten within 10 s, one that is created is honoured by the next fetch.
func TestAgentForgetsAssociation(t *testing.T) {
	s, association := shop(t)
	other := s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "other", Role: "pod"})
	n := newNode(t, s, s.Admin).watching()
	raw, others := s.PodToken(t, "shop", "web"), s.PodToken(t, "shop", "other")
	n.mustFetch(raw)
	s.DeleteAssociation(t, association)
	soon(t, 10*time.Second, "the credentials are forgotten", func() bool { return n.fetch(raw).status == http.StatusNotFound })
	if r := n.fetch(raw); r.status != http.StatusNotFound || !strings.Contains(r.body, "(ResourceNotFoundException): No association found") {
		t.Errorf("%d %s", r.status, r.body)
	}
	n.mustFetch(others)

	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "pod"})
	soon(t, 10*time.Second, "the new association counts", func() bool { return n.fetch(raw).status == http.StatusOK })
	s.DeleteAssociation(t, other)
	soon(t, 10*time.Second, "the other is forgotten too", func() bool { return n.fetch(others).status == http.StatusNotFound })
	n.mustFetch(raw)
}

// Behind AWS, which tells nobody, it serves until the renewal, then it is 404 and out of the cache.
func TestAgentServesUntilRenewal(t *testing.T) {
	s, association := shop(t)
	n := newNode(t, s, s.Admin, impatient)
	raw := s.PodToken(t, "shop", "web", day())
	first := n.mustFetch(raw)
	s.DeleteAssociation(t, association)
	if again := n.mustFetch(raw); again != first {
		t.Error("asked again before the renewal")
	}
	before := s.Audit.Len()
	n.running()
	n.refusedSoon(before, "ResourceNotFoundException")
	if r := n.fetch(raw); r.status != http.StatusNotFound || !strings.Contains(r.body, "No association found") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if n.metric("podpass_agent_cache_entries") != 0 {
		t.Error("the cache holds it")
	}
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "pod"})
	soon(t, 10*time.Second, "an association made anew counts", func() bool { return n.fetch(raw).status == http.StatusOK })
}

// A role that no longer trusts Pod Identity is lost at the renewal, and had again once it does.
func TestAgentRoleTrustsNoMore(t *testing.T) {
	s, _ := shop(t)
	n := newNode(t, s, s.Admin, impatient)
	raw := s.PodToken(t, "shop", "web", day())
	n.mustFetch(raw)
	s.AddRole(t, podpasstest.Role{Name: "pod", Trust: podpasstest.PodIdentityTrust([3]string{"StringEquals", "aws:RequestTag/kubernetes-namespace", "bank"})})
	n.mustFetch(raw)
	before := s.Audit.Len()
	n.running()
	if e := n.refusedSoon(before, "AccessDeniedException"); !strings.Contains(e.Reason, `aws:RequestTag/kubernetes-namespace wants "bank", the request has "shop"`) {
		t.Errorf("on record: %s", e.Reason)
	}
	if r := n.fetch(raw); r.status != http.StatusBadRequest || !strings.Contains(r.body, "(AccessDeniedException): Unauthorized Exception!") ||
		strings.Contains(r.body, "bank") {
		t.Errorf("%d %s", r.status, r.body)
	}
	s.AddRole(t, podpasstest.Role{Name: "pod", Trust: podpasstest.PodIdentityTrust()})
	soon(t, 10*time.Second, "trust given again counts", func() bool { return n.fetch(raw).status == http.StatusOK })
}

// A role's end ends its sessions. The agent learns of it at the renewal, and gets those of the role that has the name now.
func TestAgentRoleRecreated(t *testing.T) {
	s, _ := shop(t)
	n := newNode(t, s, s.Admin, impatient)
	raw := s.PodToken(t, "shop", "web", day())
	old := n.mustFetch(raw)
	if !works(t, s, old) {
		t.Fatal("the credentials are not good")
	}
	s.DeleteRole(t, podpasstest.Account, "pod")
	s.AddRole(t, podpasstest.Role{Name: "pod", Trust: podpasstest.PodIdentityTrust()})
	if works(t, s, old) {
		t.Error("the deleted role's session is good still")
	}
	n.running()
	soon(t, 10*time.Second, "the new role's credentials are handed out", func() bool { return works(t, s, n.mustFetch(raw)) })
}

// pods is what a node's agent is told of its pods' addresses.
type pods map[string]string

func (p pods) Addresses(uid string) ([]netip.Addr, bool) {
	addr, ok := p[uid]
	if !ok {
		return nil, false
	}
	return []netip.Addr{netip.MustParseAddr(addr)}, true
}

func (p pods) Wait(context.Context, string) {} // all there is to know is known
func (p pods) Ready() error                 { return nil }

// A pod's token is worth nothing at another pod's address, nor one that is of no pod.
func TestAgentAnotherPodsAddress(t *testing.T) {
	s, _ := shop(t)
	from := func(addr string) func(*http.Request) {
		return func(r *http.Request) { r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(addr), 4711).String() }
	}
	const uid, thief = "32b2260f-5a66-4e48-b430-605c245d7840", "7c0d6b38-9b7e-4f0c-8d58-6ce1b6d1a5a2"
	known := pods{uid: "10.0.0.1", thief: "10.0.0.66"}
	n := newNode(t, s, s.Admin, func(c *agent.Config) { c.Bind = known })
	raw := s.PodToken(t, "shop", "web", podpasstest.Pod("web-1", uid))
	for range 2 { // before it is cached, and after
		for _, addr := range []string{"10.0.0.66", "10.0.0.10", "127.0.0.1", "::1", "fd00::66"} {
			r, _ := n.mustRefuse(raw, nil, from(addr))
			if r.status != http.StatusForbidden || !strings.Contains(r.body, "does not have the address "+addr) {
				t.Errorf("from %s: %d %s", addr, r.status, r.body)
			}
		}
		n.mustFetch(raw, from("10.0.0.1"))
	}
	for name, raw := range map[string]string{
		"no pod":            s.PodToken(t, "shop", "web", podpasstest.Pod("", "")),
		"pod of other node": s.PodToken(t, "shop", "web", podpasstest.Pod("web-2", "unheard-of")),
	} {
		if r, _ := n.mustRefuse(raw, nil, from("10.0.0.1")); r.status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
}

// A deleted pod's token is refused from the moment the agent knows, and by EKS Auth from the moment the API server does.
func TestAgentDeletedPod(t *testing.T) {
	s, _ := shop(t)
	const uid = "32b2260f-5a66-4e48-b430-605c245d7840"
	n := newNode(t, s, s.Admin)
	raw, rotated := s.PodToken(t, "shop", "web", podpasstest.Pod("web-1", uid)), s.PodToken(t, "shop", "web", podpasstest.Pod("web-1", uid))
	n.mustFetch(raw)
	n.ForgetPod(uid)
	for _, raw := range []string{raw, rotated} {
		if r, e := n.mustRefuse(raw, nil); r.status != http.StatusForbidden || e != nil || !strings.Contains(r.body, "has been deleted") {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	n.mustFetch(s.PodToken(t, "shop", "web")) // of another pod
}

// With TokenReview the server notices by itself: at the next exchange, which for what an agent has is the renewal.
func TestAgentTokenReview(t *testing.T) {
	s, _ := shop(t)
	raw := s.PodToken(t, "shop", "web", day())
	kube := s.ReviewTokens(t)
	yes := podpasstest.Authenticated("shop", "web", "pods.eks.amazonaws.com")
	kube.Answer(http.StatusCreated, yes)
	n := newNode(t, s, s.Admin, impatient)
	n.mustFetch(raw)
	kube.Answer(http.StatusCreated, podpasstest.Gone)
	s.Clock.Advance(10 * time.Second) // past the answers the server holds
	before := s.Audit.Len()
	n.running()
	if e := n.refusedSoon(before, "InvalidTokenException"); !strings.Contains(e.Reason, "service account token has been invalidated") {
		t.Errorf("on record: %s", e.Reason)
	}
	if r := n.fetch(raw); r.status != http.StatusBadRequest || !strings.Contains(r.body, "no longer accepted by the cluster that issued it") {
		t.Errorf("%d %s", r.status, r.body)
	}
	s.Clock.Advance(10 * time.Second)
	fresh := newNode(t, s, s.Admin)
	if r, e := fresh.mustRefuse(raw, nil); r.status != http.StatusBadRequest || e == nil {
		t.Errorf("%d %s", r.status, r.body)
	}
	kube.Answer(http.StatusCreated, yes)
	s.Clock.Advance(10 * time.Second)
	newNode(t, s, s.Admin).mustFetch(raw)
}

// A token with no pod is one for clusters that are registered to allow it.
func TestAgentNoPod(t *testing.T) {
	s, _ := shop(t)
	n := newNode(t, s, s.Admin)
	raw := s.PodToken(t, "shop", "web", podpasstest.Pod("", ""))
	if r, e := n.mustRefuse(raw, nil); e == nil || e.Code != "InvalidTokenException" || !strings.Contains(r.body, "not bound to a pod") {
		t.Errorf("%d %s", r.status, r.body)
	}
	change(t, s, func(c *store.Cluster) { c.AllowNoPod = true })
	soon(t, 10*time.Second, "the cluster's word counts", func() bool { return n.fetch(raw).status == http.StatusOK })
	n.ForgetPod("") // which is nobody's uid
	n.mustFetch(raw)
}

// change writes the hosted cluster's record.
func change(t *testing.T, s *podpasstest.Server, write func(*store.Cluster)) {
	t.Helper()
	_, err := s.Store.Clusters.Update(t.Context(), podpasstest.Cluster, func(old *store.Cluster) (*store.Cluster, error) {
		c := *old
		write(&c)
		return &c, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A stolen token is worth nothing once its cluster is gone, at the thief's agent as little as at EKS Auth; what agents of the cluster have they
// forget within 10 s.
func TestAgentDeregisteredCluster(t *testing.T) {
	s, _ := shop(t)
	stolen := s.PodToken(t, "shop", "web")
	watching, alone := newNode(t, s, s.Admin).watching(), newNode(t, s, s.Admin, leftToEKSAuth)
	watching.mustFetch(stolen)
	keys := publishedKeys(t, s)
	if _, err := keys.Key(t.Context(), s.SigningKey(t).ID, "RS256"); err != nil {
		t.Fatal(err)
	}
	verifying := newNode(t, s, s.Admin, func(c *agent.Config) { c.Keys = keys }) // by keys that it got before
	if _, err := client(t, s).DeregisterCluster(t.Context(), podpasstest.Cluster); err != nil {
		t.Fatal(err)
	}
	for _, n := range []*node{alone, verifying} {
		if r, e := n.mustRefuse(stolen, nil); r.status != http.StatusNotFound || e == nil || !strings.Contains(e.Reason, "No cluster found") {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	soon(t, 10*time.Second, "the cluster's agent forgets", func() bool { return watching.fetch(stolen).status == http.StatusNotFound })
}
