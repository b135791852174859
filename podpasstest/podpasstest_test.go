package podpasstest_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/server"
)

// The kit's own promise, as its package comment makes it: a pod's token becomes a role's identity, and the administrator administers.
func TestAuthority(t *testing.T) {
	authority := podpasstest.Start(t)
	authority.AddRole(t, podpasstest.Role{Name: "reader", Trusts: []string{"shop/web"}})
	client := authority.WebIdentity(t, "reader", authority.Token(t, "shop", "web"))
	who, err := client.GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	session := authority.Audit.Last(t).Caller
	if got := aws.ToString(who.Arn); got != session {
		t.Errorf("the caller is %s, on record as %s", got, session)
	}
	role, err := authority.IAM(aws.Credentials{}).GetRole(context.Background(), &iam.GetRoleInput{RoleName: aws.String("reader")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := aws.ToString(role.Role.Arn), podpasstest.RoleARN("reader"); got != want {
		t.Errorf("the role is %s, want %s", got, want)
	}
	authority.DeleteRole(t, podpasstest.Account, "reader")
	if _, err := client.GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{}); err == nil {
		t.Error("a session outlives its role")
	}
}

// Two authorities run side by side, and an option reaches the server.
func TestOptions(t *testing.T) {
	a := podpasstest.Start(t)
	b := podpasstest.Start(t, func(c *server.Config) { c.HostedCluster = "other" })
	if a.URL == b.URL || a.Issuer == b.Issuer {
		t.Errorf("two authorities share %s or %s", a.URL, a.Issuer)
	}
}

func TestClock(t *testing.T) {
	var c podpasstest.Clock
	if d := time.Until(c.Now()); d < -time.Minute || d > time.Minute {
		t.Errorf("a clock nobody moved is off by %v", d)
	}
	c.Advance(time.Hour)
	if d := time.Until(c.Now()); d < 59*time.Minute {
		t.Errorf("an hour ahead it is %v ahead", d)
	}
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	c.Stop(noon)
	c.Advance(time.Minute)
	if got := c.Now(); !got.Equal(noon.Add(time.Minute)) {
		t.Errorf("stopped at noon and put forward a minute it says %v", got)
	}
	c.Reset()
	if d := time.Until(c.Now()); d < -time.Minute || d > time.Minute {
		t.Errorf("a clock that was reset is off by %v", d)
	}
}
