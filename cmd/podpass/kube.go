package main

import (
	"context"
	"fmt"

	"github.com/podpass/podpass/api"
	authentication "k8s.io/api/authentication/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	core "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/clientcmd"
)

// kubeAccount is a service account of a real cluster, reached through a kubeconfig.
type kubeAccount struct {
	accounts  core.ServiceAccountInterface
	name      string
	namespace string
	seconds   int64
	pod       *authentication.BoundObjectReference // nil: bound to no pod
}

// newKubeAccount reads the kubeconfig; it makes no call. An empty namespace is the one of the kubeconfig's context.
func newKubeAccount(c *runConfig) (*kubeAccount, error) {
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: c.kubeconfig}, &clientcmd.ConfigOverrides{CurrentContext: c.context})
	rest, err := loader.ClientConfig()
	if err != nil {
		return nil, usage("kubectl --kubeconfig "+shellPath(c.kubeconfig)+" config get-contexts", "kubeconfig: %w", err)
	}
	rest.ContentType, rest.AcceptContentTypes = "application/json", "application/json"
	client, err := core.NewForConfig(rest)
	if err != nil {
		return nil, failed("kubectl --kubeconfig "+shellPath(c.kubeconfig)+" cluster-info", "kubeconfig: %w", err)
	}
	k := &kubeAccount{
		accounts: client.ServiceAccounts(c.namespace), name: c.name, namespace: c.namespace, seconds: int64(c.expiration.seconds()),
	}
	if c.podName != "" {
		k.pod = &authentication.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: c.podName, UID: types.UID(c.podUID)}
	}
	return k, nil
}

// role is the role the service account's annotation names, "" if none.
func (k *kubeAccount) role(ctx context.Context) (string, error) {
	account, err := k.accounts.Get(ctx, k.name, meta.GetOptions{})
	if err != nil {
		return "", failed(fmt.Sprintf("kubectl get serviceaccount -n %s %s", k.namespace, k.name), "service account %s/%s: %w", k.namespace, k.name, err)
	}
	return account.Annotations[api.RoleARNAnnotation], nil
}

// token asks the API server's TokenRequest for one.
func (k *kubeAccount) token(ctx context.Context, audience string) (issuedToken, error) {
	out, err := k.accounts.CreateToken(ctx, k.name, &authentication.TokenRequest{Spec: authentication.TokenRequestSpec{
		Audiences: []string{audience}, ExpirationSeconds: &k.seconds, BoundObjectRef: k.pod,
	}}, meta.CreateOptions{})
	if err != nil {
		return issuedToken{}, failed(fmt.Sprintf("kubectl auth can-i create serviceaccounts/token -n %s", k.namespace),
			"token for %s/%s: %w", k.namespace, k.name, err)
	}
	return issuedToken{raw: out.Status.Token, expires: out.Status.ExpirationTimestamp.Time}, nil
}
