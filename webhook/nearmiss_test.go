package webhook_test

import (
	"strings"
	"testing"

	"github.com/podpass/podpass/webhook"
)

func TestNearMisses(t *testing.T) {
	for _, test := range []struct {
		key, meant string // meant is empty where the key is none of our business
	}{
		{"eks.amazon.com/role-arn", "eks.amazonaws.com/role-arn"},
		{"eks.amazonaws.com/rolearn", "eks.amazonaws.com/role-arn"},
		{"eks.amazonaws.com/role-arm", "eks.amazonaws.com/role-arn"},
		{"eks.amazonaws.com/role_arn", "eks.amazonaws.com/role-arn"},
		{"eks.amazonaws.com/Role-Arn", "eks.amazonaws.com/role-arn"},
		{"EKS.amazonaws.com/role-arn", "eks.amazonaws.com/role-arn"},
		{"eks.amazonaws.com/role", "eks.amazonaws.com/role-arn"},
		{"eks.amazonaws.com.cn/role-arn", "eks.amazonaws.com/role-arn"},
		{"eks.aws.amazon.com/role-arn", "eks.amazonaws.com/role-arn"},
		{"iam.amazonaws.com/role-arn", "eks.amazonaws.com/role-arn"},
		{"podpass.io/role-arn", "eks.amazonaws.com/role-arn"},
		{"role-arn", "eks.amazonaws.com/role-arn"},
		{"eks.amazonaws.com.role-arn", "eks.amazonaws.com/role-arn"},
		{"eks.amazonaws.com/sts-regional-endpoint", "eks.amazonaws.com/sts-regional-endpoints"},
		{"eks.amazonaws.com/token-expiry", ""},
		{"eks.amazonaws.com/token-expirations", "eks.amazonaws.com/token-expiration"},
		{"podpass.io/trough-agent", "podpass.io/through-agent"},
		{"eks.amazonaws.com/through-agent", "podpass.io/through-agent"},

		{"eks.amazonaws.com/compute-type", ""},
		{"iam.amazonaws.com/role", ""}, // kube2iam's
		{"iam.gke.io/gcp-service-account", ""},
		{"vault.hashicorp.com/role-arn", ""},
		{"meta.helm.sh/release-name", ""},
		{"audience-of-mine", ""},
		{strings.Repeat("eks.amazonaws.com/", 9), ""},
	} {
		t.Run(test.key, func(t *testing.T) {
			handler := setup(t, webhook.Config{Accounts: accounts{"shop/web": {test.key: "x"}}})
			a := ask(t, handler, webhook.PathMutate, reviewOf(`{"spec":{"serviceAccountName":"web","containers":[{"name":"a"}]}}`))
			warnings := strings.Join(a.Response.Warnings, "\n")
			if test.meant == "" {
				if warnings != "" {
					t.Errorf("warned: %s", warnings)
				}
				return
			}
			if !strings.Contains(warnings, test.meant+" is (NearMissAnnotation)") {
				t.Errorf("warnings %q do not propose %s", warnings, test.meant)
			}
			// No warning where the right one is there beside it: the other may be somebody else's.
			handler = setup(t, webhook.Config{Accounts: accounts{"shop/web": {test.key: "x", test.meant: "x"}}})
			a = ask(t, handler, webhook.PathMutate, reviewOf(`{"spec":{"serviceAccountName":"web","containers":[{"name":"a"}]}}`))
			if strings.Contains(strings.Join(a.Response.Warnings, "\n"), "NearMiss") {
				t.Errorf("warned beside the right one: %q", a.Response.Warnings)
			}
		})
	}
}

func TestAnnotationsOfPods(t *testing.T) {
	for key, warning := range map[string]string{
		"eks.amazonaws.com/role-arn":        "put it on service account shop/web (MisplacedAnnotation)",
		"eks.amazonaws.com/skip-container":  "eks.amazonaws.com/skip-containers is (NearMissAnnotation)",
		"podpass.io/include-container":      "podpass.io/include-containers is (NearMissAnnotation)",
		"eks.amazon.com/token-expiration":   "eks.amazonaws.com/token-expiration is (NearMissAnnotation)",
		"eks.amazonaws.com/skip-containers": "",
	} {
		handler := setup(t, webhook.Config{Accounts: accounts{"shop/web": {}}})
		a := ask(t, handler, webhook.PathMutate, reviewOf(`{"metadata":{"annotations":{"`+key+`":"x","kubectl.kubernetes.io/last-applied-configuration":"{}"}},"spec":{"serviceAccountName":"web"}}`))
		if got := strings.Join(a.Response.Warnings, "\n"); !strings.HasSuffix(got, warning) || (warning == "") != (got == "") {
			t.Errorf("%s: warnings %q, want one with %q", key, got, warning)
		}
	}
}
