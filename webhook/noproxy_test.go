package webhook_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/podpass/podpass/webhook"
)

func TestMergeNoProxy(t *testing.T) {
	const ours = "169.254.170.23,[fd00:ec2::23],sts.example"
	for _, test := range []struct {
		name, env string
		want      []string
		findings  []string
	}{
		{name: "no proxy, nothing to except"},
		{
			name: "a proxy and no exceptions", env: `{"name":"https_proxy","value":"http://p"}`,
			want: []string{`add /spec/containers/0/env/- {"name":"NO_PROXY","value":"` + ours + `"}`, `add /spec/containers/0/env/- {"name":"no_proxy","value":"` + ours + `"}`},
		},
		{
			name: "an exception", env: `{"name":"HTTP_PROXY","value":"http://p"},{"name":"NO_PROXY","value":"localhost,169.254.170.23"}`,
			want: []string{`add /spec/containers/0/env/1/value "localhost,169.254.170.23,[fd00:ec2::23],sts.example"`},
		},
		{
			name: "both spellings", env: `{"name":"no_proxy","value":""},{"name":"NO_PROXY","value":"a"}`,
			want: []string{`add /spec/containers/0/env/1/value "a,` + ours + `"`, `add /spec/containers/0/env/0/value "` + ours + `"`},
		},
		{
			name: "an empty exception, as API servers write it", env: `{"name":"NO_PROXY"}`, want: []string{`add /spec/containers/0/env/0/value "` + ours + `"`},
		},
		{name: "everything", env: `{"name":"NO_PROXY","value":"*"}`},
		{
			name: "from a ConfigMap", env: `{"name":"NO_PROXY","valueFrom":{"configMapKeyRef":{"name":"x","key":"y"}}}`, findings: []string{"NoProxyNotLiteral"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := setup(t, webhook.Config{
				Accounts: accounts{"shop/default": annotated()},
				Settings: webhook.Settings{MergeNoProxy: true, STSEndpoint: "https://sts.example:8600"},
			})
			object := `{"spec":{"containers":[{"name":"a","env":[` + test.env + `]}]}}`
			a := ask(t, handler, webhook.PathMutate, reviewOf(object))
			got := outcomeOf(t, a)
			var proxy []string
			for _, op := range got.Patch {
				if strings.Contains(strings.ToLower(op), "no_proxy") || strings.Contains(op, "/value ") {
					proxy = append(proxy, op)
				}
			}
			if diff := cmp.Diff(test.want, proxy); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !slices.Equal(test.findings, got.Findings) {
				t.Errorf("findings %v, want %v", got.Findings, test.findings)
			}
			after := patched(t, []byte(object), a)
			if again := ask(t, handler, webhook.PathMutate, reviewOf(string(after))); len(again.Response.Patch) > 0 {
				t.Errorf("patched again: %s", again.Response.Patch)
			}
		})
	}
}
