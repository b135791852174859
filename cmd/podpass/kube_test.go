package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/token"
)

// fakeAPIServer answers as a kube-apiserver does where podpass run and cluster register ask it something.
func fakeAPIServer(t *testing.T, role, token string) (kubeconfig string, asked *[]string) {
	asked = new([]string)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces/shop/serviceaccounts/web", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"kind":"ServiceAccount","apiVersion":"v1","metadata":{"name":"web","annotations":{"eks.amazonaws.com/role-arn":%q}}}`, role)
	})
	mux.HandleFunc("POST /api/v1/namespaces/shop/serviceaccounts/web/token", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Spec struct {
				Audiences         []string
				ExpirationSeconds int
				BoundObjectRef    *struct{ Kind, Name, UID string }
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		*asked = append(*asked, fmt.Sprintf("%+v %d %+v %s", in.Spec.Audiences, in.Spec.ExpirationSeconds, in.Spec.BoundObjectRef, r.Header.Get("Authorization")))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","status":{"token":%q,"expirationTimestamp":%q}}`,
			token, time.Now().Add(time.Hour).Format(time.RFC3339))
	})
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"issuer":"https://kubernetes.default.svc"}`)
	})
	server := httptest.NewTLSServer(mux) // client-go sends credentials over TLS only
	t.Cleanup(server.Close)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "token"), "bearer")
	kubeconfig = filepath.Join(dir, "kubeconfig")
	write(t, kubeconfig, fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: none, clusters: [{name: c, cluster: {server: %q, certificate-authority-data: %s}}],
users: [{name: u, user: {tokenFile: token}}, {name: program, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never}}}],
contexts: [{name: c, context: {cluster: c, user: u}}, {name: program, context: {cluster: c, user: program}}]}`, server.URL,
		base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))))
	return kubeconfig, asked
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// homeWith is a home directory whose default data directory is of an authority with this env file.
func homeWith(t *testing.T, env envFile) string {
	t.Helper()
	home := t.TempDir()
	state := filepath.Join(home, ".local/state/podpass")
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(state, "env"), string(env.marshal()))
	return home
}

// A real cluster's token needs nothing of the authority but its address.
func TestRunWithKubeconfig(t *testing.T) {
	kubeconfig, asked := fakeAPIServer(t, "arn:aws:iam::111122223333:role/web", "a.b.c")
	home := homeWith(t, envFile{
		{"AWS_ENDPOINT_URL", "http://127.0.0.1:1"}, {"AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"}, {"AWS_SECRET_ACCESS_KEY", "x"}, {"AWS_REGION", "eu-west-1"},
	})
	out, err := os.Create(filepath.Join(home, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var problems bytes.Buffer
	code := Run(t.Context(), []string{
		"podpass", "run", "-n", "shop", "web", "--mechanism", "irsa", "--kubeconfig", kubeconfig, "--context", "c", "--pod-name", "web-1", "--pod-uid", "u-1",
		"--token-expiration", "3600", "--", "sh", "-c", `cat "$AWS_WEB_IDENTITY_TOKEN_FILE"; echo; echo $AWS_ROLE_ARN $AWS_REGION $AWS_ROLE_SESSION_NAME`,
	}, []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "PATH=" + os.Getenv("PATH")}, Stdio{Out: out, Err: &problems})
	if code != 0 || problems.Len() > 0 {
		t.Fatalf("exit code %d: %s", code, &problems)
	}
	got, _ := os.ReadFile(out.Name())
	if diff := cmp.Diff("a.b.c\narn:aws:iam::111122223333:role/web eu-west-1 web-1\n", string(got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"[sts.amazonaws.com] 3600 &{Kind:Pod Name:web-1 UID:u-1} Bearer bearer"}, *asked); diff != "" {
		t.Error(diff)
	}
	if left, _ := filepath.Glob(filepath.Join(home, privateDirPrefix+"*")); len(left) > 0 {
		t.Errorf("%q was left", left)
	}
}

// What is sent to the server holds the content of the files it names, and nothing the server would have to run.
func TestFlatKubeconfig(t *testing.T) {
	kubeconfig, _ := fakeAPIServer(t, "", "a.b.c")
	flat, err := (&registerConfig{kubeconfig: kubeconfig, context: "c"}).flatKubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(flat, "token: bearer") || strings.Contains(flat, "tokenFile") || strings.Contains(flat, "program") {
		t.Errorf("not self-contained or more than one context:\n%s", flat)
	}
	issuer, err := issuerOf(t.Context(), flat)
	if err != nil || issuer != "https://kubernetes.default.svc" {
		t.Errorf("issuer %q, %v", issuer, err)
	}
	if _, err := (&registerConfig{kubeconfig: kubeconfig, context: "program"}).flatKubeconfig(); err == nil || !strings.Contains(err.Error(), "runs a program") {
		t.Errorf("a kubeconfig that runs a program: %v", err)
	}
	if _, err := (&registerConfig{kubeconfig: kubeconfig, context: "nowhere"}).flatKubeconfig(); err == nil {
		t.Error("a context there isn't was found")
	}
}

// Which roles trust an account of a real cluster is asked about the cluster its tokens are of, and the hints can be typed as they stand.
func TestRunWithKubeconfigAndNoRole(t *testing.T) {
	authority := podpasstest.Start(t)
	authority.AddRole(t, podpasstest.Role{Name: "web", Trusts: []string{"shop/web"}})
	home := homeWith(t, envFile{
		{"AWS_ENDPOINT_URL", authority.URL},
		{"AWS_ACCESS_KEY_ID", authority.Admin.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", authority.Admin.SecretAccessKey},
		{"AWS_REGION", podpasstest.Region},
	})
	stranger := func(c *token.Claims) { c.Issuer = "https://kubernetes.default.svc" }
	for name, tc := range map[string]struct {
		raw  string
		want []string // of what is printed
	}{
		"registered": {authority.Token(t, "shop", "web"), []string{
			"roles that would trust it", "try: podpass run -n shop web --kubeconfig KUBECONFIG --context c --role-arn arn:aws:iam::111122223333:role/web -- true\n",
		}},
		"not registered": {authority.Token(t, "shop", "web", stranger), []string{
			"is not registered", "try: podpass cluster register NAME --kubeconfig KUBECONFIG --context c\n",
		}},
	} {
		kubeconfig, _ := fakeAPIServer(t, "", tc.raw)
		var problems bytes.Buffer
		code := Run(t.Context(), []string{"podpass", "run", "-n", "shop", "web", "--kubeconfig", kubeconfig, "--context", "c", "--", "true"},
			[]string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}, Stdio{Err: &problems})
		printed := strings.ReplaceAll(problems.String(), kubeconfig, "KUBECONFIG")
		for _, want := range tc.want {
			if code != 2 || !strings.Contains(printed, want) {
				t.Errorf("%s: exit code %d, no %q in:\n%s", name, code, want, printed)
			}
		}
	}
}

// With an association, which the registered cluster with the token's issuer has, the mechanism is Pod Identity, and an agent of this process
// hands out the credentials.
func TestRunWithKubeconfigAndAssociation(t *testing.T) {
	authority := podpasstest.Start(t)
	authority.AddRole(t, podpasstest.Role{Name: "pods", Trust: podpasstest.PodIdentityTrust()})
	authority.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "pods"})
	home := homeWith(t, envFile{
		{"AWS_ENDPOINT_URL", authority.URL},
		{"AWS_ACCESS_KEY_ID", authority.Admin.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", authority.Admin.SecretAccessKey},
		{"AWS_REGION", podpasstest.Region},
	})
	stranger := func(c *token.Claims) { c.Issuer = "https://kubernetes.default.svc" }
	const annotated = "arn:aws:iam::111122223333:role/annotated"
	for name, tc := range map[string]struct {
		raw, annotation, mechanism string
		code                       int
		out, problem               string
	}{
		"of a pod":       {authority.PodToken(t, "shop", "web"), "", "auto", 0, "http://127.0.0.1:", ""},
		"before it":      {authority.PodToken(t, "shop", "web"), annotated, "auto", 0, "http://127.0.0.1:", ""},
		"of no pod":      {authority.PodToken(t, "shop", "web", podpasstest.Pod("", "")), "", "auto", 1, "", "--pod-name POD -- sh -c"},
		"not registered": {authority.PodToken(t, "shop", "web", stranger), "", "pod-identity", 2, "", "try: podpass cluster register NAME --kubeconfig "},
		"annotated only": {authority.PodToken(t, "shop", "web", stranger), annotated, "auto", 0, "role/annotated", ""},
		"unreadable":     {"a.b.c", annotated, "auto", 0, "role/annotated", "whether shop/web has an association could not be found out"},
		"nor annotated":  {"a.b.c", "", "auto", 1, "", "podpass: "},
	} {
		kubeconfig, asked := fakeAPIServer(t, tc.annotation, tc.raw)
		out, err := os.Create(filepath.Join(home, "out"))
		if err != nil {
			t.Fatal(err)
		}
		var problems bytes.Buffer
		code := Run(t.Context(), []string{
			"podpass", "run", "-n", "shop", "web", "--kubeconfig", kubeconfig, "--context", "c", "--mechanism", tc.mechanism,
			"--", "sh", "-c", `echo "$AWS_CONTAINER_CREDENTIALS_FULL_URI$AWS_ROLE_ARN"`,
		}, []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "PATH=" + os.Getenv("PATH")}, Stdio{Out: out, Err: &problems})
		got, _ := os.ReadFile(out.Name())
		out.Close()
		if code != tc.code || !strings.Contains(string(got), tc.out) || !strings.Contains(problems.String(), tc.problem) {
			t.Errorf("%s: exit code %d, output %q, problems %q", name, code, got, &problems)
		}
		if tc.code == 0 && tc.problem == "" && problems.Len() > 0 {
			t.Errorf("%s: %s", name, &problems)
		}
		if len(*asked) == 0 || !strings.HasPrefix((*asked)[0], "["+podIdentityAudience+"]") {
			t.Errorf("%s: tokens asked for: %q", name, *asked)
		}
	}
}
