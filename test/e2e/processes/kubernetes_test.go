//go:build e2e

package processes_test

import (
	"testing"

	"github.com/podpass/podpass/test/kubernetes"
	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	rbacclient "k8s.io/client-go/kubernetes/typed/rbac/v1"
)

const roleARN = "arn:aws:iam::111122223333:role/web"

// role trusts the service account shop/web of the cluster prod.
const role = `apiVersion: podpass.io/v1alpha1
kind: Role
metadata: {name: web}
spec:
  trust: {cluster: prod, namespace: shop, serviceAccount: web}
`

// shop makes a cluster with a namespace shop and its service accounts: web has the annotation that names its role, other has none.
func shop(t *testing.T) *kubernetes.Cluster {
	t.Helper()
	cluster := kubernetes.Start(t)
	makeNamespace(t, cluster, "shop")
	makeAccount(t, cluster, "shop", "web", map[string]string{"eks.amazonaws.com/role-arn": roleARN})
	makeAccount(t, cluster, "shop", "other", nil)
	return cluster
}

// registrar is the kubeconfig of a service account that may do what podpass's manual says is enough, and nothing more.
func registrar(t *testing.T, cluster *kubernetes.Cluster) string {
	t.Helper()
	makeNamespace(t, cluster, "podpass")
	makeAccount(t, cluster, "podpass", "authority", nil)
	client, err := rbacclient.NewForConfig(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	for _, may := range []string{"system:service-account-issuer-discovery", "system:auth-delegator"} {
		binding := &rbac.ClusterRoleBinding{
			ObjectMeta: meta.ObjectMeta{Name: "podpass:" + may},
			RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: may},
			Subjects:   []rbac.Subject{{Kind: rbac.ServiceAccountKind, Namespace: "podpass", Name: "authority"}},
		}
		if _, err := client.ClusterRoleBindings().Create(t.Context(), binding, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return cluster.KubeconfigFor(t, requestToken(t, cluster, "podpass", "authority", authentication.TokenRequestSpec{}))
}

func makeNamespace(t *testing.T, cluster *kubernetes.Cluster, name string) {
	t.Helper()
	namespace := &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: name}}
	if _, err := cluster.Client().Namespaces().Create(t.Context(), namespace, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func makeAccount(t *testing.T, cluster *kubernetes.Cluster, namespace, name string, annotations map[string]string) {
	t.Helper()
	account := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Name: name, Annotations: annotations}}
	if _, err := cluster.Client().ServiceAccounts(namespace).Create(t.Context(), account, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func requestToken(t *testing.T, cluster *kubernetes.Cluster, namespace, account string, spec authentication.TokenRequestSpec) string {
	t.Helper()
	out, err := cluster.Client().ServiceAccounts(namespace).
		CreateToken(t.Context(), account, &authentication.TokenRequest{Spec: spec}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return out.Status.Token
}
