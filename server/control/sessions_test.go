package control_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/podpasstest"
)

// session exchanges a token of shop/web for the role's credentials.
func session(t *testing.T, s *podpasstest.Server, role string) aws.Credentials {
	t.Helper()
	ctx := context.Background()
	issued := must[*api.CreateTokenResult](t)(client(t, s, none).CreateToken(ctx, &api.CreateTokenRequest{ServiceAccountName: webOf("local"), Audience: "sts.amazonaws.com"}))
	out := must[*sts.AssumeRoleWithWebIdentityOutput](t)(s.STS(none).AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(podpasstest.RoleARN(role)), RoleSessionName: aws.String("web-1"), WebIdentityToken: &issued.Token,
	}))
	return podpasstest.Issued(out.Credentials)
}

func works(s *podpasstest.Server, c aws.Credentials) bool {
	_, err := s.STS(c).GetCallerIdentity(context.Background(), nil)
	return err == nil
}

func TestWhois(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	s.AddRole(t, podpasstest.Role{Name: "mine", Trusts: []string{"shop/web"}})
	c := session(t, s, "mine")
	got := must[*api.Whois](t)(admin.Whois(ctx, c.AccessKeyID))
	if got.Role != podpasstest.RoleARN("mine") || got.Namespace != "shop" || got.ServiceAccount != "web" || got.Cluster != "local" ||
		!strings.HasPrefix(got.Pod, "web-") || got.SessionName != "web-1" || got.Account != "111122223333" || got.Issued.IsZero() || got.Expires.IsZero() {
		t.Errorf("%+v", got)
	}
	if user := must[*api.Whois](t)(admin.Whois(ctx, s.Admin.AccessKeyID)); user.User != "arn:aws:iam::111122223333:user/admin" {
		t.Errorf("%+v", user)
	}
	_, err := admin.Whois(ctx, "ASIAQAAAAAAAAAAAAAAA")
	refused(t, err, api.CodeNotFound)
	_, err = admin.Whois(ctx, "short")
	refused(t, err, api.CodeValidation)
	// Asking does not make the asker the one a key was issued to.
	if again := must[*api.Whois](t)(admin.Whois(ctx, c.AccessKeyID)); again.RequestID != got.RequestID {
		t.Errorf("%+v", again)
	}
}

func TestRevokeOneSession(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "mine", Trusts: []string{"shop/web"}})
	first, second := session(t, s, "mine"), session(t, s, "mine")
	got := must[*api.RevokeResult](t)(client(t, s, none).Revoke(ctx, &api.RevokeRequest{AccessKeyID: first.AccessKeyID}))
	if got.SessionID == "" || got.Role != podpasstest.RoleARN("mine") {
		t.Errorf("%+v", got)
	}
	if works(s, first) || !works(s, second) {
		t.Errorf("revoked session works: %v; other session works: %v", works(s, first), works(s, second))
	}
}

func TestRevokeARolesSessions(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	s.AddRole(t, podpasstest.Role{Name: "mine", Trusts: []string{"shop/web"}})
	s.AddRole(t, podpasstest.Role{Name: "other", Trusts: []string{"shop/web"}})
	before, other := session(t, s, "mine"), session(t, s, "other")
	s.Clock.Advance(2 * time.Second)
	got := must[*api.RevokeResult](t)(admin.Revoke(ctx, &api.RevokeRequest{Role: "mine"}))
	s.Clock.Advance(2 * time.Second)
	after := session(t, s, "mine")
	if works(s, before) || !works(s, after) || !works(s, other) {
		t.Errorf("before %v, after %v, other role %v", works(s, before), works(s, after), works(s, other))
	}
	// The moment never moves back.
	again := must[*api.RevokeResult](t)(admin.Revoke(ctx, &api.RevokeRequest{Role: podpasstest.RoleARN("mine"), IssuedBefore: got.IssuedBefore.Add(-time.Hour)}))
	if !again.IssuedBefore.Equal(got.IssuedBefore) || works(s, before) {
		t.Errorf("revoked before %v, then before %v", got.IssuedBefore, again.IssuedBefore)
	}

	for what, c := range map[string]struct {
		code string
		in   api.RevokeRequest
	}{
		"nothing":         {api.CodeValidation, api.RevokeRequest{}},
		"both":            {api.CodeValidation, api.RevokeRequest{Role: "mine", AccessKeyID: after.AccessKeyID}},
		"future":          {api.CodeValidation, api.RevokeRequest{Role: "mine", IssuedBefore: s.Clock.Now().Add(time.Hour)}},
		"session moment":  {api.CodeValidation, api.RevokeRequest{AccessKeyID: after.AccessKeyID, IssuedBefore: s.Clock.Now()}},
		"unknown role":    {api.CodeNotFound, api.RevokeRequest{Role: "nobody"}},
		"wrong path":      {api.CodeNotFound, api.RevokeRequest{Role: podpasstest.RoleARN("team/mine")}},
		"unknown session": {api.CodeNotFound, api.RevokeRequest{AccessKeyID: "ASIAQAAAAAAAAAAAAAAA"}},
		"user's key":      {api.CodeNotFound, api.RevokeRequest{AccessKeyID: s.Admin.AccessKeyID}},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := admin.Revoke(ctx, &c.in)
			refused(t, err, c.code)
		})
	}
}

// Within one second, what was issued before a revocation ends and what is issued after it does not.
func TestRevocationWithinASecond(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "mine", Trusts: []string{"shop/web"}})
	s.Clock.Stop(time.Now().Truncate(time.Second).Add(200 * time.Millisecond))
	before := session(t, s, "mine")
	s.Clock.Advance(300 * time.Millisecond)
	must[*api.RevokeResult](t)(client(t, s, none).Revoke(t.Context(), &api.RevokeRequest{Role: "mine"}))
	same := session(t, s, "mine")
	s.Clock.Advance(300 * time.Millisecond)
	after := session(t, s, "mine")
	if works(s, before) || !works(s, same) || !works(s, after) {
		t.Errorf("issued before %v, at the moment of it %v, after %v", works(s, before), works(s, same), works(s, after))
	}
}

func TestRotateSessionKeys(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "mine", Trusts: []string{"shop/web"}})
	before := session(t, s, "mine")
	got := must[*api.RotateSessionKeysResult](t)(client(t, s, none).RotateSessionKeys(ctx))
	if len(got.KeyIDs) != 2 || got.Active != got.KeyIDs[1] {
		t.Errorf("%+v", got)
	}
	if !works(s, before) || !works(s, session(t, s, "mine")) {
		t.Error("a session stopped working")
	}
}

func TestRotateClusterKey(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	s.AddRole(t, podpasstest.Role{Name: "mine", Trusts: []string{"shop/web"}})
	got := must[*api.RotateClusterKeyResult](t)(admin.RotateClusterKey(ctx, "local"))
	c := must[*api.Cluster](t)(admin.DescribeCluster(ctx, "local"))
	if got.KeyID == got.Current || !slices.Equal(c.KeyIDs, []string{got.Current, got.KeyID}) || got.Signs.Sub(s.Clock.Now()) < 4*time.Minute {
		t.Errorf("%+v of %v", got, c.KeyIDs)
	}
	if again := must[*api.RotateClusterKeyResult](t)(admin.RotateClusterKey(ctx, "local")); again.KeyID != got.KeyID {
		t.Errorf("a second rotation began before the first was over: %+v", again)
	}
	if !works(s, session(t, s, "mine")) {
		t.Error("a session stopped working")
	}
	keys, _ := jwks(t)
	must[*api.RegisterClusterResult](t)(admin.RegisterCluster(ctx, &api.RegisterClusterRequest{Name: "c1", ClusterSpec: api.ClusterSpec{Issuer: "https://x", Keys: api.ClusterKeys{JWKS: keys}}}))
	_, err := admin.RotateClusterKey(ctx, "c1")
	refused(t, err, api.CodeValidation)
}
