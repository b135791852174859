package api_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/api"
)

var someone = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIAQAAAAAAAAAAAAAAA", SecretAccessKey: "secret"}, nil
})

// answering is a client of a server that answers everything the same.
func answering(t *testing.T, status int, header http.Header, body string) *api.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	c, err := api.New(api.Config{Endpoint: server.URL + "/", Region: "us-west-2", Credentials: someone})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		what   string
		status int
		header http.Header
		body   string
		want   api.Error
	}{
		{
			"header", 404,
			http.Header{"X-Amzn-Errortype": {api.CodeNotFound}, "X-Amzn-Requestid": {"id"}},
			`{"__type":"other","message":"There is none."}`,
			api.Error{Status: 404, Code: api.CodeNotFound, Message: "There is none.", RequestID: "id"},
		},
		{"type", 409, nil, `{"__type":"ConflictException","message":"Taken."}`, api.Error{Status: 409, Code: api.CodeConflict, Message: "Taken."}},
		{
			"a proxy", 502, nil, `<html>`,
			api.Error{Status: 502, Code: "UnexpectedAnswer", Message: "the endpoint answered 502 Bad Gateway, not as a Podpass server would: check AWS_ENDPOINT_URL"},
		},
		{
			"a success that is none", 204, nil, ``,
			api.Error{Status: 204, Code: "UnexpectedAnswer", Message: "the endpoint answered 204 No Content, not as a Podpass server would: check AWS_ENDPOINT_URL"},
		},
	} {
		_, err := answering(t, c.status, c.header, c.body).ListClusters(context.Background())
		var got *api.Error
		if !errors.As(err, &got) {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if diff := cmp.Diff(c.want, *got); diff != "" {
			t.Errorf("%s: %s", c.what, diff)
		}
	}
	if _, err := answering(t, 200, nil, "hello").ListClusters(context.Background()); err == nil || !strings.Contains(err.Error(), "GET /podpass/v1/clusters") {
		t.Errorf("an answer that is no JSON: %v", err)
	}
}

func TestNamesAreEscaped(t *testing.T) {
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.Method+" "+r.URL.EscapedPath())
		if !strings.Contains(r.Header.Get("Authorization"), "/us-west-2/podpass/aws4_request") {
			t.Errorf("signed %q", r.Header.Get("Authorization"))
		}
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	c, err := api.New(api.Config{Endpoint: server.URL, Region: "us-west-2", Credentials: someone})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, err := range []error{
		second(c.DescribeCluster(ctx, "a/../b?c")),
		second(c.RolesFor(ctx, api.ServiceAccountName{Cluster: "c", Namespace: "n/x", Name: "a b"})),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{"GET /podpass/v1/clusters/a%2F..%2Fb%3Fc", "GET /podpass/v1/clusters/c/namespaces/n%2Fx/serviceaccounts/a%20b/roles"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Error(diff)
	}
}

func second[T any](_ T, err error) error { return err }

func TestConfigMistakesSayWhatToDo(t *testing.T) {
	good := api.Config{Endpoint: "https://podpass.example", Region: "us-west-2", Credentials: someone}
	if _, err := api.New(good); err != nil {
		t.Error(err)
	}
	for says, change := range map[string]func(*api.Config){
		"http://127.0.0.1:8600": func(c *api.Config) { c.Endpoint = "127.0.0.1:8600" },
		"is not a URL":          func(c *api.Config) { c.Endpoint = "ftp://x" },
		"podpass up":            func(c *api.Config) { c.Credentials = nil },
		"AWS_REGION":            func(c *api.Config) { c.Region = "" },
	} {
		c := good
		change(&c)
		if _, err := api.New(c); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
}
