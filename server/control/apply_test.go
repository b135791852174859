package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/store"
)

func parse(t *testing.T, text string) []api.Document {
	t.Helper()
	return must[[]api.Document](t)(api.ParseDocuments([]byte(text)))
}

// actions are the changes without their diffs.
func actions(r *api.ApplyResult) (list []string) {
	for _, c := range r.Changes {
		list = append(list, c.Kind+" "+c.Name+" "+string(c.Action))
	}
	return list
}

func TestApplyIsIdempotent(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	shop := documents(t, "shop.yaml")

	dry := must[*api.ApplyResult](t)(admin.Apply(ctx, &api.ApplyRequest{Documents: shop, DryRun: true}))
	if _, ok := s.Store.Roles.Get(store.RoleKey("111122223333", "reader")); ok || s.Store.Policies.Len() != 0 || s.Store.ServiceAccounts.Len() != 0 {
		t.Error("a dry run left something")
	}
	first := must[*api.ApplyResult](t)(admin.Apply(ctx, &api.ApplyRequest{Documents: shop}))
	want := []string{"Policy read-orders created", "Role reader created", "ServiceAccount web created"}
	if diff := cmp.Diff(want, actions(first)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(first, dry); diff != "" {
		t.Errorf("the dry run said otherwise: %s", diff)
	}
	wantRole := []string{
		"+ apiVersion: podpass.io/v1alpha1", "+ kind: Role", "+ metadata:", "+   name: reader", "+   tags:", "+     team: shop", "+ spec:",
		"+   description: Reads orders", "+   inlinePolicies:", "+     whoami:", "+       Statement:", "+         Action: iam:GetRole",
		"+         Effect: Allow", `+         Resource: '*'`, `+       Version: "2012-10-17"`, "+   maxSessionDuration: 3600", "+   policies:",
		"+   - arn:aws:iam::111122223333:policy/read-orders", "+   trustPolicy:", "+     Statement:", "+     - Action: sts:AssumeRoleWithWebIdentity",
		"+       Condition:", "+         StringEquals:", "+           HOST:aud: sts.amazonaws.com", "+           HOST:sub: system:serviceaccount:shop:web",
		"+       Effect: Allow", "+       Principal:", "+         Federated: PROVIDER", `+     Version: "2012-10-17"`,
	}
	provider := s.ProviderARN()
	_, host, _ := strings.Cut(provider, "oidc-provider/")
	for i := range wantRole {
		wantRole[i] = strings.NewReplacer("PROVIDER", provider, "HOST", host).Replace(wantRole[i])
	}
	if diff := cmp.Diff(wantRole, first.Changes[1].Diff); diff != "" {
		t.Error(diff)
	}
	for range 2 {
		again := must[*api.ApplyResult](t)(admin.Apply(ctx, &api.ApplyRequest{Documents: shop}))
		for _, c := range again.Changes {
			if c.Action != api.Unchanged || c.Diff != nil {
				t.Errorf("applied again: %+v", c)
			}
		}
	}
	if p, _ := s.Store.PolicyByARN("arn:aws:iam::111122223333:policy/read-orders"); len(p.Versions) != 1 {
		t.Errorf("the policy has %d versions", len(p.Versions))
	}

	// What the documents set up is the main job: an exchange.
	if !works(s, session(t, s, "reader")) {
		t.Error("the exchange failed")
	}
}

func TestApplyShowsWhatChanges(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	role := `
apiVersion: podpass.io/v1alpha1
kind: Role
metadata: {name: reader}
spec:
  description: %s
  trust: {namespace: shop, serviceAccount: web}
  inlinePolicies:
    a: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "%s", Resource: "*"}]}
`
	must[*api.ApplyResult](t)(admin.Apply(ctx, &api.ApplyRequest{Documents: parse(t, fmt.Sprintf(role, "one", "s3:GetObject"))}))
	before, _ := s.Store.Roles.Get(store.RoleKey("111122223333", "reader"))
	got := must[*api.ApplyResult](t)(admin.Apply(ctx, &api.ApplyRequest{Documents: parse(t, fmt.Sprintf(role, "two", "s3:PutObject"))}))
	want := []api.ObjectChange{{
		Kind: "Role", Name: "reader", ARN: "arn:aws:iam::111122223333:role/reader", Action: api.Updated,
		Diff: []string{
			"@@", "  metadata:", "    name: reader", "  spec:", "-   description: one", "+   description: two", "    inlinePolicies:", "      a:",
			"        Statement:", "-       - Action: s3:GetObject", "+       - Action: s3:PutObject", "          Effect: Allow", `          Resource: '*'`,
			`        Version: "2012-10-17"`, "@@",
		},
	}}
	if diff := cmp.Diff(want, got.Changes); diff != "" {
		t.Error(diff)
	}
	if after, _ := s.Store.Roles.Get(store.RoleKey("111122223333", "reader")); after.ID != before.ID {
		t.Error("the role was made anew: its sessions would end")
	}
}

func TestApplyEveryKind(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	documents := documents(t, "all.yaml")
	got := must[*api.ApplyResult](t)(admin.Apply(ctx, &api.ApplyRequest{Documents: documents}))
	want := []api.ObjectChange{
		{Kind: "Cluster", Name: "other", ARN: "arn:aws:eks:eu-west-1:111122223333:cluster/other", Action: api.Created},
		{Kind: "OIDCProvider", Name: "ci", ARN: "arn:aws:iam::111122223333:oidc-provider/ci.example.com/oidc", Action: api.Created},
		{Kind: "Association", Namespace: "shop", Name: "api", Action: api.Created},
		{Kind: "Role", Name: "worker", ARN: "arn:aws:iam::111122223333:role/team/worker", Action: api.Created},
		{Kind: "Role", Name: "operator", ARN: "arn:aws:iam::111122223333:role/operator", Action: api.Created},
		{Kind: "Policy", Name: "limit", ARN: "arn:aws:iam::111122223333:policy/bounds/limit", Action: api.Created},
		{Kind: "ServiceAccount", Namespace: "shop", Name: "api", ARN: "arn:aws:podpass:eu-west-1:111122223333:serviceaccount/other/shop/api", Action: api.Created},
	}
	if diff := cmp.Diff(want, got.Changes, cmpopts.IgnoreFields(api.ObjectChange{}, "Diff")); diff != "" {
		t.Error(diff)
	}
	again := must[*api.ApplyResult](t)(admin.Apply(ctx, &api.ApplyRequest{Documents: documents}))
	for _, c := range again.Changes {
		if c.Action != api.Unchanged {
			t.Errorf("applied again: %+v", c)
		}
	}
	if operator, _ := s.Store.Roles.Get(store.RoleKey("111122223333", "operator")); operator.Boundary != "arn:aws:iam::111122223333:policy/bounds/limit" {
		t.Errorf("boundary %q", operator.Boundary)
	}
	a, ok := s.Store.Associations.Get(store.AssociationKey("other", "shop", "api"))
	if !ok || a.RoleARN != "arn:aws:iam::111122223333:role/team/worker" || a.Policy == "" || !a.DisableSessionTags {
		t.Errorf("association %+v", a)
	}
}

func TestApplyAllOrNothing(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	keys, _ := jwks(t)
	must[*api.RegisterClusterResult](t)(admin.RegisterCluster(ctx, &api.RegisterClusterRequest{Name: "c1", ClusterSpec: api.ClusterSpec{Issuer: "https://x", Keys: api.ClusterKeys{JWKS: keys}}}))
	good := fixture(t, "serviceaccount.yaml") + "---\n"
	const head = "apiVersion: podpass.io/v1alpha1\nkind: "
	for _, c := range []struct{ what, document, code, says string }{
		{"unknown cluster", "ServiceAccount\nmetadata: {name: a, namespace: shop}\nspec: {cluster: nowhere}", api.CodeNotFound, "document 2 (ServiceAccount a): There is no cluster nowhere"},
		{"real cluster", "ServiceAccount\nmetadata: {name: a, namespace: shop}\nspec: {cluster: c1}", api.CodeValidation, "kubectl create serviceaccount"},
		{"unknown policy", "Role\nmetadata: {name: r}\nspec: {trust: {namespace: shop, serviceAccount: web}, policies: [nothing]}", "NoSuchEntity", "document 2 (Role r)"},
		{"unknown trusted cluster", "Role\nmetadata: {name: r}\nspec: {trust: {cluster: nowhere, namespace: shop, serviceAccount: web}}", api.CodeNotFound, "nowhere"},
		{"malformed trust", "Role\nmetadata: {name: r}\nspec: {trustPolicy: {Version: '2012-10-17'}}", "MalformedPolicyDocument", "document 2 (Role r)"},
		{"malformed policy", "Policy\nmetadata: {name: p}\nspec: {document: {Version: '2012-10-17', Statement: [{Effect: Maybe}]}}", "MalformedPolicyDocument", "document 2 (Policy p)"},
		{"unknown role", "Association\nmetadata: {name: web, namespace: shop}\nspec: {role: nobody}", api.CodeValidation, "does not exist"},
		{"role of another account", "Association\nmetadata: {name: web, namespace: shop}\nspec: {role: 'arn:aws:iam::222233334444:role/x'}", api.CodeValidation, "spec.targetRole"},
		{"no role's ARN", "Association\nmetadata: {name: web, namespace: shop}\nspec: {role: 'arn:aws:iam::111122223333:user/x'}", api.CodeValidation, "spec.role"},
		{"no target", "Association\nmetadata: {name: web, namespace: shop}\nspec: {role: x, targetRole: z}", api.CodeValidation, "spec.targetRole"},
		{"twice the same", "ServiceAccount\nmetadata: {name: web, namespace: shop}", api.CodeValidation, "Documents 1 and 2"},
		{"moved cluster", "Cluster\nmetadata: {name: local}\nspec: {region: eu-west-1, keys: {hosted: true}}", api.CodeConflict, "document 2 (Cluster local)"},
	} {
		_, err := admin.Apply(ctx, &api.ApplyRequest{Documents: parse(t, good+head+c.document)})
		if message := refused(t, err, c.code); !strings.Contains(message, c.says) {
			t.Errorf("%s: %q does not say %q", c.what, message, c.says)
		}
		if s.Store.ServiceAccounts.Len() != 0 {
			t.Fatalf("%s: the first document was applied", c.what)
		}
	}
}

// TestApplyTooMuch: what does not fit one transaction is refused as a whole, with what to do.
func TestApplyTooMuch(t *testing.T) {
	s := podpasstest.Start(t)
	var many []api.Document
	for i := range api.MaxDocuments / 2 {
		name := fmt.Sprintf("p%d", i)
		many = append(many,
			api.Document{
				APIVersion: api.Version, Kind: api.KindPolicy, Metadata: api.Metadata{Name: name},
				Spec: &api.PolicySpec{Document: json.RawMessage(podpasstest.Allow("s3:GetObject"))},
			},
			api.Document{
				APIVersion: api.Version, Kind: api.KindRole, Metadata: api.Metadata{Name: name},
				Spec: &api.RoleSpec{Trust: &api.Trust{Namespace: "shop", ServiceAccount: "web"}, Policies: []string{name}},
			})
	}
	_, err := client(t, s, none).Apply(context.Background(), &api.ApplyRequest{Documents: many})
	if message := refused(t, err, api.CodeValidation); !strings.Contains(message, "in parts") {
		t.Errorf("%q", message)
	}
	if s.Store.Policies.Len() != 0 {
		t.Error("some of it was applied")
	}
}

// TestApplyReadsDocumentsStrictly: what api.ParseDocuments refuses, the server refuses by itself, whoever the client is.
func TestApplyReadsDocumentsStrictly(t *testing.T) {
	s := podpasstest.Start(t)
	for body, says := range map[string]string{
		`{"documents":[]}`: "1 to 1000 documents",
		`{"documents":[{"apiVersion":"podpass.io/v1alpha1","kind":"ServiceAccount","metadata":{"name":"web","namespace":"shop","x":1}},{"kind":"X"}]}`: "document 2 (X): kind",
		`{"documents":[{"apiVersion":"podpass.io/v1alpha1","kind":"ServiceAccount","metadata":{"name":"web","name":"api","namespace":"shop"}}]}`:       "metadata.name: duplicate field",
		`{"documents":[{"apiVersion":"podpass.io/v1alpha1","kind":"ServiceAccount","Metadata":{"name":"web","namespace":"shop"}}]}`:                    "Metadata: unknown field",
		`{"documents":[1]}`:                 "wrong type",
		`{"documents":[{}],"dryrun":true}`:  `unknown field "dryrun"`,
		`{"documents":[{}],"documents":[]}`: `duplicate field "documents"`,
		`{"documents":[{}]} {}`:             "after top-level value",
		`[]`:                                "an object is expected",
	} {
		status, answer := post(t, s, api.Prefix+"apply", body)
		if status != 400 || !strings.Contains(answer, strings.ReplaceAll(says, `"`, `\"`)) {
			t.Errorf("%s: %d %s, want %q", body, status, answer, says)
		}
	}
	if s.Store.ServiceAccounts.Len() != 0 {
		t.Error("something was applied")
	}
}

func TestApplyIsAuthorisedObjectByObject(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "worker", Trusts: []string{"shop/web"}})
	user := client(t, s, limited(t, s, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"podpass:Apply",
		"Resource":["arn:aws:podpass:us-west-2:111122223333:serviceaccount/local/shop/*","arn:aws:iam::111122223333:role/shop/*"]}}`))
	must[*api.ApplyResult](t)(user.Apply(ctx, &api.ApplyRequest{Documents: documents(t, "serviceaccount.yaml")}))
	for what, c := range map[string]struct{ document, says string }{
		"policy":      {"kind: Policy\nmetadata: {name: p}\nspec: {document: {}}", "policy/p"},
		"other role":  {"kind: Role\nmetadata: {name: r}\nspec: {trustPolicy: {}}", "role/r"},
		"provider":    {"kind: OIDCProvider\nmetadata: {name: p}\nspec: {url: 'https://x'}", "oidc-provider/x"},
		"cluster":     {"kind: Cluster\nmetadata: {name: c}\nspec: {keys: {hosted: true}}", "cluster/c"},
		"elsewhere":   {"kind: ServiceAccount\nmetadata: {name: web, namespace: kube-system}", "serviceaccount/local/kube-system/web"},
		"a role away": {"kind: Association\nmetadata: {name: web, namespace: shop}\nspec: {role: worker}", "iam:PassRole"},
	} {
		_, err := user.Apply(ctx, &api.ApplyRequest{Documents: parse(t, "apiVersion: podpass.io/v1alpha1\n"+c.document)})
		if message := refused(t, err, api.CodeAccessDenied); !strings.Contains(message, c.says) {
			t.Errorf("%s: %q", what, message)
		}
	}
}

func FuzzApplyBody(f *testing.F) {
	s := podpasstest.Start(f)
	f.Add(`{"documents":[{"apiVersion":"podpass.io/v1alpha1","kind":"ServiceAccount","metadata":{"name":"web","namespace":"shop"}}],"dryRun":true}`)
	f.Add(`{"documents":[{"apiVersion":"podpass.io/v1alpha1","kind":"Role","metadata":{"name":"r"},"spec":{"path":"/a/","trust":{"namespace":"a","serviceAccount":"b"}}}]}`)
	f.Add(`{"documents":[{"apiVersion":"podpass.io/v1alpha1","kind":"Cluster","metadata":{"name":"c"},"spec":{"issuer":"https://x","keys":{"jwks":"{}"}}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		status, answer := post(t, s, api.Prefix+"apply", body)
		if status >= 500 || !json.Valid([]byte(answer)) {
			t.Errorf("%d %s", status, answer)
		}
	})
}
