package main

import "strings"

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
	RoleARN, TokenFile, SessionName string
	Region                          string
	EndpointURL                     string
}

// environ is the parent's environment with every variable of removed taken out and the pod's put in.
func (p podEnv) environ(parent environ) []string {
	out := make([]string, 0, len(parent)+12)
	for _, entry := range parent {
		name, _, _ := strings.Cut(entry, "=")
		if !isRemoved(name) {
			out = append(out, entry)
		}
	}
	return append(out, p.variables()...)
}

// variables are the pod's own, in the order the EKS webhook writes them, then what a process outside a pod needs besides:
//
//   - the endpoint variables, both: some SDKs ask only AWS_ENDPOINT_URL_STS for the web identity exchange;
//   - a session name, which a pod leaves to its SDK: the AWS CLI keeps credentials in ~/.aws/cli/cache by role and session name, and would
//     otherwise hand one service account's credentials to the next one that runs with the same role;
//   - empty profile files, because a pod has no ~/.aws and botocore lets a role in the default profile win over web identity;
//   - no instance metadata, because some SDKs (Java) turn to the machine's own role when the exchange is refused.
func (p podEnv) variables() []string {
	return []string{
		"AWS_STS_REGIONAL_ENDPOINTS=regional",
		"AWS_DEFAULT_REGION=" + p.Region,
		"AWS_REGION=" + p.Region,
		"AWS_ROLE_ARN=" + p.RoleARN,
		"AWS_WEB_IDENTITY_TOKEN_FILE=" + p.TokenFile,
		"AWS_ENDPOINT_URL=" + p.EndpointURL,
		"AWS_ENDPOINT_URL_STS=" + p.EndpointURL,
		"AWS_ROLE_SESSION_NAME=" + p.SessionName,
		"AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

func isRemoved(name string) bool {
	for _, r := range removed {
		if prefix, ok := strings.CutSuffix(r.name, "*"); ok && strings.HasPrefix(name, prefix) || r.name == name {
			return true
		}
	}
	return false
}
