package install_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"sigs.k8s.io/yaml"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/install"
	"github.com/podpass/podpass/podpasstest"
)

func TestLint(t *testing.T) {
	for name, values := range shapes {
		result := lint.RunAll("../charts/podpass", valuesOf(t, values), install.Namespace, lint.WithKubeVersion(&common.KubeVersion{Version: "v1.30.0", Major: "1", Minor: "30"}))
		for _, m := range result.Messages {
			if !strings.Contains(m.Err.Error(), "icon is recommended") {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

// Every value has its place in the schema, and every property of the schema is a value: neither can be forgotten.
func TestSchemaHasTheValues(t *testing.T) {
	text, err := os.ReadFile("../charts/podpass/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		t.Fatal(err)
	}
	schemaText, err := os.ReadFile("../charts/podpass/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(schemaText, &schema); err != nil {
		t.Fatal(err)
	}
	properties, ok := schema["properties"].(map[string]any)
	if !ok {
		t.Fatal("the schema has no properties")
	}
	delete(properties, "global") // Helm's, not ours
	compareKeys(t, "", values, schema)
}

func compareKeys(t *testing.T, path string, values, schema map[string]any) {
	t.Helper()
	properties, _ := schema["properties"].(map[string]any)
	if properties == nil {
		return // of any keys, such as labels
	}
	if diff := cmp.Diff(sortedKeys(properties), sortedKeys(values)); diff != "" {
		t.Errorf("keys of %q (-schema +values):\n%s", path, diff)
	}
	if schema["additionalProperties"] != false {
		t.Errorf("%q takes unknown keys", path)
	}
	for key, value := range values {
		inner, isMap := value.(map[string]any)
		property, isObject := properties[key].(map[string]any)
		if isMap && isObject {
			compareKeys(t, path+"."+key, inner, property)
		}
	}
}

func sortedKeys(m map[string]any) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Every line of a value in values.yaml stands below a comment, or in a block whose first line does.
func TestValuesAreCommented(t *testing.T) {
	text, err := os.ReadFile("../charts/podpass/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	documented := false
	for i, line := range strings.Split(string(text), "\n") {
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "":
			documented = false
		case strings.HasPrefix(trimmed, "#"):
			documented = true
		case !documented && !strings.HasSuffix(trimmed, ":"):
			t.Errorf("values.yaml:%d: %q stands below no comment", i+1, line)
		}
	}
}

func TestValuesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ values, want string }{
		"an unknown key":                   {`{sever: {}}`, "'sever' not allowed"},
		"an unknown key below":             {`{server: {storage: {kindd: claim}}}`, "server.storage: additional properties 'kindd' not allowed"},
		"another type":                     {`{webhook: {replicas: two}}`, "webhook.replicas: got string, want integer"},
		"no cluster":                       {`{clusterName: ""}`, "clusterName is missing"},
		"a cluster that cannot be":         {`{clusterName: "a b"}`, "clusterName: "},
		"a cluster that looks like a flag": {`{clusterName: "-x"}`, "clusterName: "},
		"a domain that is none":            {`{clusterDomain: "a: b"}`, "clusterDomain: "},
		"an endpoint with more behind it":  {`{server: {enabled: false}, endpoint: "https://podpass.example #x"}`, "endpoint: "},
		"a directory that is several":      {`{agent: {handoverDirectory: "/run/a, b"}}`, "agent.handoverDirectory: "},
		"a namespace twice":                {`{networkPolicy: {namespaces: [shop, shop]}}`, "networkPolicy.namespaces: "},
		"no image":                         {`{image: {repository: ""}}`, "image.repository is missing"},
		"no digest":                        {`{image: {digest: ""}}`, "image.digest is missing"},
		"half a digest":                    {`{image: {digest: "sha256:00"}}`, "image.digest: "},
		"plain HTTP":                       {`{server: {enabled: false}, endpoint: "http://podpass.example"}`, "endpoint: "},
		"two servers":                      {`{endpoint: "https://podpass.example"}`, "set server.enabled=false"},
		"replicas of one etcd":             {`{server: {replicas: 2}}`, "needs an etcd cluster"},
		"replicas of one claim":            {`{server: {replicas: 2, etcd: {endpoints: ["http://e:2379"]}}}`, "cannot share a claim"},
		"a claim with no name":             {`{server: {storage: {kind: existingClaim}}}`, "existingClaim is missing"},
		"a directory with no name":         {`{server: {storage: {kind: hostPath}}}`, "hostPath is missing"},
		"a certificate nobody knows":       {`{server: {certificateSecret: x}}`, "needs ca"},
		"the CA of nobody":                 {`{ca: "` + oneLine(pem) + `"}`, "makes its own"},
		"a CA that is none":                {`{ca: "nonsense", server: {enabled: false}, endpoint: "https://x.example"}`, "ca: "},
		"an endpoint of nobody":            {`{server: {enabled: false}, pods: {stsEndpoint: true}}`, "pods.stsEndpoint needs a podpass server"},
		"pods' CA of nobody":               {`{server: {enabled: false}, pods: {ca: true}}`, "pods.ca needs a CA"},
		"two more CAs":                     {`{extraCA: {configMap: a, pem: "` + oneLine(pem) + `"}}`, "give one of them"},
		"a guard with no webhook":          {`{webhook: {enabled: false}}`, "guard.enabled needs webhook.enabled"},
		"an account that is a number":      {`{account: 111122223333}`, "account: got number, want string"},
		"an agent that refuses for once":   {`{agent: {maxSurge: 0}}`, "agent.maxSurge: "},
	} {
		_, err := install.Render(t.Context(), valuesOf(t, c.values), "")
		var mistakes *install.ValuesError
		if !errors.As(err, &mistakes) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a ValuesError with %q", name, err, c.want)
		}
	}
}

const jwks = `{"keys":[{"kty":"EC","crv":"P-256","use":"sig","kid":"1","alg":"ES256",` +
	`"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}`

// The roles that agent and webhook take are those the server makes when the cluster is registered, whatever it is called and wherever it stands.
func TestRolesAreTheRegisteredOnes(t *testing.T) {
	server := podpasstest.Start(t)
	client, err := api.New(api.Config{Endpoint: server.URL, Region: podpasstest.Region, Credentials: podpasstest.As(server.Admin), HTTP: http.DefaultClient})
	if err != nil {
		t.Fatal(err)
	}
	for i, cluster := range []string{"prod", strings.Repeat("long-name-", 10)} {
		registered, err := client.RegisterCluster(t.Context(), &api.RegisterClusterRequest{
			Name: cluster, ClusterSpec: api.ClusterSpec{Issuer: fmt.Sprintf("https://%d.issuer.example", i), Keys: api.ClusterKeys{JWKS: jwks}},
		})
		if err != nil {
			t.Fatal(err)
		}
		m := render(t, `{clusterName: "`+cluster+`", region: "`+podpasstest.Region+`", account: "`+string(podpasstest.Account)+`"}`)
		for part, want := range map[string]string{"podpass-agent": registered.Cluster.AgentRole, "podpass-webhook": registered.Cluster.WebhookRole} {
			if got := envOf(t, m, part, "AWS_ROLE_ARN"); got != want {
				t.Errorf("%s of %s takes %s, and registering it made %s", part, cluster, got, want)
			}
		}
	}
	for _, p := range identity.Partitions() {
		arn := envOf(t, render(t, `{region: "`+p.GlobalRegion+`"}`), "podpass-agent", "AWS_ROLE_ARN")
		if want := "arn:" + p.ID + ":iam::111122223333:role/podpass/podpass-agent-prod"; arn != want {
			t.Errorf("in %s: %s, want %s", p.GlobalRegion, arn, want)
		}
	}
}
