package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/podpasstest"
)

// client calls the authority with credentials; the administrator's where they are the zero value.
func client(t testing.TB, s *podpasstest.Server, c aws.Credentials) *api.Client {
	t.Helper()
	if c.AccessKeyID == "" {
		c = s.Admin
	}
	out, err := api.New(api.Config{Endpoint: s.URL, Region: podpasstest.Region, Credentials: podpasstest.As(c)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// key makes an access key the SDK's own.
func key(k api.AccessKey) aws.Credentials {
	return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey}
}

// limited is a user with one inline policy.
func limited(t *testing.T, s *podpasstest.Server, document string) aws.Credentials {
	t.Helper()
	return s.AddUser(t, podpasstest.Account, "limited", document)
}

// refused fails the test unless err is the refusal with this code, and returns its message.
func refused(t *testing.T, err error, code string) string {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if e.Code != code || e.RequestID == "" || e.Message == "" {
		t.Fatalf("got %d %s %q (request %q), want %s", e.Status, e.Code, e.Message, e.RequestID, code)
	}
	return e.Message
}

// event is the one audit event recorded since n; the test fails if there is not exactly one.
func event(t *testing.T, s *podpasstest.Server, n int) audit.Event {
	t.Helper()
	since := s.Audit.Since(n)
	if len(since) != 1 {
		t.Fatalf("%d audit events, want exactly one: %+v", len(since), since)
	}
	if since[0].Service != "podpass" || since[0].RequestID == "" {
		t.Errorf("event %+v", since[0])
	}
	return since[0]
}

// recorded is every audit event as the audit file would have it.
func recorded(t *testing.T, s *podpasstest.Server) string {
	t.Helper()
	return string(must[[]byte](t)(json.Marshal(s.Audit.Events())))
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func fixture(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryCallIsSigned(t *testing.T) {
	s := podpasstest.Start(t)
	for _, path := range []string{"clusters", "accounts", "whois/ASIAQAAAAAAAAAAAAAAA", "clusters/local/namespaces/shop/serviceaccounts/web"} {
		n := s.Audit.Len()
		res, err := http.Get(s.URL + api.Prefix + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusForbidden || res.Header.Get("X-Amzn-Errortype") != "MissingAuthenticationTokenException" {
			t.Errorf("%s: %s %s", path, res.Status, res.Header.Get("X-Amzn-Errortype"))
		}
		if e := event(t, s, n); e.Outcome != audit.Refused || e.Code != "MissingAuthenticationTokenException" {
			t.Errorf("%s: event %+v", path, e)
		}
	}
}

func TestPoliciesDecide(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	user := client(t, s, limited(t, s, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"podpass:DescribeCluster",
		"Resource":"arn:aws:eks:us-west-2:111122223333:cluster/local"}}`))
	must[*api.Cluster](t)(user.DescribeCluster(ctx, "local"))

	calls := map[string]func() error{
		"ListClusters":      func() error { _, err := user.ListClusters(ctx); return err },
		"DeregisterCluster": func() error { _, err := user.DeregisterCluster(ctx, "local"); return err },
		"RotateClusterKey":  func() error { _, err := user.RotateClusterKey(ctx, "local"); return err },
		"RegisterCluster": func() error {
			_, err := user.RegisterCluster(ctx, &api.RegisterClusterRequest{Name: "x", ClusterSpec: api.ClusterSpec{Keys: api.ClusterKeys{Hosted: true}}})
			return err
		},
		"CreateAccount":     func() error { _, err := user.CreateAccount(ctx, &api.CreateAccountRequest{Name: "x"}); return err },
		"ListAccounts":      func() error { _, err := user.ListAccounts(ctx); return err },
		"RotateAdmin":       func() error { _, err := user.RotateAdmin(ctx); return err },
		"RotateSessionKeys": func() error { _, err := user.RotateSessionKeys(ctx); return err },
		"RevokeSessions": func() error {
			_, err := user.Revoke(ctx, &api.RevokeRequest{Role: "podpass-agent-local"})
			return err
		},
		"Whois": func() error { _, err := user.Whois(ctx, s.Admin.AccessKeyID); return err },
		"GetServiceAccount": func() error {
			_, err := user.GetServiceAccount(ctx, api.ServiceAccountName{Cluster: "local", Namespace: "shop", Name: "web"})
			return err
		},
		"ListTrustingRoles": func() error {
			_, err := user.RolesFor(ctx, api.ServiceAccountName{Cluster: "local", Namespace: "shop", Name: "web"})
			return err
		},
		"CreateToken": func() error {
			_, err := user.CreateToken(ctx, &api.CreateTokenRequest{
				ServiceAccountName: api.ServiceAccountName{Cluster: "local", Namespace: "shop", Name: "web"}, Audience: "sts.amazonaws.com",
			})
			return err
		},
		"Apply": func() error {
			_, err := user.Apply(ctx, &api.ApplyRequest{Documents: documents(t, "serviceaccount.yaml")})
			return err
		},
	}
	for action, call := range calls {
		n := s.Audit.Len()
		refused(t, call(), api.CodeAccessDenied)
		if e := event(t, s, n); e.Action != action || e.Outcome != audit.Refused || e.Reason == "" {
			t.Errorf("%s: event %+v", action, e)
		}
	}
}

func documents(t *testing.T, name string) []api.Document {
	t.Helper()
	return must[[]api.Document](t)(api.ParseDocuments([]byte(fixture(t, name))))
}
