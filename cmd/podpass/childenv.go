package main

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// removed are the variables of the parent a command under podpass run must not see: each would give an SDK another identity than the
// service account's, or send its exchange somewhere else. A name that ends in * is a prefix. Variables that only tune behaviour
// (AWS_RETRY_MODE, AWS_CA_BUNDLE, AWS_PAGER ...) stay.
//
// Source: https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html, and the SDKs' own tables of names
var removed = []struct{ name, why string }{
	{"AWS_ACCESS_KEY_ID", "static keys win over web identity in every SDK"},
	{"AWS_SECRET_ACCESS_KEY", "static keys"},
	{"AWS_SESSION_TOKEN", "static keys"},
	{"AWS_ACCESS_KEY", "static keys, older name that Go and Java still read"},
	{"AWS_SECRET_KEY", "static keys, older name"},
	{"AWS_SECURITY_TOKEN", "static keys, older name"},
	{"AWS_CREDENTIAL_EXPIRATION", "lifetime of static keys"},
	{"AWS_CREDENTIAL_SCOPE", "scope of static keys (JavaScript)"},
	{"AWS_ACCOUNT_ID", "account of static keys; endpoints are made of it"},
	{"AWS_BEARER_TOKEN_*", "a bearer token replaces signing for its service"},

	{"AWS_PROFILE", "a chosen profile wins over web identity in some SDKs"},
	{"AWS_DEFAULT_PROFILE", "a chosen profile, older name"},
	{"AWS_CONFIG_FILE", "profiles; set to an empty file below"},
	{"AWS_SHARED_CREDENTIALS_FILE", "profiles; set to an empty file below"},
	{"AWS_CREDENTIAL_FILE", "keys in a file, older name"},
	{"AWS_CREDENTIAL_PROFILES_FILE", "keys in a file (Java v1)"},
	{"AWS_SSO_*", "a login of the parent"},
	{"AWS_LOGIN_*", "a login of the parent"},

	{"AWS_ROLE_ARN", "another workload's web identity"},
	{"AWS_WEB_IDENTITY_TOKEN_FILE", "another workload's web identity"},
	{"AWS_ROLE_SESSION_NAME", "another workload's name in the audit trail"},
	{"AWS_IAM_ROLE_ARN", "web identity, the name of newer SDKs"},
	{"AWS_IAM_ROLE_SESSION_NAME", "web identity, the name of newer SDKs"},
	{"AWS_CONTAINER_*", "the container's credentials: Pod Identity or ECS of the parent"},
	{"AWS_EC2_METADATA_*", "the machine's instance profile"},

	{"AWS_ENDPOINT_URL", "another authority"},
	{"AWS_ENDPOINT_URL_*", "another authority for one service"},
	{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "would switch our endpoint variables off"},
	{"AWS_USE_FIPS_ENDPOINT", "contradicts a given endpoint; SDKs refuse the pair"},
	{"AWS_USE_DUALSTACK_ENDPOINT", "contradicts a given endpoint; SDKs refuse the pair"},
	{"AWS_STS_REGIONAL_ENDPOINTS", "set below"},
	{"AWS_REGION", "set below"},
	{"AWS_DEFAULT_REGION", "set below"},
}

// podEnv is what a pod of the service account would have been given.
type podEnv struct {
	TokenFile   string
	Region      string
	EndpointURL string // "" for credentials of an account that lives elsewhere: the SDK's own endpoints

	RoleARN, SessionName string // web identity
	AgentURL             string // or Pod Identity: where the agent answers
}

// environ is the parent's environment with every variable of removed taken out and the pod's put in.
func (p podEnv) environ(parent environ) []string {
	out := withoutIdentity(parent)
	if p.AgentURL != "" {
		out = pastProxies(out, p.AgentURL)
	}
	return append(out, p.variables()...)
}

// withoutIdentity is an environment without the variables of removed.
func withoutIdentity(parent environ) []string {
	out := make([]string, 0, len(parent)+12)
	for _, entry := range parent {
		name, _, _ := strings.Cut(entry, "=")
		if !isRemoved(name) {
			out = append(out, entry)
		}
	}
	return out
}

// variables are the pod's own, in the order the EKS webhook writes them, then what a process outside a pod needs besides:
//
//   - the endpoint variables, both: some SDKs ask only AWS_ENDPOINT_URL_STS for the web identity exchange;
//   - with web identity a session name, which a pod leaves to its SDK: the AWS CLI keeps credentials in ~/.aws/cli/cache by role and session
//     name, and would otherwise hand one service account's credentials to the next one that runs with the same role;
//   - empty profile files, because a pod has no ~/.aws and botocore lets a role in the default profile win over web identity;
//   - no instance metadata, because some SDKs (Java) turn to the machine's own role when the exchange is refused.
func (p podEnv) variables() []string {
	out := []string{
		"AWS_STS_REGIONAL_ENDPOINTS=regional",
		"AWS_DEFAULT_REGION=" + p.Region,
		"AWS_REGION=" + p.Region,
	}
	if p.AgentURL != "" {
		out = append(out, "AWS_CONTAINER_CREDENTIALS_FULL_URI="+p.AgentURL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="+p.TokenFile)
	} else {
		out = append(out, "AWS_ROLE_ARN="+p.RoleARN, "AWS_WEB_IDENTITY_TOKEN_FILE="+p.TokenFile, "AWS_ROLE_SESSION_NAME="+p.SessionName)
	}
	if p.EndpointURL != "" {
		out = append(out, "AWS_ENDPOINT_URL="+p.EndpointURL, "AWS_ENDPOINT_URL_STS="+p.EndpointURL)
	}
	return append(out,
		"AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true",
	)
}

// pastProxies adds the agent's host to the variables that name what no proxy is for, if there is a proxy at all: an SDK would otherwise send the
// token to it, and the proxy has a loopback of its own. Both spellings are set, as some programs read only one; of the one that is missing
// nothing else must be made than what the other said.
func pastProxies(env []string, agentURL string) []string {
	agent, err := url.Parse(agentURL)
	proxied := slices.ContainsFunc([]string{"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"},
		func(name string) bool { return environ(env).get(name) != "" })
	if err != nil || !proxied {
		return env
	}
	upper, lower := environ(env).get("NO_PROXY"), environ(env).get("no_proxy")
	out := slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return strings.EqualFold(name, "NO_PROXY")
	})
	return append(out, "NO_PROXY="+withHost(cmp.Or(upper, lower), agent.Hostname()), "no_proxy="+withHost(cmp.Or(lower, upper), agent.Hostname()))
}

// withHost is a list of hosts with one more. A * stands for all of them.
func withHost(list, host string) string {
	hosts := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	if slices.Contains(hosts, "*") || slices.Contains(hosts, host) {
		return list
	}
	return strings.Join(append(hosts, host), ",")
}

func isRemoved(name string) bool {
	for _, r := range removed {
		if prefix, ok := strings.CutSuffix(r.name, "*"); ok && strings.HasPrefix(name, prefix) || r.name == name {
			return true
		}
	}
	return false
}
