package grant_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/grant"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/policy"
)

func TestParse(t *testing.T) {
	specs, err := grant.Parse([]byte(`# two of them
apiVersion: podpass.io/v1alpha1
kind: Grant
metadata: {name: web, namespace: shop}
spec:
  mechanism: irsa
  role: team/web
  managedPolicies: [AmazonS3ReadOnlyAccess]
  inlinePolicies:
    roles: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "iam:ListRoles", Resource: "*"}]}
---
---
{"apiVersion":"podpass.io/v1alpha1","kind":"Grant","metadata":{"name":"lbc"},"spec":{"wellKnown":["aws-load-balancer-controller"],"roleOnly":true}}
`), "kube-system")
	if err != nil {
		t.Fatal(err)
	}
	want := []grant.Spec{
		{
			Account: web, Mechanism: grant.IRSA, Role: "team/web", Managed: []string{"AmazonS3ReadOnlyAccess"},
			Inline: map[string]string{"roles": `{"Statement":[{"Action":"iam:ListRoles","Effect":"Allow","Resource":"*"}],"Version":"2012-10-17"}`},
		},
		{
			Account: identity.ServiceAccount{Namespace: "kube-system", Name: "lbc"}, WellKnown: []string{"aws-load-balancer-controller"}, RoleOnly: true,
			Inline: map[string]string{},
		},
	}
	if diff := cmp.Diff(want, specs); diff != "" {
		t.Error(diff)
	}
}

func TestParseRefuses(t *testing.T) {
	head := "apiVersion: podpass.io/v1alpha1\nkind: Grant\nmetadata: {name: web, namespace: shop}\n"
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":              {"# nothing\n", "no document"},
		"another kind":         {"apiVersion: v1\nkind: Secret\n", "it is v1 Secret, not podpass.io/v1alpha1 Grant"},
		"an unknown field":     {head + "spec: {polices: []}\n", "polices"},
		"an unknown mechanism": {head + "spec: {mechanism: magic}\n", `mechanism "magic" is none of auto, irsa and pod-identity`},
		"an unknown set":       {head + "spec: {wellKnown: [magic]}\n", `no well-known set "magic": there are aws-load-balancer-controller, `},
		"no name":              {"apiVersion: podpass.io/v1alpha1\nkind: Grant\nspec: {}\n", "document 1"},
		"twice":                {head + "---\n" + head, "service account shop/web is that of document 1 already"},
		"no policy":            {head + "spec: {inlinePolicies: {x: {Version: '2012-10-17', Statement: [{Effect: Maybe}]}}}\n", "inline policy x: "},
		"no role":              {head + "spec: {role: 'arn:aws:iam::1:role/x'}\n", "is not the ARN of a role"},
		"not YAML":             {"a: [\n", "document 1"},
	} {
		t.Run(name, func(t *testing.T) {
			if specs, err := grant.Parse([]byte(tc.text), "default"); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%+v, %v; want %q", specs, err, tc.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("apiVersion: podpass.io/v1alpha1\nkind: Grant\nmetadata: {name: web, namespace: shop}\nspec: {role: x}\n")
	f.Fuzz(func(t *testing.T, text string) {
		specs, err := grant.Parse([]byte(text), "default")
		if err != nil {
			return
		}
		for _, spec := range specs {
			if err := spec.Check(); err != nil {
				t.Errorf("%+v: %v", spec, err)
			}
		}
	})
}

// Every set can be granted: IAM takes its documents, and all of a role's inline policies together.
func TestWellKnownSets(t *testing.T) {
	w := newWorld(t)
	for _, set := range grant.WellKnownSets() {
		t.Run(set.Name, func(t *testing.T) {
			name, err := identity.ParseServiceAccount(set.Namespace, set.ServiceAccount)
			if err != nil {
				t.Error(err)
			}
			if len(set.Managed)+len(set.Inline) == 0 || set.About == "" || !strings.HasPrefix(set.Source, "https://") {
				t.Errorf("%+v", set)
			}
			if len(set.Managed) > 0 {
				return // the server has few of AWS's own policies
			}
			plan := w.must(t, grant.Spec{Account: name, WellKnown: []string{set.Name}})
			for _, documents := range plan.Documents.Inline {
				for _, document := range documents {
					if strings.Contains(document, "{{") || policy.Size(document) > policy.MaxInlineTotal {
						t.Errorf("%d characters: %s", policy.Size(document), document)
					}
				}
			}
		})
	}
}

// What is written does what the grant would have done: its documents are those, and its script is one.
func TestWrite(t *testing.T) {
	w := newWorld(t)
	w.server.AddRole(t, podpasstest.Role{Name: "theirs", Trust: w.server.Trust("shop/other")})
	before := w.snapshot(t)
	api := identity.ServiceAccount{Namespace: "shop", Name: "api"}
	plans := []*grant.Plan{
		w.plan(t, grant.Spec{Account: web, Mechanism: grant.IRSA, Role: "theirs", Inline: map[string]string{"roles": readRoles}}),
		w.plan(t, grant.Spec{Account: api, Mechanism: grant.PodIdentity, Managed: []string{"AmazonS3ReadOnlyAccess"}}),
	}
	dir := filepath.Join(t.TempDir(), "out")
	written, err := grant.Write(dir, w.World, plans)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range written {
		name, _ := filepath.Rel(dir, path)
		names = append(names, name)
	}
	id := string(plans[0].ID)
	want := []string{
		"iam/111122223333/theirs/trust-policy.json", "iam/111122223333/theirs/podpass-" + id + "-roles.json", "kubernetes/shop/web.yaml",
		"iam/111122223333/local-shop-api/trust-policy.json", "eks/shop/api.json", "kubernetes/shop/api.yaml", "apply.sh",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if out, err := exec.Command("bash", "-n", filepath.Join(dir, "apply.sh")).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	script, err := os.ReadFile(filepath.Join(dir, "apply.sh"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"aws iam update-assume-role-policy --role-name theirs --policy-document file://iam/111122223333/theirs/trust-policy.json",
		"aws iam get-role --role-name local-shop-api >/dev/null 2>&1 ||\n  aws iam create-role --role-name local-shop-api --path / --assume-role-policy-document file://iam/111122223333/local-shop-api/trust-policy.json --tags Key=podpass.io/created-by,Value=grant",
		"aws iam attach-role-policy --role-name local-shop-api --policy-arn arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
		"  aws eks create-pod-identity-association --cli-input-json file://eks/shop/api.json && break", "kubectl apply --server-side --field-manager=podpass -f kubernetes/shop/web.yaml",
	} {
		if !strings.Contains(string(script), line+"\n") {
			t.Errorf("no line %q in\n%s", line, script)
		}
	}
	trust, err := os.ReadFile(filepath.Join(dir, "iam/111122223333/theirs/trust-policy.json"))
	if _, wrong := policy.Parse(string(trust), policy.Trust); err != nil || wrong != nil || !strings.Contains(string(trust), "shop:other") || !strings.Contains(string(trust), "shop:web") {
		t.Errorf("%v, %v: %s", err, wrong, trust)
	}
	w.wantSnapshot(t, before)
}
