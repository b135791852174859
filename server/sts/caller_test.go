package sts_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/podpasstest"
)

// random is text that doesn't compress, of n characters that tags may have.
func random(t *testing.T, n int) string {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("-", "=", "_", ".").Replace(base64.RawURLEncoding.EncodeToString(b)[:n])
}

const denyAll = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`

// GetCallerIdentity asks no policy, whoever calls and however it is signed.
func TestGetCallerIdentity(t *testing.T) {
	s := podpasstest.Start(t)
	ctx := context.Background()
	user := s.AddUser(t, podpasstest.Account, "alice", denyAll)
	role := s.AddRole(t, podpasstest.Role{Path: "/team/", Name: "reader", Trusts: []string{"shop/web"}, Policy: denyAll})
	session, err := s.STS(user).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	raw := s.Token(t, "shop", "web")
	assumed, err := s.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(role.ARN().String()), RoleSessionName: aws.String("web"), WebIdentityToken: &raw,
	})
	if err != nil {
		t.Fatal(err)
	}
	stored, _ := s.Store.Users.Get("111122223333/alice")
	for _, tc := range []struct {
		name        string
		credentials aws.Credentials
		arn, id     string
	}{
		{"user", user, "arn:aws:iam::111122223333:user/alice", stored.ID},
		{"session of a user", podpasstest.Issued(session.Credentials), "arn:aws:iam::111122223333:user/alice", stored.ID},
		{"session of a role", podpasstest.Issued(assumed.Credentials), "arn:aws:sts::111122223333:assumed-role/reader/web", role.ID + ":web"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, err := s.STS(tc.credentials).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			if err != nil {
				t.Fatal(err)
			}
			want := []string{tc.arn, tc.id, "111122223333"}
			diff(t, "identity", want, []string{aws.ToString(out.Arn), aws.ToString(out.UserId), aws.ToString(out.Account)})

			presigned, err := sts.NewPresignClient(s.STS(tc.credentials)).PresignGetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.Get(presigned.URL)
			if err != nil {
				t.Fatal(err)
			}
			body := readAll(t, resp)
			diff(t, "identity, presigned", want, []string{element(body, "Arn"), element(body, "UserId"), element(body, "Account")})
			diff(t, "caller in the audit event", tc.arn, s.Audit.Last(t).Caller)
		})
	}
	_, err = s.STS(aws.Credentials{}).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	diff(t, "unsigned", refusal{"MissingAuthenticationToken", 403, "Request is missing Authentication Token"}, refusalOf(t, err))
}

func TestGetSessionToken(t *testing.T) {
	s := podpasstest.Start(t)
	ctx := context.Background()
	user := s.AddUser(t, podpasstest.Account, "alice", "")
	for _, tc := range []struct {
		name string
		in   sts.GetSessionTokenInput
		want refusal
		last time.Duration
	}{
		{name: "twelve hours unless asked", last: 12 * time.Hour},
		{name: "36 hours", in: sts.GetSessionTokenInput{DurationSeconds: aws.Int32(129600)}, last: 36 * time.Hour},
		{name: "a quarter of an hour", in: sts.GetSessionTokenInput{DurationSeconds: aws.Int32(900)}, last: 15 * time.Minute},
		{
			name: "more than 36 hours", in: sts.GetSessionTokenInput{DurationSeconds: aws.Int32(129601)},
			want: validation("1 validation error detected: Value '129601' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 129600"),
		},
		{
			name: "a second factor", in: sts.GetSessionTokenInput{SerialNumber: aws.String("GAHT12345678"), TokenCode: aws.String("123456")},
			want: accessDenied("MultiFactorAuthentication failed with invalid MFA one time pass code."),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, err := s.STS(user).GetSessionToken(ctx, &tc.in)
			diff(t, "refusal", tc.want, refusalOf(t, err))
			if err != nil {
				return
			}
			if left := time.Until(aws.ToTime(out.Credentials.Expiration)); left > tc.last || left < tc.last-time.Minute {
				t.Errorf("the session lasts %v, want %v", left, tc.last)
			}
			e := s.Audit.Last(t)
			diff(t, "event", []string{"GetSessionToken", aws.ToString(out.Credentials.AccessKeyId)}, []string{e.Action, e.AccessKeyID})
		})
	}
	s.AddRole(t, podpasstest.Role{Name: "reader", Trusts: []string{"shop/web"}, Allows: []string{"*"}})
	_, err := s.WebIdentity(t, "reader", s.Token(t, "shop", "web")).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
	diff(t, "session of a role", accessDenied("Cannot call GetSessionToken with session credentials"), refusalOf(t, err))
}

// A user's session may assume roles, which is no chaining, and ask who it is; of STS, nothing else.
func TestUserSession(t *testing.T) {
	s := podpasstest.Start(t)
	ctx := context.Background()
	user := s.AddUser(t, podpasstest.Account, "alice", podpasstest.Allow("sts:*"))
	s.AddRole(t, podpasstest.Role{Name: "r", Trust: podpasstest.TrustAWS([]string{"111122223333"}), MaxSession: 7200})
	out, err := s.STS(user).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	client := s.STS(podpasstest.Issued(out.Credentials))
	_, err = client.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(podpasstest.RoleARN("r")), RoleSessionName: aws.String("s1"), DurationSeconds: aws.Int32(7200)})
	diff(t, "AssumeRole for two hours", refusal{}, refusalOf(t, err))
	_, err = client.GetSessionToken(ctx, &sts.GetSessionTokenInput{})
	diff(t, "GetSessionToken", accessDenied("Cannot call GetSessionToken with session credentials"), refusalOf(t, err))
	_, err = client.GetAccessKeyInfo(ctx, &sts.GetAccessKeyInfoInput{AccessKeyId: &user.AccessKeyID})
	diff(t, "GetAccessKeyInfo", "AccessDenied", refusalOf(t, err).Code)
}

func TestGetAccessKeyInfo(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddAccount(t, other)
	ctx := context.Background()
	foreign := s.AddUser(t, other, "bob", "")
	session, err := s.STS(foreign).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, key, account string
		want               refusal
	}{
		{name: "a key of this account", key: s.Admin.AccessKeyID, account: "111122223333"},
		{name: "a key of another account", key: foreign.AccessKeyID, account: string(other)},
		{name: "a session's key", key: aws.ToString(session.Credentials.AccessKeyId), account: string(other)},
		{name: "no key id", key: "ABCDABCDABCDABCDABCD", want: validation("ABCDABCDABCDABCDABCD is invalid")},
		{name: "a role's id", key: "AROAQAAAAAAAAAAAAAAAA", want: validation("AROAQAAAAAAAAAAAAAAAA is invalid")},
		{
			name: "too short", key: "AKIA",
			want: validation("1 validation error detected: Value 'AKIA' at 'accessKeyId' failed to satisfy constraint: Member must have length greater than or equal to 16"),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, err := s.STS(s.Admin).GetAccessKeyInfo(ctx, &sts.GetAccessKeyInfoInput{AccessKeyId: &tc.key})
			diff(t, "refusal", tc.want, refusalOf(t, err))
			if err == nil {
				diff(t, "account", tc.account, aws.ToString(out.Account))
			}
		})
	}
	nobody := s.AddUser(t, podpasstest.Account, "nobody", "")
	_, err = s.STS(nobody).GetAccessKeyInfo(ctx, &sts.GetAccessKeyInfoInput{AccessKeyId: &s.Admin.AccessKeyID})
	diff(t, "without permission", "AccessDenied", refusalOf(t, err).Code)
}
