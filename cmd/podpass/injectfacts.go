package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/webhook"
	"github.com/podpass/podpass/webhook/manifest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	core "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/clientcmd"
)

// injectFacts is what podpass inject knows of service accounts: from the files first, then from a cluster if one was named.
type injectFacts struct {
	accounts   map[identity.ServiceAccount]webhook.Account
	associated []identity.Globs
	cluster    core.ServiceAccountsGetter // nil: not asked
	hint       string                     // where the cluster does not answer
}

func (a *app) injectFacts(ctx context.Context, c *injectConfig, documents []*manifest.Document) (*injectFacts, error) {
	f := &injectFacts{accounts: make(map[identity.ServiceAccount]webhook.Account)}
	for _, d := range documents {
		accounts, err := d.Accounts()
		if err != nil {
			return nil, notAManifest(err)
		}
		for _, account := range accounts {
			if account.Namespace == "" {
				account.Namespace = c.namespace
			}
			f.accounts[identity.ServiceAccount{Namespace: account.Namespace, Name: account.Name}] = webhook.Account{Found: true, Annotations: account.Annotations}
		}
	}
	if err := f.named(c.podIdentity); err != nil {
		return nil, err
	}
	if c.cluster != "" {
		if err := a.injectAssociations(ctx, c, f); err != nil {
			return nil, err
		}
	}
	if c.kubeconfig != "" {
		return f, f.connect(c)
	}
	return f, nil
}

// named takes the associations of the command line.
func (f *injectFacts) named(accounts []string) error {
	var problems []error
	for _, text := range accounts {
		namespace, name, ok := strings.Cut(text, "/")
		if !ok {
			problems = append(problems, fmt.Errorf("--pod-identity %q is not NAMESPACE/SERVICEACCOUNT", text))
		} else if err := identity.CheckGlobs(namespace, name); err != nil {
			problems = append(problems, fmt.Errorf("--pod-identity: %w", err))
		}
		f.associated = append(f.associated, identity.Globs{Namespace: namespace, ServiceAccount: name})
	}
	if err := errors.Join(problems...); err != nil {
		return usage("podpass inject --help", "%w", err)
	}
	return nil
}

func (a *app) injectAssociations(ctx context.Context, c *injectConfig, f *injectFacts) error {
	conn, err := a.connect(ctx, c.connectConfig)
	if err != nil {
		return err
	}
	found, err := listAssociations(ctx, conn.eks(), &eks.ListPodIdentityAssociationsInput{ClusterName: &c.cluster})
	if err != nil {
		return conn.explainAssociation(err, c.cluster, "podpass inject --help")
	}
	for _, association := range found {
		f.associated = append(f.associated, association.globs())
	}
	return nil
}

// connect reads the kubeconfig; it makes no call.
func (f *injectFacts) connect(c *injectConfig) error {
	f.hint = "kubectl --kubeconfig " + shellPath(c.kubeconfig)
	rest, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: c.kubeconfig}, &clientcmd.ConfigOverrides{CurrentContext: c.context}).ClientConfig()
	if err != nil {
		return usage(f.hint+" config get-contexts", "kubeconfig: %w", err)
	}
	rest.ContentType, rest.AcceptContentTypes = "application/json", "application/json"
	rest.Timeout = callTimeout
	if f.cluster, err = core.NewForConfig(rest); err != nil {
		return failed(f.hint+" cluster-info", "kubeconfig: %w", err)
	}
	return nil
}

// of is what is known of an account.
func (f *injectFacts) of(ctx context.Context, namespace, name string) (webhook.Facts, error) {
	who := identity.ServiceAccount{Namespace: namespace, Name: name}
	var facts webhook.Facts
	for _, globs := range f.associated {
		facts.Associated = facts.Associated || globs.Match(who)
	}
	account, ok := f.accounts[who]
	switch {
	case ok:
	case f.cluster != nil:
		object, err := f.cluster.ServiceAccounts(namespace).Get(ctx, name, meta.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return facts, failed(f.hint+" get serviceaccount -n "+namespace+" "+name, "service account %s/%s: %w", namespace, name, err)
		}
		if err == nil {
			account = webhook.Account{Found: true, Annotations: object.Annotations}
		}
		f.accounts[who] = account
	case name == "default":
		account.Found = true // every namespace has it, and files rarely do
	}
	facts.Account = account
	return facts, nil
}
