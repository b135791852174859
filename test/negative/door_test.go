package negative

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/podpass/podpass/podpasstest"
)

// door is a way from a token to credentials. Every bad token is tried at each of them, made out to its audience: what is wrong with the token must
// be all that is wrong.
type door struct {
	audience, otherAudience string
	request                 func(w *world, raw string) *http.Request
	codes                   map[string]string // the door's names for STS's codes; the same where absent
}

var (
	atSTS = door{
		audience: "sts.amazonaws.com", otherAudience: "pods.eks.amazonaws.com",
		request: func(w *world, raw string) *http.Request { return w.exchange(raw) },
	}
	// EKS Auth takes the pod's token from an agent, who signs.
	atEKSAuth = door{
		audience: "pods.eks.amazonaws.com", otherAudience: "sts.amazonaws.com",
		request: func(w *world, raw string) *http.Request { return w.podIdentity(raw) },
		codes:   map[string]string{"InvalidIdentityToken": "InvalidTokenException", "AccessDenied": "InvalidTokenException", "ValidationError": "InvalidTokenException"},
	}
)

// at is the world seen from another door.
func (w *world) at(d door) *world {
	there := *w
	there.door = d
	return &there
}

// why is part of the reason on record, by door.
func (w *world) why(sts, eksAuth string) string {
	if w.door.codes != nil {
		return eksAuth
	}
	return sts
}

// addPodIdentity associates shop/web with a role of its own, and makes an agent.
func (w *world) addPodIdentity(t *testing.T) {
	t.Helper()
	w.AddRole(t, podpasstest.Role{Name: "pod", Trust: podpasstest.PodIdentityTrust(), Allows: []string{"s3:*"}})
	w.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "pod"})
	w.agent = w.AddUser(t, podpasstest.Account, "agent", podpasstest.Allow("eks-auth:AssumeRoleForPodIdentity"))
}

// podIdentity is AssumeRoleForPodIdentity for the hosted cluster, signed by the agent unless bent.
func (w *world) podIdentity(raw string, bends ...bend) *http.Request {
	return w.podIdentityOf(podpasstest.Cluster, raw, bends...)
}

func (w *world) podIdentityOf(cluster, raw string, bends ...bend) *http.Request {
	body, err := json.Marshal(map[string]string{"token": raw})
	if err != nil {
		panic(err) // a string is JSON
	}
	s := signing{credentials: w.agent, service: "eks-auth", region: podpasstest.Region, at: w.now}
	for _, b := range bends {
		b(&s)
	}
	r, err := http.NewRequest(http.MethodPost, w.URL+"/clusters/"+cluster+"/assume-role-for-pod-identity", strings.NewReader(string(body)))
	if err != nil {
		panic(err) // the URL is the authority's
	}
	r.Header.Set("Content-Type", "application/json")
	if s.before != nil {
		s.before(r)
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), s.credentials, r, hex.EncodeToString(sum[:]), s.service, s.region, s.at); err != nil {
		panic(err) // static credentials sign
	}
	if s.after != nil {
		s.after(r)
	}
	return r
}
