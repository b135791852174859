package negative

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/store"
)

// podIdentities: good tokens of pods that EKS Auth has nothing for, tokens it alone looks at twice, and callers who may not ask.
func podIdentities(t *testing.T, w *world) []probe {
	w = w.at(atEKSAuth)
	c := w.claims()
	good := w.sign(c)
	kubernetes := func(claim string) string { return w.sign(c.with("kubernetes.io", claim)) }
	of := func(sa string) string {
		return w.sign(c.with("sub", `"system:serviceaccount:shop:`+sa+`"`).
			with("kubernetes.io", `{"namespace":"shop","pod":{"name":"x-1","uid":"32b2260f"},"serviceaccount":{"name":"`+sa+`","uid":"1d73a72f"}}`))
	}
	neighbours := jws(w.neighbourKey, w.header().with("kid", strconv.Quote(w.neighbourKey.ID)).String(), c.with("iss", strconv.Quote(w.issuer)).String())

	w.AddRole(t, podpasstest.Role{Name: "turncoat", Trust: podpasstest.PodIdentityTrust()})
	w.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "trusting", Role: "turncoat"})
	w.AddRole(t, podpasstest.Role{Name: "turncoat", Trusts: []string{"shop/web"}}) // and trusts Pod Identity no more
	w.AddRole(t, podpasstest.Role{Name: "untagged", Trust: strings.Replace(podpasstest.PodIdentityTrust(), `,"sts:TagSession"`, "", 1)})
	w.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "untagged", Role: "untagged"})
	w.DeleteAssociation(t, w.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "forgotten", Role: "pod"}))
	w.AddAccount(t, "999988887777")
	stranger := w.AddUser(t, "999988887777", "agent", podpasstest.Allow("eks-auth:*"))

	ask := func(name string, status int, code, why string, r *http.Request, raw string) probe {
		return probe{name: name, request: r, code: code, status: status, why: why, secrets: append(secretsOf(raw), w.agent.SecretAccessKey)}
	}
	const (
		invalid, denied, missing = "InvalidTokenException", "AccessDeniedException", "ResourceNotFoundException"
		bad, notFound            = http.StatusBadRequest, http.StatusNotFound
	)
	token := func(name, code, why, raw string) probe {
		status := bad
		if code == missing {
			status = notFound
		}
		return ask(name, status, code, why, w.podIdentity(raw), raw)
	}
	return []probe{
		token("empty", "InvalidParameterException", "must not be empty", ""),
		token("no pod", invalid, "the token is bound to no pod", kubernetes(`{"namespace":"shop","serviceaccount":{"name":"web","uid":"1d73a72f"}}`)),
		token("a pod without a uid", invalid, "without its uid", kubernetes(`{"namespace":"shop","pod":{"name":"x"},"serviceaccount":{"name":"web"}}`)),
		token("a pod with a slash", invalid, "which is none", kubernetes(`{"namespace":"shop","pod":{"name":"a/b","uid":"1"},"serviceaccount":{"name":"web"}}`)),
		token("a pod's name beyond 253 characters", invalid, "which is none", kubernetes(`{"namespace":"shop","pod":{"name":"`+strings.Repeat("a", 254)+`","uid":"1"},"serviceaccount":{"name":"web"}}`)),
		token("no kubernetes.io claim", invalid, "its kubernetes.io claim says", w.sign(c.without("kubernetes.io"))),
		token("kubernetes.io claim of another namespace", invalid, `claim says "bank/web"`, kubernetes(`{"namespace":"bank","pod":{"name":"x","uid":"1"},"serviceaccount":{"name":"web"}}`)),
		token("kubernetes.io claim of another account", invalid, `claim says "shop/admin"`, kubernetes(`{"namespace":"shop","pod":{"name":"x","uid":"1"},"serviceaccount":{"name":"admin"}}`)),
		token("subject that is no service account", invalid, "is not system:serviceaccount:", w.sign(c.with("sub", `"system:node:n1"`))),
		token("a neighbour's token", invalid, "says it is of issuer", neighbours),
		token("nobody's service account", missing, "No association found", of("nobody")),
		token("a deleted association's", missing, "No association found", of("forgotten")),
		token("role that trusts no more", denied, "sts:AssumeRole: no resource-based policy allows", of("trusting")),
		token("role that lets no tags in", denied, "sts:TagSession: no resource-based policy allows", of("untagged")),
		ask("another cluster for the token", bad, invalid, "says it is of issuer", w.podIdentityOf("neighbour", good), good),
		ask("a cluster that isn't there", notFound, missing, "No cluster found", w.podIdentityOf("nowhere", good), good),
		ask("a cluster in capitals", notFound, missing, "No cluster found", w.podIdentityOf("LOCAL", good), good),
		ask("a cluster's name escaped out of its path", bad, "InvalidParameterException", "cluster name", w.podIdentityOf("x%2F..%2Flocal", good), good),
		ask("caller who may not", http.StatusForbidden, denied, "no identity-based policy allows", w.podIdentity(good, as(w.alice)), good),
		ask("caller of another account", notFound, missing, "No cluster found", w.podIdentity(good, as(stranger)), good),
		ask("signed for STS", http.StatusForbidden, "InvalidSignatureException", "service", w.podIdentity(good, scoped("sts", podpasstest.Region)), good),
		ask("signed for EKS", http.StatusForbidden, "InvalidSignatureException", "service", w.podIdentity(good, scoped("eks", podpasstest.Region)), good),
		ask("signed five minutes and a second ago", http.StatusForbidden, "InvalidSignatureException", "Signature expired", w.podIdentity(good, at(w.now.Add(-5*time.Minute-time.Second))), good),
		ask("unsigned", http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token", w.podIdentity(good, after(func(r *http.Request) { r.Header.Del("Authorization") })), good),
		ask("the pod's token in place of a signature", http.StatusForbidden, "IncompleteSignatureException", "Authorization header requires", w.podIdentity(good, after(header("Authorization", good))), good),
		ask("as a form", http.StatusUnsupportedMediaType, "UnsupportedMediaTypeException", "Content-Type", w.podIdentity(good, before(header("Content-Type", "application/x-www-form-urlencoded"))), good),
	}
}

// A role that a hidden write took out of the cluster's account lets nobody in: its trust policy names a service that asks for every cluster.
func TestRoleOfAnotherAccount(t *testing.T) {
	w := newWorld(t)
	w.AddAccount(t, "999988887777")
	w.AddRole(t, podpasstest.Role{Account: "999988887777", Name: "pod", Trust: podpasstest.PodIdentityTrust()})
	_, err := w.Store.Associations.Update(context.Background(), store.AssociationKey(podpasstest.Cluster, "shop", "web"), func(old *store.Association) (*store.Association, error) {
		a := *old
		a.RoleARN = "arn:aws:iam::999988887777:role/pod"
		return &a, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	there := w.at(atEKSAuth)
	raw := there.sign(there.claims())
	w.refused(t, probe{
		request: w.podIdentity(raw), code: "AccessDeniedException", status: http.StatusBadRequest, why: "is not of account 111122223333", secrets: secretsOf(raw),
	})
}
