package accounttest_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/account/accounttest"
	"github.com/podpass/podpass/podpasstest"
)

// Every verdict, as a client that tries once meets it, and whether the call was carried out.
func TestVerdicts(t *testing.T) {
	for verdict, c := range map[accounttest.Verdict]struct {
		done    bool
		refused string // code, "" is no answer
		answer  string // on record
	}{
		accounttest.Pass:      {true, "", "200"},
		accounttest.Denied:    {false, "AccessDenied", "AccessDenied"},
		accounttest.Throttled: {false, "Throttling", "Throttling"},
		accounttest.Failed:    {false, "InternalFailure", "InternalFailure"},
		accounttest.CutBefore: {false, "", "cut before"},
		accounttest.CutAfter:  {true, "", "cut after"},
		accounttest.Garbage:   {false, "", "garbage"},
		accounttest.Hung:      {false, "", "hung"},
	} {
		t.Run(verdict.String(), func(t *testing.T) {
			s, done := accounttest.Start(t), false
			s.On("iam", "DeleteRole", func(*accounttest.Call) (accounttest.Values, error) {
				done = true
				return nil, nil
			})
			s.OnCall(func(*accounttest.Call) accounttest.Verdict { return verdict })
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if verdict == accounttest.Hung {
				time.AfterFunc(100*time.Millisecond, cancel)
			}
			defer cancel()
			_, err := iam.NewFromConfig(once(s)).DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("web")})
			if (err == nil) != (verdict == accounttest.Pass || verdict == accounttest.Garbage) {
				t.Errorf("the client has %v", err)
			}
			if c.refused != "" && !account.Refused(err, c.refused) {
				t.Errorf("the client has %v, want %s", err, c.refused)
			}
			// The fake learns that a client went away a moment after the client knows.
			for range 100 {
				if s.Calls()[0].Answer != "" {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			calls := s.Calls()
			if done != c.done || len(calls) != 1 || calls[0].Answer != c.answer {
				t.Errorf("done is %v, on record is %+v", done, calls)
			}
		})
	}
}

// A cut is one call: net/http does not repeat a read on its own, the SDK does, and is told apart by what is on record.
func TestCutRead(t *testing.T) {
	s := accounttest.Start(t)
	s.ServeClusters(accounttest.Cluster{Name: "shop"})
	a := connect(t, s, account.Options{})
	cuts := 1
	s.OnCall(func(c *accounttest.Call) accounttest.Verdict {
		if c.Service != "eks" || cuts == 0 {
			return accounttest.Pass
		}
		cuts--
		return accounttest.CutBefore
	})
	if _, err := a.Clusters().Describe(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if calls := s.Calls("eks"); len(calls) != 2 || calls[0].Answer != "cut before" || calls[1].Answer != "200" {
		t.Errorf("on record is %+v", calls)
	}
}

// A run of changes can be stopped at each of its steps: what comes before is done, what comes after is not.
func TestDeniedFromStep(t *testing.T) {
	steps := []string{"CreateRole", "TagRole", "PutRolePolicy", "UpdateAssumeRolePolicy"}
	for stop := range len(steps) + 1 {
		authority := podpasstest.Start(t)
		s := accounttest.Start(t, accounttest.Behind(authority.Handler), accounttest.As(authority.Admin))
		a := connect(t, s, account.Options{})
		changes := 0
		s.OnCall(func(c *accounttest.Call) accounttest.Verdict {
			if c.Mutates() {
				changes++
			}
			if c.Mutates() && changes > stop {
				return accounttest.Denied
			}
			return accounttest.Pass
		})
		trust := podpasstest.TrustAWS([]string{string(podpasstest.Account)}, "sts:AssumeRole")
		roles := a.Roles()
		_, err := roles.Create(t.Context(), account.NewRole{Name: "web", Trust: trust})
		if err == nil {
			err = roles.Tag(t.Context(), "web", map[string]string{"a": "b"})
		}
		if err == nil {
			err = a.Policies().Put(t.Context(), "web", "p", podpasstest.Allow("s3:GetObject"))
		}
		if err == nil {
			err = roles.EditTrust(t.Context(), "web", func(string) (string, error) { return podpasstest.PodIdentityTrust(), nil })
		}
		if account.Denied(err) != (stop < len(steps)) {
			t.Errorf("stopped at %d: %v", stop, err)
		}
		var done []string
		for _, c := range s.Calls("iam") {
			if c.Mutates() && c.Answer == "200" {
				done = append(done, c.Operation)
			}
		}
		if !slices.Equal(done, steps[:stop]) {
			t.Errorf("stopped at %d, done is %q", stop, done)
		}
		role, err := roles.Get(t.Context(), "web")
		if err != nil || (role != nil) != (stop > 0) || role != nil && (role.Tags["a"] == "b") != (stop > 1) {
			t.Errorf("stopped at %d, the role is %+v, %v", stop, role, err)
		}
	}
}

// In front of a podpass server, the fake answers what is its own and leaves the rest, signatures with it.
func TestBehind(t *testing.T) {
	authority := podpasstest.Start(t)
	for name, behind := range map[string]accounttest.Option{"handler": accounttest.Behind(authority.Handler), "address": accounttest.BehindURL(authority.URL)} {
		t.Run(name, func(t *testing.T) {
			s := accounttest.Start(t, behind, accounttest.As(authority.Admin))
			s.Serve(network)
			s.ServeClusters(accounttest.Cluster{Name: podpasstest.Cluster, Issuer: authority.Issuer, Version: "1.32"})
			a := connect(t, s, account.Options{})
			if a.ID != podpasstest.Account || a.Caller == accounttest.Caller {
				t.Errorf("the caller is %s", a.Caller)
			}
			if found, err := a.Clusters().Find(t.Context(), "", authority.Issuer); err != nil || found.Version != "1.32" {
				t.Errorf("the cluster is %+v, %v", found, err)
			}
			if ids, err := a.Associations().IDs(t.Context(), podpasstest.Cluster); err != nil || len(ids) != 0 {
				t.Errorf("its associations are %v, %v", ids, err)
			}
			if _, err := a.Network().Region(t.Context(), "us-west-2"); err != nil {
				t.Error(err)
			}
			s.On("iam", "GetRole", func(*accounttest.Call) (accounttest.Values, error) { return nil, accounttest.ErrBehind })
			if role, err := a.Roles().Get(t.Context(), "none"); role != nil || err != nil {
				t.Errorf("the role is %v, %v", role, err)
			}
			if calls := s.Calls("iam"); calls[0].Answer != "NoSuchEntity" {
				t.Errorf("on record is %+v", calls)
			}
			wrong := s.Config()
			wrong.Credentials = podpasstest.As(aws.Credentials{AccessKeyID: authority.Admin.AccessKeyID, SecretAccessKey: "wrong"})
			if _, err := sts.NewFromConfig(wrong).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); !account.Refused(err, "SignatureDoesNotMatch") {
				t.Errorf("with a wrong key: %v", err)
			}
			// What is no call goes through as well.
			issuer := strings.Replace(authority.Issuer, authority.URL, s.URL, 1)
			if status, _, _ := send(t, http.MethodGet, issuer+"/.well-known/openid-configuration", "", nil); status != http.StatusOK {
				t.Errorf("the server behind says %d", status)
			}
		})
	}
}

// Nothing that is no call is answered, and a test that programs what AWS does not have ends.
func TestNoCall(t *testing.T) {
	w := &fatal{TB: t}
	s := accounttest.Start(w)
	if status, _, _ := send(t, http.MethodGet, s.URL+"/.well-known/openid-configuration", "", nil); status != http.StatusNotFound || len(s.Calls()) != 0 {
		t.Errorf("answered %d, on record is %v", status, s.Calls())
	}
	for service, operation := range map[string]string{"ec2": "DescribeClouds", "s3": "GetObject"} {
		if !errors.Is(w.caught(func() { s.On(service, operation, nil) }), errEnded) {
			t.Errorf("%s has %s", service, operation)
		}
	}
}

var errEnded = errors.New("the test ended")

// fatal is a test whose end is what is tested.
type fatal struct{ testing.TB }

func (f *fatal) Fatalf(string, ...any) { panic(errEnded) }

func (f *fatal) caught(what func()) (err error) {
	defer func() { err, _ = recover().(error) }()
	what()
	return nil
}
