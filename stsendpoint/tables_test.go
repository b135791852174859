package stsendpoint_test

import (
	"strings"
	"testing"

	"github.com/podpass/podpass/stsendpoint"
	"github.com/podpass/podpass/webhook"
)

// The table of Amazon's page, with the rows that later pages add.
func TestSettingOf(t *testing.T) {
	for _, tc := range []struct {
		version  string
		platform int
		honoured bool
		def      stsendpoint.Type
		why      string
	}{
		{"v1.17.17-eks-1", 9, false, stsendpoint.Global, "older than every release"},
		{"v1.18.20-eks-1", 8, false, stsendpoint.Global, "before platform version eks.9"},
		{"v1.18.20-eks-1", 9, true, stsendpoint.Global, ""},
		{"v1.19.16-eks-1", 6, false, stsendpoint.Global, "before platform version eks.7"},
		{"v1.19.16-eks-1", 7, true, stsendpoint.Global, ""},
		{"v1.20.15-eks-1", 3, true, stsendpoint.Global, ""},
		{"v1.21.14-eks-1", 2, false, stsendpoint.Global, "can only use the global endpoint"},
		{"v1.21.14-eks-1", 3, true, stsendpoint.Global, ""},
		{"v1.21.14-eks-1", 0, true, stsendpoint.Global, "this cluster's is not known"},
		{"v1.22.17-eks-1", 1, true, stsendpoint.Regional, ""},
		{"v1.23.17-eks-1", 1, true, stsendpoint.Regional, ""},
		{"v1.36.3", 0, true, stsendpoint.Regional, ""},
		{"v1.21.14", 0, true, stsendpoint.Global, "outside EKS"},
		{"nonsense", 0, true, stsendpoint.Regional, "not known"},
	} {
		got := stsendpoint.SettingOf(webhook.ParseVersion(tc.version), tc.platform)
		if got.Honoured != tc.honoured || got.Default != tc.def || !strings.Contains(got.Why, tc.why) {
			t.Errorf("%s eks.%d: %+v", tc.version, tc.platform, got)
		}
	}
}

func TestSDKOf(t *testing.T) {
	for image, want := range map[string]string{
		"amazon/aws-cli:2.15.0":                                  "cli-v2",
		"public.ecr.aws/aws-cli/aws-cli:2.31.1":                  "cli-v2",
		"amazon/aws-cli:1.29.0":                                  "cli-v1",
		"amazon/aws-cli:latest":                                  "",
		"amazon/aws-cli@sha256:00":                               "",
		"public.ecr.aws/eks/aws-load-balancer-controller:v2.8.3": "go-v1",
		"602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/aws-load-balancer-controller:v2.9.0": "go-v2",
		"registry.local:5000/aws-load-balancer-controller:v2.13.1@sha256:00":                   "go-v2",
		"registry.k8s.io/autoscaling/cluster-autoscaler:v1.32.1":                               "go-v1",
		"registry.k8s.io/autoscaling/cluster-autoscaler:v1.35.0":                               "",
		"registry.local:5000/my-aws-cli:2.1.0":                                                 "",
		"shop/web:1":                                                                           "",
		"registry.local:5000/web":                                                              "",
	} {
		if got, _ := stsendpoint.SDKOf(image); got.Name != want {
			t.Errorf("%s: %q, want %q", image, got.Name, want)
		}
	}
}

func TestPresignedURLs(t *testing.T) {
	west := stsendpoint.PresignedURLs("us-west-2")
	const query = "?...&X-Amz-Credential=<access key id>/<date>/us-west-2/s3/aws4_request&..."
	if west.Regional != "https://<bucket>.s3.us-west-2.amazonaws.com/<key>"+query || west.Global != "https://<bucket>.s3.amazonaws.com/<key>"+query {
		t.Errorf("%+v", west)
	}
	if china := stsendpoint.PresignedURLs("cn-north-1"); china.Global != "" || !strings.HasPrefix(china.Regional, "https://<bucket>.s3.cn-north-1.amazonaws.com.cn/") {
		t.Errorf("%+v", china)
	}
}
