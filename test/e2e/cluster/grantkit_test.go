//go:build e2e

package cluster_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const otherAccount = "444455556666"

// otherAccount makes one, and a file with its administrator as AWS profile orders.
func (w *world) otherAccount(t *testing.T) (configFile string) {
	t.Helper()
	out := w.must(t, "", "kubectl", "podpass", "account", "create", "orders", "--id", otherAccount, "-o", "json")
	var made struct {
		Administrator struct{ AccessKeyID, SecretAccessKey string }
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.Administrator.AccessKeyID == "" {
		t.Fatalf("%v in %s", err, out)
	}
	path := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf("[profile orders]\nregion = %s\naws_access_key_id = %s\naws_secret_access_key = %s\n", region, made.Administrator.AccessKeyID, made.Administrator.SecretAccessKey)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *world) iam(t *testing.T) *iam.Client {
	t.Helper()
	return iam.NewFromConfig(w.administrator(t))
}

// makeRole makes a role as somebody else would, with a policy of each kind and a tag.
func (w *world) makeRole(t *testing.T, name, trust string) {
	t.Helper()
	client := w.iam(t)
	_, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	if err == nil {
		_, err = client.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("theirs"), PolicyDocument: aws.String(readRoles)})
	}
	if err == nil {
		_, err = client.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: aws.String("arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly")})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// accountSnapshot is everything that grants could change, but what other tests change at the same time: the roles whose name has the namespace's in it,
// providers, associations and service accounts of the namespace.
func (w *world) accountSnapshot(t *testing.T, namespace string) map[string]string {
	t.Helper()
	ctx, client, out := t.Context(), w.iam(t), map[string]string{}
	note := func(key string, err error, value any) {
		text, failed := json.Marshal(value)
		if err != nil || failed != nil {
			t.Fatalf("%s: %v, %v", key, err, failed)
		}
		out[key] = string(text)
	}
	roles, err := client.ListRoles(ctx, &iam.ListRolesInput{MaxItems: aws.Int32(1000)})
	if err != nil {
		t.Fatal(err)
	}
	for _, listed := range roles.Roles {
		name := listed.RoleName
		if !strings.Contains(*name, namespace) {
			continue
		}
		role, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
		note("role "+*name, err, role.Role)
		attached, err := client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
		note("attached to "+*name, err, attached.AttachedPolicies)
		inline, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: name})
		note("inline of "+*name, err, inline.PolicyNames)
		for _, policy := range inline.PolicyNames {
			document, err := client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: &policy})
			note("inline "+policy+" of "+*name, err, document.PolicyDocument)
		}
	}
	providers, err := client.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	note("providers", err, providers.OpenIDConnectProviderList)
	associations, err := w.eks(t).ListPodIdentityAssociations(ctx, &eks.ListPodIdentityAssociationsInput{ClusterName: aws.String(clusterName), Namespace: &namespace})
	note("associations", err, associations.Associations)
	accounts, err := w.client.CoreV1().ServiceAccounts(namespace).List(ctx, meta.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range accounts.Items {
		note("service account "+one.Name, nil, []any{one.UID, one.Labels, one.Annotations, one.Secrets, one.ImagePullSecrets})
	}
	pods, err := w.client.CoreV1().Pods(namespace).List(ctx, meta.ListOptions{LabelSelector: "podpass.io/probe"})
	note("probes", err, slices.Clone(pods.Items))
	return out
}

func (w *world) wantSnapshot(t *testing.T, namespace string, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, w.accountSnapshot(t, namespace)); diff != "" {
		t.Errorf("not as it was (-before +after):\n%s", diff)
	}
}

// user makes an IAM user with a policy and a key.
func (w *world) user(t *testing.T, name, policy string) aws.Credentials {
	t.Helper()
	client := w.iam(t)
	if _, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("all"), PolicyDocument: &policy}); err != nil {
		t.Fatal(err)
	}
	key, err := client.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return aws.Credentials{AccessKeyID: *key.AccessKey.AccessKeyId, SecretAccessKey: *key.AccessKey.SecretAccessKey}
}
