package webhook_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/podpass/podpass/webhook"
)

func TestDefaultsAreTheEKSWebhooks(t *testing.T) {
	got, err := webhook.Settings{}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	want := webhook.Settings{
		AnnotationPrefix: "eks.amazonaws.com", TokenAudience: "sts.amazonaws.com", TokenExpiration: 86400,
		TokenMountPath: "/var/run/secrets/eks.amazonaws.com/serviceaccount",
		ContainerCredentials: webhook.ContainerCredentials{
			Audience: "pods.eks.amazonaws.com", MountPath: "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount",
			VolumeName: "eks-pod-identity-token", TokenPath: "eks-pod-identity-token", FullURI: "http://169.254.170.23/v1/credentials",
		},
		ComposeRoleARN: webhook.ComposeRoleARN{Partition: "aws", Path: "/"},
		CAConfigMap:    "podpass-ca", CAMountPath: "/var/run/secrets/podpass.io/ca",
		NoProxy: []string{"169.254.170.23", "[fd00:ec2::23]"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if short, err := (webhook.Settings{TokenExpiration: 60}).Complete(); err != nil || short.TokenExpiration != 600 {
		t.Errorf("60 s became %d, %v", short.TokenExpiration, err)
	}
}

func TestMistakesAreReportedTogether(t *testing.T) {
	_, err := webhook.NewRules(webhook.Settings{
		TokenMountPath: "relative", AnnotationPrefix: "a/b", TokenExpiration: 1 << 40, STSEndpoint: "sts.example", EKSPlatform: "nine",
		CAMountPath: "/a:b", ContainerCredentials: webhook.ContainerCredentials{MountPath: "x", FullURI: "ftp://x/"},
		ComposeRoleARN: webhook.ComposeRoleARN{Enabled: true, Account: "1", Path: "x"},
	})
	if err == nil {
		t.Fatal("all of it was taken")
	}
	for _, flag := range []string{
		"--token-mount-path", "--container-credentials-token-mount-path", "--ca-mount-path", "--annotation-prefix", "--token-expiration",
		"--container-credentials-full-uri", "--inject-sts-endpoint", "--role-account", "--role-path", "--eks-platform-version",
	} {
		if !strings.Contains(err.Error(), flag) {
			t.Errorf("nothing about %s: %v", flag, err)
		}
	}
	if _, err := webhook.New(webhook.Config{}); err == nil {
		t.Error("a webhook without accounts")
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]webhook.Version{
		"v1.36.3":                   {Major: 1, Minor: 36},
		"v1.21.14-eks-18ef993":      {Major: 1, Minor: 21, EKS: true},
		"v1.22.0-beta.1":            {Major: 1, Minor: 22},
		"1.9":                       {Major: 1, Minor: 9},
		"v0.0.0-master+$Format:%H$": {},
		"":                          {},
		"v1.x-eks-1":                {},
		"v1.32.9+k3s1":              {Major: 1, Minor: 32},
		"v1.33.1-gke.100":           {Major: 1, Minor: 33},
		"v2.0.0":                    {Major: 2},
	} {
		if got := webhook.ParseVersion(text); got != want {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		}
	}
}

// Amazon's table against the rule, release by release: below its platform version the annotation does nothing.
func TestEndpointTypeTable(t *testing.T) {
	for _, row := range webhook.EndpointTypes() {
		version := webhook.Version{Major: 1, Minor: row.Minor, EKS: true}
		for platform, honoured := range map[int]bool{row.Platform: true, row.Platform - 1: row.Default == "regional"} {
			if platform == 0 {
				continue // there is none before eks.1
			}
			got := endpointType(t, version, platform, map[string]string{"eks.amazonaws.com/sts-regional-endpoints": "false"})
			if (got == "legacy") != honoured {
				t.Errorf("1.%d eks.%d: %q", row.Minor, platform, got)
			}
		}
		if got := endpointType(t, version, row.Platform, nil); (got == "regional") != (row.Default == "regional") {
			t.Errorf("1.%d without an annotation: %q, the table says %s", row.Minor, got, row.Default)
		}
	}
	if got := endpointType(t, webhook.Version{Major: 1, Minor: 17, EKS: true}, 5, map[string]string{"eks.amazonaws.com/sts-regional-endpoints": "true"}); got != "" {
		t.Errorf("older than the table: %q", got)
	}
}

func endpointType(t *testing.T, version webhook.Version, platform int, annotations map[string]string) string {
	t.Helper()
	rules, err := webhook.NewRules(webhook.Settings{EKSPlatform: "eks." + strconv.Itoa(platform)})
	if err != nil {
		t.Fatal(err)
	}
	facts := webhook.Facts{Account: webhook.Account{Found: true, Annotations: map[string]string{"eks.amazonaws.com/role-arn": roleARN}}, Version: version}
	for key, value := range annotations {
		facts.Account.Annotations[key] = value
	}
	decision := rules.Decide(&webhook.Pod{Spec: webhook.Spec{Containers: []webhook.Container{{Name: "a"}}}}, facts)
	for _, v := range decision.Containers[0].Env {
		if v.Name == "AWS_STS_REGIONAL_ENDPOINTS" {
			return v.Value
		}
	}
	return ""
}
