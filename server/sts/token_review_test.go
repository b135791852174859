package sts_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/podpasstest"
)

func TestTokenReview(t *testing.T) {
	s := podpasstest.Start(t)
	s.Clock.Stop(time.Now())
	s.AddRole(t, podpasstest.Role{Name: "reader", Trusts: []string{"shop/web"}})
	good, other, expired := s.Token(t, "shop", "web"), s.Token(t, "shop", "other"), s.Token(t, "shop", "web", podpasstest.Lifetime(-time.Hour))
	kube := s.ReviewTokens(t)
	yes := podpasstest.Authenticated("shop", "web", "sts.amazonaws.com")
	for _, step := range []struct {
		name   string
		role   string // default reader
		token  string
		status int
		answer string
		want   refusal
		reason string
		asked  int
	}{
		// Nothing is dialled for what is refused anyway.
		{name: "expired", token: expired, want: refusal{Code: "ExpiredTokenException"}},
		{name: "tampered with", token: good[:len(good)-8] + "AAAAAAAA", want: refusal{Code: "InvalidIdentityToken"}},
		{name: "not trusted", token: other, want: refusal{Code: "AccessDenied"}},
		{name: "no such role", role: "writer", token: good, want: refusal{Code: "AccessDenied"}},

		{name: "pod there", token: good, status: 201, answer: yes, asked: 1},
		{
			name: "pod gone", token: good, status: 201, answer: podpasstest.Gone, asked: 2,
			want: invalidToken("The web identity token is no longer accepted by the cluster that issued it."), reason: "service account token has been invalidated",
		},
		{
			name: "API server failing", token: good, status: 500, answer: yes, asked: 3,
			want:   refusal{"IDPCommunicationError", 400, "The identity provider that was asked to verify the token could not be reached."},
			reason: "token review by cluster local",
		},
		{name: "back again", token: good, status: 201, answer: yes, asked: 4},
	} {
		s.Clock.Advance(10 * time.Second) // past the answers held
		kube.Answer(step.status, step.answer)
		role := step.role
		if role == "" {
			role = "reader"
		}
		before := s.Audit.Len()
		_, err := s.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(context.Background(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(podpasstest.RoleARN(role)), RoleSessionName: aws.String("web-1"), WebIdentityToken: &step.token,
		})
		got := refusalOf(t, err)
		if step.want.Message == "" {
			got = refusal{Code: got.Code}
		}
		diff(t, step.name, step.want, got)
		if err != nil {
			refusedEvent(t, s.Audit.Since(before), got.Code, step.reason, step.token)
		}
		if got := kube.Asked(); got != step.asked {
			t.Errorf("%s: the API server was asked %d times, want %d", step.name, got, step.asked)
		}
	}
}
