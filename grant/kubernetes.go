package grant

import (
	"context"
	"fmt"
	"path"
	"slices"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/podpass/podpass/cluster"
	"github.com/podpass/podpass/identity"
)

// Kubernetes are the service accounts of a real cluster.
func Kubernetes(c *cluster.Client) Accounts { return &kubernetes{c} }

type kubernetes struct{ *cluster.Client }

func (k *kubernetes) Read(ctx context.Context, name identity.ServiceAccount) (*Account, error) {
	read, err := k.ServiceAccounts().Get(ctx, name)
	if err != nil || read == nil {
		return nil, err
	}
	owner, _ := cluster.Owner(read)
	return &Account{Annotations: read.Annotations, Owner: owner}, nil
}

func (k *kubernetes) Create(ctx context.Context, name identity.ServiceAccount, annotations map[string]string) error {
	_, err := k.ServiceAccounts().Create(ctx, name, annotations)
	return err
}

func (k *kubernetes) HasNamespace(ctx context.Context, name string) (bool, error) {
	return k.ServiceAccounts().HasNamespace(ctx, name)
}

// conflicts is how often a change is tried again on what somebody else has changed meanwhile.
const conflicts = 5

func (k *kubernetes) Annotate(ctx context.Context, name identity.ServiceAccount, set map[string]string, remove ...string) error {
	var err error
	for range conflicts {
		var read *core.ServiceAccount
		if read, err = k.ServiceAccounts().Get(ctx, name); err != nil {
			return err
		}
		if read == nil {
			return fmt.Errorf("service account %s does not exist any more", name)
		}
		if _, err = k.ServiceAccounts().Annotate(ctx, read, set, remove); !apierrors.IsConflict(err) {
			return err
		}
	}
	return err
}

// Delete leaves a service account that pods or templates of pods use, or that others have put something into.
func (k *kubernetes) Delete(ctx context.Context, name identity.ServiceAccount) (kept string, err error) {
	read, err := k.ServiceAccounts().Get(ctx, name)
	if err != nil || read == nil {
		return "", err
	}
	if kept := strangers(read); kept != "" {
		return kept, nil
	}
	users, err := k.Workloads().Using(ctx, name)
	if err != nil {
		return "", err
	}
	if len(users) > 0 {
		return fmt.Sprintf("%s uses it", users[0]), nil
	}
	err = k.Pods().Each(ctx, cluster.Which{Namespace: name.Namespace, Fields: "spec.serviceAccountName=" + name.Name}, func(pod *core.Pod) error {
		if pod.Status.Phase != core.PodSucceeded && pod.Status.Phase != core.PodFailed {
			kept = "pod " + pod.Name + " uses it"
		}
		return nil
	})
	if err != nil || kept != "" {
		return kept, err
	}
	return "", k.ServiceAccounts().Delete(ctx, read)
}

// strangers is what a service account has that a grant did not put there.
func strangers(read *core.ServiceAccount) string {
	for key := range read.Annotations {
		if !slices.Contains(Annotations(), key) {
			return "it has the annotation " + key
		}
	}
	switch {
	case len(read.Labels) > 0:
		return "it has labels"
	case len(read.Secrets)+len(read.ImagePullSecrets) > 0:
		return "it has secrets"
	case read.AutomountServiceAccountToken != nil:
		return "it says whether its token is mounted"
	case len(read.OwnerReferences)+len(read.Finalizers) > 0:
		return "it has an owner or a finalizer"
	}
	return ""
}

func (k *kubernetes) Witness(ctx context.Context, name identity.ServiceAccount) (Witness, error) {
	pod, err := k.Probes().Start(ctx, name)
	if err != nil {
		return nil, err
	}
	return &witness{k.Client, name, pod}, nil
}

type witness struct {
	*cluster.Client
	name identity.ServiceAccount
	pod  *core.Pod
}

func (w *witness) Environment() map[string]string {
	out := map[string]string{}
	for _, v := range w.pod.Spec.Containers[0].Env {
		out[v.Name] = v.Value
	}
	return out
}

// Audience is that of the projected token whose volume the variable of either mechanism leads to.
func (w *witness) Audience() string {
	environment := w.Environment()
	file := environment["AWS_WEB_IDENTITY_TOKEN_FILE"]
	if file == "" {
		file = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]
	}
	for _, mount := range w.pod.Spec.Containers[0].VolumeMounts {
		if path.Dir(file) != path.Clean(mount.MountPath) {
			continue
		}
		for _, volume := range w.pod.Spec.Volumes {
			if volume.Name != mount.Name || volume.Projected == nil {
				continue
			}
			for _, source := range volume.Projected.Sources {
				if t := source.ServiceAccountToken; t != nil && t.Path == path.Base(file) {
					return t.Audience
				}
			}
		}
	}
	return ""
}

func (w *witness) Token(ctx context.Context, audience string) (string, error) {
	return w.ServiceAccounts().Token(ctx, w.name, audience, w.pod)
}

func (w *witness) Close(ctx context.Context) error { return w.Probes().Stop(ctx, w.pod) }
