//go:build e2e

package cluster_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const readRoles = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*"}]}`

// granted is what podpass grant -o json says of one grant.
type granted struct {
	Mechanism, Role, TargetRole, Proved, Error, Undo string
	Steps                                            []struct{ Action, Kind, Object string }
	Warnings                                         []string
}

// podpassGrant runs podpass grant on this cluster and the account of the podpass in it.
func (w *world) podpassGrant(t *testing.T, args ...string) granted {
	t.Helper()
	out := w.must(t, "", "podpass", append([]string{"grant", "--installed", "--yes", "-o", "json"}, args...)...)
	var all struct{ Grants []granted }
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all.Grants) != 1 {
		t.Fatalf("%v in %s", err, out)
	}
	return all.Grants[0]
}

func (w *world) podpassRevoke(t *testing.T, args ...string) string {
	t.Helper()
	return w.must(t, "", "podpass", append([]string{"revoke", "--installed", "--yes", "-o", "json"}, args...)...)
}

// policyFile writes a policy document for podpass grant.
func (w *world) policyFile(t *testing.T, name, document string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".json")
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// From nothing to a pod whose SDK call succeeds, by both mechanisms; again changes nothing; back leaves everything of others as it was.
func TestGrant(t *testing.T) {
	w := shared(t)
	for _, mechanism := range []string{"pod-identity", "irsa"} {
		t.Run(mechanism, func(t *testing.T) {
			namespace := w.namespace(t, "grant", nil)
			before := w.accountSnapshot(t, namespace)
			file := w.policyFile(t, "roles", readRoles)
			args := []string{"-n", namespace, "web", "--mechanism", mechanism, "--policy", "AmazonS3ReadOnlyAccess", "--policy-file", file}
			made := w.podpassGrant(t, args...)
			role := clusterName + "-" + namespace + "-web"
			if made.Mechanism != mechanism || made.Role != roleARN(role) || !strings.Contains(made.Proved, ":assumed-role/"+role+"/") || len(made.Steps) < 4 {
				t.Errorf("granted: %+v", made)
			}
			w.createPod(t, namespace, newPod("web", "web"))
			w.wantCaller(t, namespace, "web", "main", role)
			if again := w.podpassGrant(t, args...); len(again.Steps) != 0 || again.Proved == "" {
				t.Errorf("granted again: %+v", again)
			}
			// The service account stays as long as a pod uses it.
			if out := w.podpassRevoke(t, "-n", namespace, "web"); !strings.Contains(out, "pod web uses it") && !strings.Contains(out, `"service account"`) {
				t.Errorf("revoked: %s", out)
			}
			if err := w.client.CoreV1().Pods(namespace).Delete(t.Context(), "web", deleteNow); err != nil {
				t.Fatal(err)
			}
			w.podpassRevoke(t, "-n", namespace, "web")
			w.wantSnapshot(t, namespace, before)
		})
	}
}

// Auto takes Pod Identity here: the account's EKS API has the cluster and an agent runs on its node. A service account that has a role gets its next
// permission through that one.
func TestGrantMore(t *testing.T) {
	w := shared(t)
	namespace := w.namespace(t, "grant", nil)
	first := w.podpassGrant(t, "-n", namespace, "web", "--policy", "AmazonS3ReadOnlyAccess")
	// As kubectl's plugin it is the podpass in the cluster without being told.
	said := w.must(t, "", "bash", "-c", "kubectl podpass grant --yes -n "+namespace+" web --policy AmazonS3ReadOnlyAccess 2>&1")
	if !strings.Contains(said, "granted already") || !strings.Contains(said, "to take it back: kubectl podpass revoke -n "+namespace+" web --installed\n") {
		t.Errorf("the plugin says %s", said)
	}
	more := w.podpassGrant(t, "-n", namespace, "web", "--policy", "AmazonEC2ContainerRegistryReadOnly")
	if first.Mechanism != "pod-identity" || more.Role != first.Role || len(more.Steps) != 2 {
		t.Errorf("first %+v\nmore %+v", first, more)
	}
	w.podpassRevoke(t, "-n", namespace, "web", "--policy", "AmazonS3ReadOnlyAccess")
	if back := w.podpassGrant(t, "-n", namespace, "web", "--policy", "AmazonEC2ContainerRegistryReadOnly"); len(back.Steps) != 0 {
		t.Errorf("the policy that was not revoked: %+v", back)
	}
	w.podpassRevoke(t, "-n", namespace, "web")
}

// Everything of others comes back byte for byte: a role with a trust policy written by hand as one object, policies, tags, a service account with labels
// and an annotation.
func TestGrantAdopts(t *testing.T) {
	w := shared(t)
	for _, mechanism := range []string{"pod-identity", "irsa"} {
		t.Run(mechanism, func(t *testing.T) {
			namespace := w.namespace(t, "adopt", nil)
			name := "theirs-" + namespace
			w.makeRole(t, name, `{ "Version":"2012-10-17",
  "Statement" : {"Sid":"Ci","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+account+`:root"},"Action":"sts:AssumeRole",
    "Condition":{"StringLike":{"aws:PrincipalArn":["arn:aws:iam::*:role/ci-*"]}}} }`)
			object := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{
				Name: "web", Labels: map[string]string{"app.kubernetes.io/managed-by": "Helm"}, Annotations: map[string]string{"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": namespace, "theirs": "1"},
			}}
			if _, err := w.client.CoreV1().ServiceAccounts(namespace).Create(t.Context(), object, meta.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			before := w.accountSnapshot(t, namespace)
			made := w.podpassGrant(t, "-n", namespace, "web", "--mechanism", mechanism, "--role", name, "--policy", "AmazonS3ReadOnlyAccess", "--policy", "AmazonEC2ContainerRegistryReadOnly")
			if made.Role != roleARN(name) || made.Proved == "" {
				t.Errorf("%+v", made)
			}
			if warned := strings.Contains(fmt.Sprint(made.Warnings), "Helm release "+namespace+"/web"); warned != (mechanism == "irsa") {
				t.Errorf("warnings %q", made.Warnings)
			}
			w.podpassRevoke(t, "-n", namespace, "web")
			w.wantSnapshot(t, namespace, before)
		})
	}
}

// A role of another account, by Pod Identity through a role of this one and by IRSA directly.
func TestGrantAcrossAccounts(t *testing.T) {
	w := shared(t)
	config := w.otherAccount(t)
	for _, mechanism := range []string{"pod-identity", "irsa"} {
		t.Run(mechanism, func(t *testing.T) {
			namespace := w.namespace(t, "across", nil)
			before := w.accountSnapshot(t, namespace)
			line := "AWS_CONFIG_FILE=" + config + " podpass grant --installed --yes -o json -n " + namespace + " web --mechanism " + mechanism + " --target-role orders-" + namespace +
				" --target-profile orders --policy AmazonS3ReadOnlyAccess"
			var all struct{ Grants []granted }
			if err := json.Unmarshal([]byte(w.shell(t, line)), &all); err != nil {
				t.Fatal(err)
			}
			if proved := all.Grants[0].Proved; !strings.HasPrefix(proved, "arn:aws:sts::"+otherAccount+":assumed-role/orders-"+namespace+"/") {
				t.Errorf("proved by %q", proved)
			}
			w.createPod(t, namespace, newPod("web", "web"))
			until(t, "the pod has asked", func() error {
				lines, err := w.lines(t.Context(), namespace, "web", "main")
				if err == nil && (len(lines) == 0 || !strings.HasPrefix(lines[0].ARN, "arn:aws:sts::"+otherAccount+":assumed-role/orders-"+namespace+"/")) {
					err = fmt.Errorf("%+v", lines)
				}
				return err
			})
			if err := w.client.CoreV1().Pods(namespace).Delete(t.Context(), "web", deleteNow); err != nil {
				t.Fatal(err)
			}
			w.shell(t, "AWS_CONFIG_FILE="+config+" podpass revoke --installed --yes -n "+namespace+" web --target-profile orders")
			w.wantSnapshot(t, namespace, before)
			if left := w.shell(t, "AWS_CONFIG_FILE="+config+" podpass grant --installed --dry-run -n "+namespace+" web --mechanism "+mechanism+" --target-role orders-"+namespace+" --target-profile orders --policy AmazonS3ReadOnlyAccess 2>&1"); !strings.Contains(left, "create role arn:aws:iam::"+otherAccount) {
				t.Errorf("the other account's role is still there: %s", left)
			}
		})
	}
}
