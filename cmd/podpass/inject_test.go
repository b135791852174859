package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// What the files lack is read from the cluster if that was asked for; an account that isn't there is said to be missing, and a cluster that
// does not answer stops the work before anything is written.
func TestInjectReadsTheCluster(t *testing.T) {
	kubeconfig, _ := fakeAPIServer(t, "arn:aws:iam::111122223333:role/web", "")
	pod := filepath.Join(t.TempDir(), "pod.yaml")
	write(t, pod, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  serviceAccountName: web\n  containers:\n  - name: a\n")
	for _, test := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{"-n", "shop", "--context", "c"}, exitOK, "value: arn:aws:iam::111122223333:role/web\n", "Pod shop/p: irsa (RoleAnnotated)\n"},
		{[]string{"-n", "other", "--context", "c"}, exitOK, "  - name: a\n", "warning: service account other/web does not exist (UnknownServiceAccount)\n"},
		{[]string{"-n", "shop", "--context", "program"}, exitFailed, "", "get serviceaccount -n shop web"},
		{[]string{"-n", "shop", "--context", "nowhere"}, exitUsage, "", "config get-contexts"},
	} {
		var out, errs bytes.Buffer
		args := append([]string{"podpass", "inject", "-f", pod, "--kubeconfig", kubeconfig}, test.args...)
		code := Run(t.Context(), args, []string{"HOME=" + t.TempDir()}, Stdio{In: strings.NewReader(""), Out: &out, Err: &errs})
		if code != test.code || !strings.Contains(out.String(), test.stdout) || test.stdout == "" && out.Len() > 0 || !strings.Contains(errs.String(), test.stderr) {
			t.Errorf("%v: code %d\n%s\n%s", test.args, code, &out, &errs)
		}
	}
}
