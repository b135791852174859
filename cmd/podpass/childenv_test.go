package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPodEnviron(t *testing.T) {
	parent := environ{
		"PATH=/bin", "AWS_RETRY_MODE=standard", "AWS_CA_BUNDLE=/ca.pem", "AWS_PAGER=", "NOTAWS_PROFILE=kept",
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=x", "AWS_SESSION_TOKEN=x", "AWS_PROFILE=prod",
		"AWS_WEB_IDENTITY_TOKEN_FILE=/other", "AWS_ROLE_ARN=other", "AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.23/v1/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/t",
		"AWS_ENDPOINT_URL_S3=http://minio", "AWS_BEARER_TOKEN_BEDROCK=x", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "AWS_USE_FIPS_ENDPOINT=true",
	}
	got := podEnv{
		RoleARN: "arn:aws:iam::111122223333:role/web", TokenFile: "/run/t/token", SessionName: "web-abcde",
		Region: "us-west-2", EndpointURL: "http://127.0.0.1:8600",
	}.environ(parent)
	want := []string{
		"PATH=/bin", "AWS_RETRY_MODE=standard", "AWS_CA_BUNDLE=/ca.pem", "AWS_PAGER=", "NOTAWS_PROFILE=kept",
		"AWS_STS_REGIONAL_ENDPOINTS=regional",
		"AWS_DEFAULT_REGION=us-west-2",
		"AWS_REGION=us-west-2",
		"AWS_ROLE_ARN=arn:aws:iam::111122223333:role/web",
		"AWS_WEB_IDENTITY_TOKEN_FILE=/run/t/token",
		"AWS_ROLE_SESSION_NAME=web-abcde",
		"AWS_ENDPOINT_URL=http://127.0.0.1:8600",
		"AWS_ENDPOINT_URL_STS=http://127.0.0.1:8600",
		"AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Pod Identity's pair stands in the place of web identity's, of which nothing is there: SDKs look for web identity first.
func TestPodIdentityEnviron(t *testing.T) {
	got := podEnv{
		AgentURL: "http://127.0.0.1:4001/v1/credentials", TokenFile: "/run/t/token", Region: "us-west-2", EndpointURL: "http://127.0.0.1:8600",
	}.environ(environ{"AWS_ROLE_ARN=other", "NO_PROXY=corp"})
	want := []string{
		"NO_PROXY=corp", // there is no proxy it could be about
		"AWS_STS_REGIONAL_ENDPOINTS=regional",
		"AWS_DEFAULT_REGION=us-west-2",
		"AWS_REGION=us-west-2",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:4001/v1/credentials",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/run/t/token",
		"AWS_ENDPOINT_URL=http://127.0.0.1:8600",
		"AWS_ENDPOINT_URL_STS=http://127.0.0.1:8600",
		"AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheAgentIsReachedPastProxies(t *testing.T) {
	for _, tc := range []struct {
		parent environ
		want   []string
	}{
		{environ{"HTTP_PROXY="}, []string{"HTTP_PROXY="}},
		{environ{"http_proxy=http://p"}, []string{"http_proxy=http://p", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1"}},
		{environ{"no_proxy=corp, b", "HTTPS_PROXY=http://p"}, []string{"HTTPS_PROXY=http://p", "NO_PROXY=corp,b,127.0.0.1", "no_proxy=corp,b,127.0.0.1"}},
		{environ{"ALL_PROXY=p", "NO_PROXY=a", "no_proxy=b"}, []string{"ALL_PROXY=p", "NO_PROXY=a,127.0.0.1", "no_proxy=b,127.0.0.1"}},
		{environ{"HTTP_PROXY=p", "NO_PROXY=*"}, []string{"HTTP_PROXY=p", "NO_PROXY=*", "no_proxy=*"}},
		{environ{"HTTP_PROXY=p", "NO_PROXY=127.0.0.1,x"}, []string{"HTTP_PROXY=p", "NO_PROXY=127.0.0.1,x", "no_proxy=127.0.0.1,x"}},
	} {
		if diff := cmp.Diff(tc.want, pastProxies(tc.parent, "http://127.0.0.1:4001/v1/credentials")); diff != "" {
			t.Errorf("%q: %s", tc.parent, diff)
		}
	}
}

// A variable that is set must be removed first, or the parent's value would stand beside it: which of two counts is up to the program.
func TestWhatIsSetIsRemoved(t *testing.T) {
	for _, entry := range append((podEnv{}).variables(), (podEnv{AgentURL: "http://127.0.0.1/"}).variables()...) {
		name, _, _ := strings.Cut(entry, "=")
		if !isRemoved(name) {
			t.Errorf("%s is set and not removed", name)
		}
	}
	for _, r := range removed {
		if r.why == "" || !strings.HasPrefix(r.name, "AWS_") {
			t.Errorf("%q: %q", r.name, r.why)
		}
	}
}

// Credentials of an account that lives elsewhere are good where the SDK goes by itself.
func TestPodEnvironElsewhere(t *testing.T) {
	env := podEnv{AgentURL: "http://127.0.0.1:4001/v1/credentials", TokenFile: "/run/t/token", Region: "us-west-2"}.environ(environ{"AWS_ENDPOINT_URL=http://parent"})
	if i := slices.IndexFunc(env, func(s string) bool { return strings.HasPrefix(s, "AWS_ENDPOINT_URL") }); i >= 0 {
		t.Error(env[i])
	}
}
