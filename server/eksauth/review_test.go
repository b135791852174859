package eksauth_test

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/store"
)

// apiServer serves the hosted cluster's keys, and reviews its tokens as its status says.
type apiServer struct {
	review atomic.Value // status of the TokenReview
	asked  atomic.Int32
}

// start makes the hosted cluster one whose keys and reviews come from the API server.
func (a *apiServer) start(t *testing.T, s *podpasstest.Server) {
	t.Helper()
	hosted, _ := s.Store.Clusters.Get(podpasstest.Cluster)
	jwks, err := keys.HostedJWKS(hosted)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/openid/v1/jwks" {
			if _, err := w.Write(jwks); err != nil {
				t.Error(err)
			}
			return
		}
		a.asked.Add(1)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":%s}`, a.review.Load())
	}))
	t.Cleanup(server.Close)
	kubeconfig, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"contexts": []any{map[string]any{"name": "c", "context": map[string]any{"cluster": "c"}}},
		"clusters": []any{map[string]any{"name": "c", "cluster": map[string]any{
			"server": server.URL, "certificate-authority-data": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	changeCluster(t, s, func(_ *testing.T, _ *podpasstest.Server, c *store.Cluster) {
		c.Keys, c.SigningKeys, c.Kubeconfig, c.TokenReview = store.KeysAPIServer, nil, string(kubeconfig), true
	})
}

// A deleted pod's token gets nothing once its API server says so; and the API server isn't asked about tokens that are refused anyway.
func TestTokenReview(t *testing.T) {
	s := podpasstest.Start(t)
	s.Clock.Stop(time.Now())
	s.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust([3]string{"StringEquals", "aws:RequestTag/kubernetes-service-account", "web"})})
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "w*", Role: "reader"})
	good, untrustedPod, unassociated := s.PodToken(t, "shop", "web"), s.PodToken(t, "shop", "worker"), s.PodToken(t, "shop", "other")
	kube := &apiServer{}
	kube.start(t, s)
	const (
		yes  = `{"authenticated":true,"user":{"username":"system:serviceaccount:shop:web"},"audiences":["pods.eks.amazonaws.com"]}`
		gone = `{"error":"[invalid bearer token, service account token has been invalidated]"}`
	)
	for _, step := range []struct {
		name, token, review string
		want                refusal
		why                 string
		asked               int32
	}{
		{
			name: "not trusted", token: untrustedPod, review: yes, want: untrusted("the role's trust policy does not allow sts:AssumeRole"),
			why: `aws:RequestTag/kubernetes-service-account wants "web", the request has "worker"`,
		},
		{
			name: "not associated", token: unassociated, review: yes,
			want: refusal{404, "ResourceNotFoundException", "No association found for service account other in namespace shop of cluster local.", "no association names shop/other"},
		},
		{name: "pod there", token: good, review: yes, asked: 1},
		{
			name: "pod gone", token: good, review: gone, asked: 2, why: "service account token has been invalidated",
			want: invalidToken("The provided token is no longer accepted by the cluster that issued it.", "the cluster no longer stands by the token: its pod or service account is gone"),
		},
		{
			name: "no sense in the answer", token: good, review: `"x"`, asked: 3, why: "token review by cluster local",
			want: refusal{503, "ServiceUnavailableException", "The request has failed due to a temporary failure of the server.", "the cluster cannot be asked about the token at the moment"},
		},
		{name: "back again", token: good, review: yes, asked: 4},
	} {
		s.Clock.Advance(10 * time.Second) // past the answers held
		kube.review.Store(step.review)
		before := s.Audit.Len()
		_, err := s.PodIdentity(aws.Credentials{}, step.token)
		if step.want.Code != "" {
			refused(t, s, before, err, step.want, step.why, step.token)
		} else if err != nil {
			t.Errorf("%s: %v: %s", step.name, err, s.Audit.Last(t).Reason)
		}
		if got := kube.asked.Load(); got != step.asked {
			t.Errorf("%s: the API server was asked %d times, want %d", step.name, got, step.asked)
		}
	}
}
