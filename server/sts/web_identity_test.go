package sts_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/token"
)

const other = identity.Account("444455556666")

func TestAssumeRoleWithWebIdentity(t *testing.T) {
	s := podpasstest.Start(t)
	role := s.AddRole(t, podpasstest.Role{Path: "/team/", Name: "reader", Trusts: []string{"shop/web"}})
	claims := s.Claims("shop", "web")
	raw, err := s.SigningKey(t).Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	before := s.Audit.Len()
	out, err := s.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(context.Background(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(podpasstest.RoleARN("team/reader")), RoleSessionName: aws.String("web-1"), WebIdentityToken: aws.String(raw),
	})
	if err != nil {
		t.Fatal(err)
	}
	arn := "arn:aws:sts::111122223333:assumed-role/reader/web-1"
	diff(t, "assumed role", arn, aws.ToString(out.AssumedRoleUser.Arn))
	diff(t, "assumed role id", role.ID+":web-1", aws.ToString(out.AssumedRoleUser.AssumedRoleId))
	diff(t, "provider", s.ProviderARN(), aws.ToString(out.Provider))
	diff(t, "audience", "sts.amazonaws.com", aws.ToString(out.Audience))
	diff(t, "subject", "system:serviceaccount:shop:web", aws.ToString(out.SubjectFromWebIdentityToken))
	if packed(out) != nil || out.SourceIdentity != nil {
		t.Errorf("PackedPolicySize %v and SourceIdentity %v are there although nothing was passed", packed(out), out.SourceIdentity)
	}
	size := len(aws.ToString(out.Credentials.SessionToken))
	if int(aws.ToInt32(out.SessionTokenSize)) != size || aws.ToInt32(out.SessionTokenUtilization) < 1 {
		t.Errorf("token of %d bytes is told as %d, %d %%", size, aws.ToInt32(out.SessionTokenSize), aws.ToInt32(out.SessionTokenUtilization))
	}
	left := time.Until(aws.ToTime(out.Credentials.Expiration))
	if left > time.Hour || left < time.Hour-time.Minute {
		t.Errorf("the session lasts %v, want the default of an hour", left)
	}
	diff(t, "caller identity", arn, identityOf(t, s, out.Credentials))

	events := s.Audit.Since(before)
	if len(events) != 2 {
		t.Fatalf("%d audit events, want one an exchange and one a GetCallerIdentity", len(events))
	}
	e := events[0]
	if len(e.SessionID) != 32 || e.Time.IsZero() || e.RequestID == "" || e.UserAgent == "" || e.SourceIP != "127.0.0.1" {
		t.Errorf("the event lacks session id, time, request id, agent or address: %+v", e)
	}
	diff(t, "audit event", audit.Event{
		Time: e.Time, RequestID: e.RequestID, SourceIP: e.SourceIP, UserAgent: e.UserAgent, SessionID: e.SessionID,
		Service: "sts", Action: "AssumeRoleWithWebIdentity", Outcome: audit.Allowed,
		Account: "111122223333", Cluster: podpasstest.Cluster, Issuer: s.Issuer, Subject: "system:serviceaccount:shop:web",
		Namespace: "shop", ServiceAccount: "web", Pod: "web-x7k2p", PodUID: claims.Kubernetes.PodUID,
		TokenHash: token.Hash(raw), Role: podpasstest.RoleARN("team/reader"), SessionName: "web-1",
		Statement:   "trust policy of " + podpasstest.RoleARN("team/reader") + ", statement 1",
		AccessKeyID: aws.ToString(out.Credentials.AccessKeyId), Expires: aws.ToTime(out.Credentials.Expiration),
	}, e)
}

// What a token is refused for, in the order in which it is found out.
func TestWebIdentityRefusals(t *testing.T) {
	s := podpasstest.Start(t)
	s.Clock.Stop(time.Now().Truncate(time.Second))
	s.AddAccount(t, other)
	s.AddRole(t, podpasstest.Role{Name: "reader", Trusts: []string{"shop/web"}})
	s.AddRole(t, podpasstest.Role{Path: "/team/", Name: "deep", Trusts: []string{"shop/web"}})
	s.AddRole(t, podpasstest.Role{Account: other, Name: "reader", Trust: strings.ReplaceAll(s.Trust("shop/web"), "111122223333", string(other))})

	const noKey = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
	strangers := "https://stranger.example"
	s.AddProvider(t, podpasstest.Account, strangers, "sts.amazonaws.com")
	good := s.Token(t, "shop", "web")
	now := s.Clock.Now()
	expired := s.Token(t, "shop", "web", func(c *token.Claims) { c.Expiry = now.Add(-token.Leeway) })
	foreign, err := token.NewSigningKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	forged := func(options ...podpasstest.TokenOption) string {
		raw, err := foreign.Sign(s.Claims("shop", "web", options...))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	impostor := *foreign
	impostor.ID = s.SigningKey(t).ID
	underOurKeyID, err := impostor.Sign(s.Claims("shop", "web", podpasstest.Audience("wrong"), podpasstest.Lifetime(-time.Hour)))
	if err != nil {
		t.Fatal(err)
	}

	for _, tc := range []struct {
		name   string
		role   string // default reader
		token  string
		want   refusal
		reason string
	}{
		{name: "not a token", token: "abcd", want: invalidToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"), reason: ""},
		{
			name: "role is no ARN", role: "arn:aws:iam::111122223333:user/reader", token: good,
			want: validation("arn:aws:iam::111122223333:user/reader is invalid"),
		},
		{
			name: "no provider for the issuer", token: s.Token(t, "shop", "web", func(c *token.Claims) { c.Issuer = "https://unknown.example" }),
			want: invalidToken("No OpenIDConnect provider found in your account for https://unknown.example"), reason: "has no provider",
		},
		{
			name: "the issuer with a slash behind", token: s.Token(t, "shop", "web", func(c *token.Claims) { c.Issuer += "/" }),
			want: invalidToken("No OpenIDConnect provider found in your account for " + s.Issuer + "/"),
		},
		{
			name: "the issuer by another scheme", token: s.Token(t, "shop", "web", func(c *token.Claims) { c.Issuer = strings.Replace(c.Issuer, "http:", "https:", 1) }),
			want: invalidToken("No OpenIDConnect provider found in your account for " + strings.Replace(s.Issuer, "http:", "https:", 1)),
		},
		{
			name: "the provider is another account's", role: "arn:aws:iam::444455556666:role/reader", token: good,
			want: invalidToken("No OpenIDConnect provider found in your account for " + s.Issuer),
		},
		{
			name: "an account hosted nowhere", role: "arn:aws:iam::999999999999:role/reader", token: good,
			want: invalidToken("No OpenIDConnect provider found in your account for " + s.Issuer),
		},
		{
			name: "an account of another partition", role: "arn:aws-cn:iam::111122223333:role/reader", token: good,
			want: invalidToken("No OpenIDConnect provider found in your account for " + s.Issuer),
		},
		{
			name: "a provider whose keys nobody has", token: s.Token(t, "shop", "web", func(c *token.Claims) { c.Issuer = strangers }),
			want: invalidToken(noKey), reason: "discovery",
		},
		{name: "signed by a key the issuer doesn't have", token: forged(), want: invalidToken(noKey)},
		{
			name: "signed by another key under a known key id; audience and times are not looked at", token: underOurKeyID,
			want: invalidToken("The web identity token's signature is not valid."), reason: "signature",
		},
		{
			name: "expired", token: expired,
			want: refusal{"ExpiredTokenException", 400, fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), now.Add(-token.Leeway).Unix())},
		},
		{
			name: "not yet valid", token: s.Token(t, "shop", "web", func(c *token.Claims) { c.NotBefore = now.Add(token.Leeway + time.Second) }),
			want: invalidToken(fmt.Sprintf("Token not yet valid: current date/time %d must not be before the not-before date/time %d", now.Unix(), now.Add(token.Leeway+time.Second).Unix())),
		},
		{name: "for another audience", token: s.Token(t, "shop", "web", podpasstest.Audience("vault")), want: invalidToken("Incorrect token audience"), reason: "the token is for vault"},
		{name: "another subject", token: s.Token(t, "shop", "other"), want: notAuthorised(), reason: "sub"},
		{name: "another namespace", token: s.Token(t, "shop2", "web"), want: notAuthorised()},
		{name: "no such role", role: podpasstest.RoleARN("nobody"), token: good, want: notAuthorised(), reason: "there is no role"},
		{name: "role without its path", role: podpasstest.RoleARN("deep"), token: good, want: notAuthorised(), reason: "there is no role"},
		{name: "role in other letters", role: podpasstest.RoleARN("READER"), token: good, want: notAuthorised(), reason: "there is no role"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.role == "" {
				tc.role = podpasstest.RoleARN("reader")
			}
			before := s.Audit.Len()
			_, err := s.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(context.Background(), &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: &tc.role, RoleSessionName: aws.String("x1"), WebIdentityToken: &tc.token,
			})
			diff(t, "refusal", tc.want, refusalOf(t, err))
			refusedEvent(t, s.Audit.Since(before), tc.want.Code, tc.reason, tc.token)
		})
	}
}
