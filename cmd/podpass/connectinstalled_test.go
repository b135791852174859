package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/cluster"
	"github.com/podpass/podpass/cluster/clustertest"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/store"
)

// inFakeCluster is an authority that runs in a fake cluster, and the environment of somebody whose kubeconfig names it.
type inFakeCluster struct {
	*podpasstest.Server
	kubernetes *clustertest.Cluster
	home       string
	env        []string
}

func startInCluster(t *testing.T, name string) *inFakeCluster {
	t.Helper()
	s := podpasstest.Start(t)
	key := cluster.Key{AccessKeyID: s.Admin.AccessKeyID, SecretAccessKey: s.Admin.SecretAccessKey, Region: podpasstest.Region, Cluster: name}
	c := &inFakeCluster{Server: s, kubernetes: clustertest.Start(t, key, s.Handler), home: t.TempDir()}
	c.env = []string{"HOME=" + c.home, "PATH=" + os.Getenv("PATH"), "KUBECONFIG=" + c.kubernetes.Kubeconfig(t)}
	return c
}

// run is a command line's outcome.
func (c *inFakeCluster) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, problems bytes.Buffer
	code = Run(t.Context(), args, c.env, Stdio{Out: &out, Err: &problems})
	return code, out.String(), problems.String()
}

func TestCommandsFindThePodpassOfTheKubeconfig(t *testing.T) {
	c := startInCluster(t, "prod")
	for _, args := range [][]string{
		{"podpass", "cluster", "list"}, {"kubectl-podpass", "cluster", "list"}, {"podpass", "cluster", "list", "--kube-context", clustertest.Context},
	} {
		code, out, problems := c.run(t, args...)
		said := "podpass: speaking to the podpass in the cluster of kubeconfig context test\n"
		if args[0] != "podpass" || len(args) > 3 {
			said = "" // it is what was asked for
		}
		if code != 0 || !strings.Contains(out, podpasstest.Cluster+" ") || problems != said {
			t.Errorf("%q: exit code %d\n%s%s", args, code, out, problems)
		}
	}
	// The cluster meant is the one it runs in, unless another is named.
	if code, _, problems := c.run(t, "kubectl-podpass", "association", "list"); code != 1 || !strings.Contains(problems, "No cluster found for name: prod.") {
		t.Errorf("exit code %d: %s", code, problems)
	}
	if code, _, problems := c.run(t, "kubectl-podpass", "association", "list", "--cluster", podpasstest.Cluster); code != 0 {
		t.Errorf("exit code %d: %s", code, problems)
	}
	c.env = append(c.env, "PODPASS_CLUSTER="+podpasstest.Cluster)
	if code, _, problems := c.run(t, "kubectl-podpass", "association", "list"); code != 0 {
		t.Errorf("exit code %d: %s", code, problems)
	}
}

// What was there before wins: an endpoint in the environment always, an authority of podpass up for podpass, the cluster for kubectl's plugin.
func TestWhichAuthorityIsMeant(t *testing.T) {
	c := startInCluster(t, "prod")
	const nobody = "http://127.0.0.1:1"
	state := filepath.Join(c.home, ".local/state/podpass")
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(state, "env"), string(administratorEnv(nobody, "us-west-2", api.AccessKey{AccessKeyID: "AKIA", SecretAccessKey: "x"}).marshal()))
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA") // the SDK's chain reads the process's environment
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	t.Setenv("AWS_REGION", "eu-west-1")
	for name, tc := range map[string]struct {
		args   []string
		env    string
		wanted string // "" the cluster's
	}{
		"up before the cluster":              {[]string{"podpass", "cluster", "list"}, "", nobody},
		"the plugin's cluster before up":     {[]string{"kubectl-podpass", "cluster", "list"}, "", ""},
		"a context before up":                {[]string{"podpass", "cluster", "list", "--kube-context", "test"}, "", ""},
		"a context by variable":              {[]string{"podpass", "cluster", "list"}, "PODPASS_KUBE_CONTEXT=test", ""},
		"the environment before the cluster": {[]string{"kubectl-podpass", "cluster", "list"}, "AWS_ENDPOINT_URL=http://127.0.0.1:2", "http://127.0.0.1:2"},
		"a context before the environment":   {[]string{"podpass", "cluster", "list", "--kube-context", "test"}, "AWS_ENDPOINT_URL=http://127.0.0.1:2", ""},
		"a directory before the cluster":     {[]string{"kubectl-podpass", "cluster", "list", "--data-dir", state}, "", nobody},
	} {
		var out, problems bytes.Buffer
		code := Run(t.Context(), tc.args, append(c.env, tc.env), Stdio{Out: &out, Err: &problems})
		if reached := code == 0; reached != (tc.wanted == "") || !reached && !strings.Contains(problems.String(), "cannot reach the authority at "+tc.wanted) {
			t.Errorf("%s: exit code %d\n%s%s", name, code, &out, &problems)
		}
	}
}

func TestWaysIntoTheClusterThatAreClosed(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(c *inFakeCluster)
		args  []string
		code  int
		want  []string
	}{
		"not installed": {
			func(c *inFakeCluster) { c.kubernetes.Refuse("/podpass-administrator", 404) }, nil, 1,
			[]string{"kubeconfig context test: podpass is not installed in the cluster", "  try: kubectl podpass install --apply "},
		},
		"not allowed": {
			func(c *inFakeCluster) { c.kubernetes.Refuse("/podpass-administrator", 403) }, nil, 1,
			[]string{"RBAC does not allow it", "  try: kubectl --context test -n podpass-system auth can-i --list "},
		},
		"no port-forward": {
			func(c *inFakeCluster) { c.kubernetes.Refuse("/portforward", 403) }, nil, 1,
			[]string{"RBAC does not allow it", "create pods/portforward"},
		},
		"no pod": {func(c *inFakeCluster) { c.kubernetes.Refuse("/endpointslices", 404) }, nil, 1, []string{"podpass: ", "  try: kubectl"}},
		"another's certificate": {
			func(c *inFakeCluster) { c.kubernetes.Distrust(t) }, nil, 1,
			[]string{"certificate signed by unknown authority", "  try: kubectl --context test -n podpass-system describe configmap podpass-ca "},
		},
		"a key it does not know": {func(c *inFakeCluster) {
			c.kubernetes.SetKey(cluster.Key{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "x", Region: "us-west-2"})
		}, nil, 1, []string{"does not know the key in Secret podpass-administrator", "  try: kubectl -n podpass-system logs "}},
		"no such context": {func(*inFakeCluster) {}, []string{"--kube-context", "none"}, 2, []string{"kubeconfig context none: ", "  try: kubectl config get-contexts"}},
		"two authorities": {func(*inFakeCluster) {}, []string{"--kube-context", "test", "--data-dir", "d"}, 2, []string{"name two authorities"}},
		"a broken kubeconfig": {func(c *inFakeCluster) {
			write(t, filepath.Join(c.home, "broken"), "{")
			c.env = append(c.env, "KUBECONFIG="+filepath.Join(c.home, "broken"))
		}, nil, 2, []string{"podpass: kubeconfig: ", "  try: kubectl config view"}},
		"no kubeconfig": {
			func(c *inFakeCluster) { c.env = append(c.env, "KUBECONFIG=/nonexistent") }, nil, 1,
			[]string{"no authority has been started in", "  try: kubectl podpass up"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := startInCluster(t, "prod")
			tc.spoil(c)
			code, out, problems := c.run(t, append([]string{"kubectl-podpass", "account", "list"}, tc.args...)...)
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			for _, want := range tc.want {
				if !strings.Contains(problems, want) {
					t.Errorf("no %q in:\n%s%s", want, out, problems)
				}
			}
		})
	}
}

// The server writes the rotated key into the Secret; the command waits for that, and shows it to nobody.
func TestRotateInCluster(t *testing.T) {
	c := startInCluster(t, podpasstest.Cluster)
	old := c.Admin.AccessKeyID
	done := make(chan struct{})
	go func() { // as server/incluster does
		defer close(done)
		look := time.NewTicker(10 * time.Millisecond)
		defer look.Stop()
		for range look.C {
			user, _ := c.Store.Users.Get(store.UserKey(string(podpasstest.Account), iam.Administrator))
			for _, k := range c.Store.AccessKeys.By(store.ByUser, user.ID) {
				if k.ID != old {
					c.kubernetes.SetKey(cluster.Key{AccessKeyID: k.ID, SecretAccessKey: k.Secret, Region: podpasstest.Region})
					return
				}
			}
			if t.Context().Err() != nil {
				return
			}
		}
	}()
	code, out, problems := c.run(t, "kubectl-podpass", "admin", "rotate")
	<-done
	if code != 0 || !strings.Contains(out, "Secret         podpass-system/podpass-administrator") || strings.Contains(out, "Secret key") {
		t.Errorf("exit code %d\n%s%s", code, out, problems)
	}
	if code, _, problems := c.run(t, "kubectl-podpass", "account", "list"); code != 0 {
		t.Errorf("with the new key: exit code %d: %s", code, problems)
	}
}

func TestConnectRunsACommand(t *testing.T) {
	c := startInCluster(t, "prod")
	out, err := os.Create(filepath.Join(c.home, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var problems bytes.Buffer
	code := Run(t.Context(), []string{
		"podpass", "connect", "--", "sh", "-c", `echo "$AWS_ENDPOINT_URL $AWS_REGION $AWS_ACCESS_KEY_ID $PODPASS_CLUSTER $AWS_PROFILE"; exit 7`,
	}, append(c.env, "AWS_PROFILE=mine"), Stdio{Out: out, Err: &problems})
	got, _ := os.ReadFile(out.Name())
	if want := " us-west-2 " + c.Admin.AccessKeyID + " prod \n"; code != 7 || !strings.HasPrefix(string(got), "http://127.0.0.1:") || !strings.HasSuffix(string(got), want) {
		t.Errorf("exit code %d: %q\n%s", code, got, &problems)
	}
	for _, args := range [][]string{{"aws", "s3", "ls"}, {"--"}, {"--listen", "0.0.0.0:0", "--", "true"}} {
		if code, _, problems := c.run(t, append([]string{"podpass", "connect"}, args...)...); code == 0 {
			t.Errorf("connect %q: exit code 0: %s", args, problems)
		}
	}
}

// The env file is there as long as the connection, and any SDK can use it, also when the pod was replaced.
func TestConnectStaysOpen(t *testing.T) {
	c := startInCluster(t, "prod")
	ctx, end := context.WithCancel(t.Context())
	defer end()
	lines, out := io.Pipe()
	var problems bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, []string{"podpass", "connect"}, c.env, Stdio{Out: out, Err: &problems})
		out.Close()
	}()
	line, err := bufio.NewReader(lines).ReadString('\n')
	path := filepath.Join(c.home, ".local/state/podpass-connect/env")
	if err != nil || !strings.HasPrefix(line, "ready http://127.0.0.1:") || !strings.HasSuffix(line, "  context test  env "+path+"\n") {
		t.Fatalf("%q, %v\n%s", line, err, &problems)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	file, err := readEnvFile(path)
	if err != nil {
		t.Fatal(err)
	}
	client := sts.New(sts.Options{
		Region: file.get("AWS_REGION"), BaseEndpoint: aws.String(file.get("AWS_ENDPOINT_URL")), HTTPClient: http.DefaultClient,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: file.get("AWS_ACCESS_KEY_ID"), SecretAccessKey: file.get("AWS_SECRET_ACCESS_KEY")}, nil
		}),
	})
	for range 3 {
		who, err := client.GetCallerIdentity(t.Context(), nil)
		if err != nil || *who.Arn != "arn:aws:iam::111122223333:user/admin" {
			t.Fatalf("%+v, %v", who, err)
		}
		c.kubernetes.Replace()
	}
	end()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d: %s", code, &problems)
	}
	if fileExists(path) {
		t.Error("the env file outlived the connection")
	}
}
