package eksauth_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/podpass/podpass/podpasstest"
)

// A deleted pod's token gets nothing once its API server says so; and the API server isn't asked about tokens that are refused anyway.
func TestTokenReview(t *testing.T) {
	s := podpasstest.Start(t)
	s.Clock.Stop(time.Now())
	s.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust([3]string{"StringEquals", "aws:RequestTag/kubernetes-service-account", "web"})})
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "w*", Role: "reader"})
	good, untrustedPod, unassociated := s.PodToken(t, "shop", "web"), s.PodToken(t, "shop", "worker"), s.PodToken(t, "shop", "other")
	kube := s.ReviewTokens(t)
	yes := podpasstest.Authenticated("shop", "web", "pods.eks.amazonaws.com")
	for _, step := range []struct {
		name, token, review string
		want                refusal
		why                 string
		asked               int
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
			name: "pod gone", token: good, review: podpasstest.Gone, asked: 2, why: "service account token has been invalidated",
			want: invalidToken("The provided token is no longer accepted by the cluster that issued it.", "the cluster no longer stands by the token: its pod or service account is gone"),
		},
		{
			name: "no sense in the answer", token: good, review: `"x"`, asked: 3, why: "token review by cluster local",
			want: refusal{503, "ServiceUnavailableException", "The request has failed due to a temporary failure of the server.", "the cluster cannot be asked about the token at the moment"},
		},
		{name: "back again", token: good, review: yes, asked: 4},
	} {
		s.Clock.Advance(10 * time.Second) // past the answers held
		kube.Answer(http.StatusCreated, step.review)
		before := s.Audit.Len()
		_, err := s.PodIdentity(aws.Credentials{}, step.token)
		if step.want.Code != "" {
			refused(t, s, before, err, step.want, step.why, step.token)
		} else if err != nil {
			t.Errorf("%s: %v: %s", step.name, err, s.Audit.Last(t).Reason)
		}
		if got := kube.Asked(); got != step.asked {
			t.Errorf("%s: the API server was asked %d times, want %d", step.name, got, step.asked)
		}
	}
}
