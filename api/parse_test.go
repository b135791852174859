package api_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/api"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestParseDocuments(t *testing.T) {
	documents, err := api.ParseDocuments(read(t, "shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := []api.Document{
		{
			APIVersion: api.Version, Kind: api.KindPolicy, Metadata: api.Metadata{Name: "read-orders"},
			Spec: &api.PolicySpec{Document: json.RawMessage(
				`{"Statement":[{"Action":["s3:GetObject","s3:ListBucket"],"Effect":"Allow","Resource":["arn:aws:s3:::orders","arn:aws:s3:::orders/*"]}],"Version":"2012-10-17"}`)},
		},
		{
			APIVersion: api.Version, Kind: api.KindRole, Metadata: api.Metadata{Name: "reader", Tags: map[string]string{"team": "shop"}},
			Spec: &api.RoleSpec{
				Description: "Reads orders", Trust: &api.Trust{Namespace: "shop", ServiceAccount: "web"}, Policies: []string{"read-orders"},
				InlinePolicies: map[string]json.RawMessage{
					"whoami": json.RawMessage(`{"Statement":{"Action":"iam:GetRole","Effect":"Allow","Resource":"*"},"Version":"2012-10-17"}`),
				},
			},
		},
		{
			APIVersion: api.Version, Kind: api.KindServiceAccount,
			Metadata: api.Metadata{
				Name: "web", Namespace: "shop", Annotations: map[string]string{api.RoleARNAnnotation: "arn:aws:iam::111122223333:role/reader"},
			},
			Spec: &api.ServiceAccountSpec{},
		},
	}
	if diff := cmp.Diff(want, documents); diff != "" {
		t.Error(diff)
	}
}

func TestDocumentsSurviveJSON(t *testing.T) {
	for _, name := range []string{"shop.yaml", "all.yaml"} {
		want, err := api.ParseDocuments(read(t, name))
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(api.ApplyRequest{Documents: want})
		if err != nil {
			t.Fatal(err)
		}
		var got api.ApplyRequest
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Documents); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

const head = "apiVersion: podpass.io/v1alpha1\nkind: "

// mistakes are documents and every line of the error they get. The schema refuses those not marked as beyond it.
var mistakes = []struct {
	name, input string
	want        []string
	beyond      bool // what only the parser or the server can see
}{
	{"no YAML", "a: [", []string{"document 1 (line 1): is not YAML: line 1: did not find expected node content"}, true},
	{"repeated key", head + "Role\nkind: Role\n", []string{"document 1 (line 1): is not YAML: line 3: key \"kind\" already set in map"}, true},
	{"nothing", "# only a comment\n", []string{"the input holds no document"}, true},
	{"text", "hello", []string{
		"document 1 (line 1): is of the wrong type: string where an object is wanted", `document 1 (line 1): apiVersion: is "", want podpass.io/v1alpha1`,
		`document 1 (line 1): kind: is "", want Cluster, Role, Policy, OIDCProvider, Association or ServiceAccount`,
	}, false},
	{"other version", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: shop}", []string{
		`document 1 (ServiceAccount web, line 1): apiVersion: is "v1", want podpass.io/v1alpha1`,
	}, false},
	{"unknown kind", head + "Pod\nmetadata: {name: x}", []string{
		`document 1 (Pod x, line 1): kind: is "Pod", want Cluster, Role, Policy, OIDCProvider, Association or ServiceAccount`,
	}, false},
	{"unknown field", head + "ServiceAccount\nmetadata: {name: web, namespace: shop, label: x}\nspec: {clustre: local}", []string{
		"document 1 (ServiceAccount web, line 1): metadata.label: unknown field",
		"document 1 (ServiceAccount web, line 1): spec.clustre: unknown field",
	}, false},
	{"number for text", head + "Cluster\nmetadata: {name: c}\nspec: {account: 111122223333, issuer: 'https://x', keys: {discovery: true}}", []string{
		"document 1 (Cluster c, line 1): spec.account: is a number where text is wanted: put it in quotes",
	}, false},
	{"a boolean by YAML's rules", head + "ServiceAccount\nmetadata: {name: web, namespace: n}", []string{
		"document 1 (ServiceAccount web, line 1): metadata.namespace: is a bool where text is wanted: put it in quotes",
		"document 1 (ServiceAccount web, line 1): metadata.namespace: is required: the namespace of the service account",
	}, false},
	{"two key sources", head + "Cluster\nmetadata: {name: -c}\nspec: {account: '1', region: x, issuer: 'https://X', keys: {discovery: true, hosted: true}, tokenReview: true}", []string{
		"document 1 (Cluster -c, line 1): metadata.name: a cluster's name has 1–100 letters, digits, - and _, and begins with a letter or digit",
		`document 1 (Cluster -c, line 1): spec.account: account "1" is not 12 digits`,
		`document 1 (Cluster -c, line 1): spec.region: "x" is not a region name such as us-west-2`,
		`document 1 (Cluster -c, line 1): spec.issuer: issuer "https://X" must have its host name in lower case`,
		"document 1 (Cluster -c, line 1): spec.keys: give exactly one of jwks, discovery, kubeconfig and hosted",
		"document 1 (Cluster -c, line 1): spec.tokenReview: needs spec.keys.kubeconfig, to reach the API server with",
	}, false},
	{"no issuer", head + "Cluster\nmetadata: {name: c, namespace: shop, annotations: {a: b}}\nspec: {keys: {discovery: true}}", []string{
		"document 1 (Cluster c, line 1): metadata.namespace: a Cluster has no namespace",
		"document 1 (Cluster c, line 1): metadata.annotations: only a ServiceAccount has annotations",
		"document 1 (Cluster c, line 1): spec.issuer: is required: the iss claim of the cluster's tokens (kubectl get --raw /.well-known/openid-configuration)",
	}, false},
	{"no trust", head + "Role\nmetadata: {name: r}\nspec: {maxSessionDuration: 60, path: team, inlinePolicies: {'a b': 'text', c: null}}", []string{
		"document 1 (Role r, line 1): spec.path: begins and ends with a slash, such as /team/, and has at most 512 printable characters",
		"document 1 (Role r, line 1): spec.maxSessionDuration: is 3600–43200 seconds, not 60",
		"document 1 (Role r, line 1): spec: give exactly one of trust and trustPolicy",
		`document 1 (Role r, line 1): spec.inlinePolicies: "a b" is not a policy name (1–128 letters, digits and _+=,.@-)`,
		"document 1 (Role r, line 1): spec.inlinePolicies.a b: is a policy document: an object with Version and Statement",
		"document 1 (Role r, line 1): spec.inlinePolicies.c: is empty: a policy document is an object",
	}, false},
	{"two trusts", head + "Role\nmetadata: {name: r}\nspec: {trustPolicy: {}, trust: {cluster: '-', namespace: Shop, serviceAccount: s, mechanism: other}}", []string{
		"document 1 (Role r, line 1): spec: give exactly one of trust and trustPolicy",
		`document 1 (Role r, line 1): spec.trust.cluster: "-" is not a cluster's name`,
		`document 1 (Role r, line 1): spec.trust: namespace "Shop" is not a DNS label (lower-case letters, digits and hyphens, at most 63)`,
		`document 1 (Role r, line 1): spec.trust.mechanism: is irsa or pod-identity, not "other"`,
	}, false},
	{"no document", head + "Policy\nmetadata: {name: 'a/b'}\nspec: {}", []string{
		"document 1 (Policy a/b, line 1): metadata.name: has 1–128 letters, digits and _+=,.@-",
		"document 1 (Policy a/b, line 1): spec.document: is required: the policy document",
	}, false},
	{"provider", head + "OIDCProvider\nmetadata: {name: x}\nspec: {url: 'http://x', thumbprints: [abc]}", []string{
		`document 1 (OIDCProvider x, line 1): spec.url: issuer "http://x" must begin with https:// (an issuer with a port or http:// is registered as a Cluster)`,
		"document 1 (OIDCProvider x, line 1): spec.thumbprints[0]: has 3 characters, not 40",
	}, false},
	{"association", head + "Association\nmetadata: {name: Web, tags: {'': x}}\nspec: {cluster: 'a b', policy: {}}", []string{
		"document 1 (Association Web, line 1): metadata.namespace: is required: the namespace of the service account",
		`document 1 (Association Web, line 1): metadata.tags: a key has 1–128 characters and a value at most 256: ""`,
		`document 1 (Association Web, line 1): spec.cluster: "a b" is not a cluster's name`,
		"document 1 (Association Web, line 1): spec.role: is required: a role's name or ARN",
		"document 1 (Association Web, line 1): spec.policy: needs disableSessionTags: true, as on EKS",
	}, false},
	{"association role", head + "Association\nmetadata: {name: web, namespace: shop}\nspec: {role: 'a b'}", []string{
		`document 1 (Association web, line 1): spec.role: "a b" is neither a role's name nor an ARN`,
	}, true},
	{"association globs", head + "Association\nmetadata: {name: 'web-*-', namespace: 'shop*'}\nspec: {role: web}", []string{
		"document 1 (Association web-*-, line 1): metadata: service account \"web-*-\" is neither a DNS name (lower-case letters, digits, hyphens and dots, at most 253) nor a glob of one (* and ?)",
	}, false},
	{"service account", head + "ServiceAccount\nmetadata: {name: a:b, namespace: shop, tags: {a: b}}\nspec: {cluster: /}", []string{
		`document 1 (ServiceAccount a:b, line 1): metadata: service account "a:b" is not a DNS name (lower-case letters, digits, hyphens and dots)`,
		"document 1 (ServiceAccount a:b, line 1): metadata.tags: a ServiceAccount has no tags",
		`document 1 (ServiceAccount a:b, line 1): spec.cluster: "/" is not a cluster's name`,
	}, false},
	{"no name", head + "ServiceAccount\nmetadata: {namespace: shop}", []string{
		"document 1 (ServiceAccount, line 1): metadata.name: is required",
	}, false},
}

func TestEveryMistakeIsToldWithItsPlace(t *testing.T) {
	for _, c := range mistakes {
		t.Run(c.name, func(t *testing.T) {
			_, err := api.ParseDocuments([]byte(c.input))
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(c.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMistakesOfAllDocuments(t *testing.T) {
	input := "\n---\n" + head + "ServiceAccount\nmetadata: {name: web, namespace: shop}\n---\n" + head + "Nothing\nmetadata: {name: x}\n...\nleft: over\n"
	_, err := api.ParseDocuments([]byte(input))
	want := []string{
		`document 2 (Nothing x, line 6): kind: is "Nothing", want Cluster, Role, Policy, OIDCProvider, Association or ServiceAccount`,
		`document 3 (line 11): left: unknown field`,
		`document 3 (line 11): apiVersion: is "", want podpass.io/v1alpha1`,
		`document 3 (line 11): kind: is "", want Cluster, Role, Policy, OIDCProvider, Association or ServiceAccount`,
	}
	if err == nil {
		t.Fatal("accepted")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestInputIsBounded(t *testing.T) {
	for name, input := range map[string]string{
		"long":     strings.Repeat("#", api.MaxInput+1),
		"many":     strings.Repeat("---\n", api.MaxDocuments+1),
		"laughing": "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n",
	} {
		if _, err := api.ParseDocuments([]byte(input)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzParseDocuments(f *testing.F) {
	f.Add(read(f, "shop.yaml"))
	f.Add(read(f, "all.yaml"))
	for _, c := range mistakes {
		f.Add([]byte(c.input))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		documents, err := api.ParseDocuments(input)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		for i := range documents {
			if err := documents[i].Check(); err != nil {
				t.Errorf("accepted with mistakes: %v", err)
			}
			text, err := json.Marshal(documents[i])
			if err != nil {
				t.Fatal(err)
			}
			var again api.Document
			if err := json.Unmarshal(text, &again); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	})
}
