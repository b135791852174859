package control_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

func jwks(t *testing.T) (document, kid string) {
	t.Helper()
	key := must[*token.SigningKey](t)(token.NewSigningKey(rand.Reader))
	return string(must[[]byte](t)(token.JWKS(key))), key.ID
}

func TestRegisterSetsEverythingUp(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	keys, kid := jwks(t)
	request := &api.RegisterClusterRequest{
		Name: "c1", Tags: map[string]string{"stage": "test"},
		ClusterSpec: api.ClusterSpec{Region: "eu-west-1", Issuer: "https://oidc.example.com/id/C1", Keys: api.ClusterKeys{JWKS: keys}, AllowNoPod: true},
	}
	n := s.Audit.Len()
	got := must[*api.RegisterClusterResult](t)(admin.RegisterCluster(ctx, request))
	if e := event(t, s, n); e.Action != "RegisterCluster" || e.Cluster != "c1" || e.Caller == "" || e.Statement == "" {
		t.Errorf("event %+v", e)
	}
	want := api.RegisterClusterResult{Action: api.Created, Cluster: api.Cluster{
		Name: "c1", ARN: "arn:aws:eks:eu-west-1:111122223333:cluster/c1", Account: "111122223333", Region: "eu-west-1",
		Issuer: "https://oidc.example.com/id/C1", KeySource: "jwks", KeyIDs: []string{kid}, AllowNoPod: true, Tags: map[string]string{"stage": "test"},
		Provider:    "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/C1",
		AgentRole:   "arn:aws:iam::111122223333:role/podpass/podpass-agent-c1",
		WebhookRole: "arn:aws:iam::111122223333:role/podpass/podpass-webhook-c1",
	}}
	if diff := cmp.Diff(&want, got, cmpopts.IgnoreFields(api.Cluster{}, "Created")); diff != "" {
		t.Error(diff)
	}

	provider, ok := s.Store.Providers.Get(store.ProviderKey(got.Cluster.Provider))
	if !ok || !slices.Equal(provider.ClientIDs, []string{"sts.amazonaws.com"}) {
		t.Errorf("provider %+v", provider)
	}
	agent, ok := s.Store.Roles.Get(store.RoleKey("111122223333", "podpass-agent-c1"))
	if !ok {
		t.Fatal("the agent has no role")
	}
	if diff := cmp.Diff(store.Documents{{
		Name: "cluster", Text: `{"Version":"2012-10-17","Statement":[{"Action":["eks-auth:AssumeRoleForPodIdentity","podpass:GetClusterKeys","podpass:WatchAssociations"],"Effect":"Allow","Resource":"arn:aws:eks:eu-west-1:111122223333:cluster/c1"}]}`,
	}}, agent.Inline); diff != "" {
		t.Error(diff)
	}
	wantTrust := `{"Version":"2012-10-17","Statement":[{"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{` +
		`"oidc.example.com/id/C1:aud":"sts.amazonaws.com","oidc.example.com/id/C1:sub":"system:serviceaccount:podpass-system:podpass-agent"}},` +
		`"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.example.com/id/C1"}}]}`
	if diff := cmp.Diff(wantTrust, agent.Trust); diff != "" {
		t.Error(diff)
	}

	// Again, and with a flag changed.
	if again := must[*api.RegisterClusterResult](t)(admin.RegisterCluster(ctx, request)); again.Action != api.Unchanged {
		t.Errorf("registering again: %s", again.Action)
	}
	request.AllowNoPod, request.Region = false, "" // the region stays
	if again := must[*api.RegisterClusterResult](t)(admin.RegisterCluster(ctx, request)); again.Action != api.Updated || again.Cluster.AllowNoPod || again.Cluster.Region != "eu-west-1" {
		t.Errorf("registering with a change: %+v", again)
	}
	if shown := must[*api.Cluster](t)(admin.DescribeCluster(ctx, "c1")); shown.AllowNoPod {
		t.Errorf("described: %+v", shown)
	}
	list := must[*api.ListClustersResult](t)(admin.ListClusters(ctx))
	if len(list.Clusters) != 2 || list.Clusters[0].Name != "c1" || list.Clusters[1].Name != podpasstest.Cluster {
		t.Errorf("listed: %+v", list)
	}
}

func TestRegisterRefuses(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	keys, _ := jwks(t)
	spec := func(change func(*api.ClusterSpec)) api.ClusterSpec {
		c := api.ClusterSpec{Issuer: "https://oidc.example.com/id/C1", Keys: api.ClusterKeys{JWKS: keys}}
		change(&c)
		return c
	}
	must[*api.RegisterClusterResult](t)(admin.RegisterCluster(ctx, &api.RegisterClusterRequest{Name: "c1", ClusterSpec: spec(func(*api.ClusterSpec) {})}))
	for _, c := range []struct {
		what, cluster, code, says string
		spec                      api.ClusterSpec
	}{
		{"another issuer", "c1", api.CodeConflict, "podpass cluster deregister c1", spec(func(c *api.ClusterSpec) { c.Issuer = "https://other" })},
		{"another region", "c1", api.CodeConflict, "region us-west-2, not eu-west-1", spec(func(c *api.ClusterSpec) { c.Region = "eu-west-1" })},
		{"a taken issuer", "c2", api.CodeConflict, "another cluster", spec(func(*api.ClusterSpec) {})},
		{"a look-alike", "c2", api.CodeConflict, "scheme only", spec(func(c *api.ClusterSpec) { c.Issuer = "http://oidc.example.com/id/C1" })},
		{"a hosted one's issuer", "c2", api.CodeConflict, "another cluster", spec(func(c *api.ClusterSpec) { c.Issuer = s.Issuer })},
		{"no keys", "c2", api.CodeValidation, "spec.keys", spec(func(c *api.ClusterSpec) { c.Keys = api.ClusterKeys{} })},
		{"unusable keys", "c2", api.CodeValidation, "kubectl get --raw", spec(func(c *api.ClusterSpec) { c.Issuer, c.Keys.JWKS = "https://x", `{"keys":[]}` })},
		{"no JSON", "c2", api.CodeValidation, "cannot be registered so", spec(func(c *api.ClusterSpec) { c.Issuer, c.Keys.JWKS = "https://x", `keys` })},
		{"a bad name", "a.b", api.CodeValidation, "metadata.name", spec(func(*api.ClusterSpec) {})},
		{"an unknown account", "c2", api.CodeValidation, "podpass account create", spec(func(c *api.ClusterSpec) { c.Account, c.Issuer = "999999999999", "https://x" })},
		{"a hosted cluster's own issuer", "c2", api.CodeValidation, "/oidc/c2, not https://x", api.ClusterSpec{Issuer: "https://x", Keys: api.ClusterKeys{Hosted: true}}},
		{"a kubeconfig that runs a program", "c2", api.CodeValidation, "plugin", spec(func(c *api.ClusterSpec) {
			c.Issuer, c.Keys = "https://x", api.ClusterKeys{Kubeconfig: kubeconfig("https://127.0.0.1:1", "", "exec: {apiVersion: client.authentication.k8s.io/v1, command: id, interactiveMode: Never}")}
		})},
		{"a kubeconfig that reads a file", "c2", api.CodeValidation, "--flatten", spec(func(c *api.ClusterSpec) {
			c.Issuer, c.Keys = "https://x", api.ClusterKeys{Kubeconfig: kubeconfig("https://127.0.0.1:1", "", "tokenFile: /etc/passwd")}
		})},
	} {
		_, err := admin.RegisterCluster(ctx, &api.RegisterClusterRequest{Name: c.cluster, ClusterSpec: c.spec})
		if message := refused(t, err, c.code); !strings.Contains(message, c.says) {
			t.Errorf("%s: %q does not say %q", c.what, message, c.says)
		}
	}
	if s.Store.Clusters.Len() != 2 {
		t.Errorf("%d clusters", s.Store.Clusters.Len())
	}
}

// kubeconfig of a server with a CA (base64, "" none) and a user's entry.
func kubeconfig(server, ca, user string) string {
	if ca != "" {
		ca = ", certificate-authority-data: " + ca
	}
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q%s}}]
users: [{name: u, user: {%s}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`, server, ca, user)
}

func TestRegisterTriesTheKeySource(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	keys, _ := jwks(t)

	issuer := ""
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(map[string]any{"issuer": issuer, "jwks_uri": issuer + "/jwks"})
		case "/jwks":
			fmt.Fprint(w, keys)
		default:
			http.NotFound(w, r)
		}
	}))
	defer provider.Close()
	discovery := func(name, of string) error {
		_, err := admin.RegisterCluster(ctx, &api.RegisterClusterRequest{Name: name, ClusterSpec: api.ClusterSpec{Issuer: of, Keys: api.ClusterKeys{Discovery: true}}})
		return err
	}
	issuer = provider.URL
	if err := discovery("found", issuer); err != nil {
		t.Errorf("discovery: %v", err)
	}
	if message := refused(t, discovery("lost", "http://127.0.0.1:1"), api.CodeValidation); !strings.Contains(message, "--jwks-file jwks.json") {
		t.Errorf("unreachable issuer: %q", message)
	}
	if message := refused(t, discovery("other", issuer+"/x"), api.CodeValidation); !strings.Contains(message, "cannot be registered so") {
		t.Errorf("issuer without documents: %q", message)
	}

	apiserver := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/openid/v1/jwks" || r.Header.Get("Authorization") != "Bearer secret-token" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		fmt.Fprint(w, keys)
	}))
	defer apiserver.Close()
	ca := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: apiserver.Certificate().Raw}))
	register := func(tok string) (*api.RegisterClusterResult, error) {
		return admin.RegisterCluster(ctx, &api.RegisterClusterRequest{Name: "kube", ClusterSpec: api.ClusterSpec{
			Issuer: "https://kubernetes.default.svc", Keys: api.ClusterKeys{Kubeconfig: kubeconfig(apiserver.URL, ca, "token: "+tok)},
		}})
	}
	_, err := register("wrong")
	refused(t, err, api.CodeValidation)
	got := must[*api.RegisterClusterResult](t)(register("secret-token"))
	if got.Cluster.KeySource != "apiserver" {
		t.Errorf("%+v", got)
	}
	if text := string(must[[]byte](t)(json.Marshal(got))); strings.Contains(text, "secret-token") || strings.Contains(recorded(t, s), "secret-token") {
		t.Error("the kubeconfig's token was shown")
	}
}

func TestDeregisterLeavesNothing(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	must[*api.ApplyResult](t)(admin.Apply(ctx, &api.ApplyRequest{Documents: documents(t, "shop.yaml")}))
	gone := must[*api.Cluster](t)(admin.DeregisterCluster(ctx, podpasstest.Cluster))
	if gone.Name != podpasstest.Cluster {
		t.Errorf("%+v", gone)
	}
	_, provider := s.Store.Providers.Get(store.ProviderKey(gone.Provider))
	_, agent := s.Store.Roles.Get(store.RoleKey("111122223333", "podpass-agent-local"))
	_, webhook := s.Store.Roles.Get(store.RoleKey("111122223333", "podpass-webhook-local"))
	if s.Store.Clusters.Len() != 0 || s.Store.ServiceAccounts.Len() != 0 || provider || agent || webhook {
		t.Error("something of the cluster is left")
	}
	if _, ok := s.Store.Roles.Get(store.RoleKey("111122223333", "reader")); !ok {
		t.Error("a role of the account's own is gone")
	}
	_, err := admin.DeregisterCluster(ctx, podpasstest.Cluster)
	refused(t, err, api.CodeNotFound)
}

func TestLongClusterNamesHaveRolesOfTheirOwn(t *testing.T) {
	ctx := context.Background()
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	long := strings.Repeat("c", 99)
	roles := map[string]bool{}
	for _, name := range []string{long + "1", long + "2", long} {
		got := must[*api.RegisterClusterResult](t)(admin.RegisterCluster(ctx, &api.RegisterClusterRequest{Name: name, ClusterSpec: api.ClusterSpec{Keys: api.ClusterKeys{Hosted: true}}}))
		roles[got.Cluster.AgentRole], roles[got.Cluster.WebhookRole] = true, true
	}
	if len(roles) != 6 {
		t.Errorf("%d roles for three clusters: %v", len(roles), roles)
	}
}
