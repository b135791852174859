package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// restartedAt is what "kubectl rollout restart" changes in a template, so that its pods are replaced.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// Errors of Restart and Rollout, beside those of the API server.
var (
	ErrReplaced   = errors.New("it was deleted, or made anew, since it was read")
	ErrNoRollouts = errors.New("it knows no rollout")
	ErrPaused     = errors.New("its rollout is paused")
)

// restartTries bounds how often a restart is tried again because the workload was changed meanwhile, as its controller does all the time.
const restartTries = 10

// Restart has a workload replace its pods as its strategy has it, as "kubectl rollout restart" does. It reports false, and does nothing, where somebody
// else has restarted it since it was read: that restart does as well. Only a workload that Rolls can be restarted. Errors don't name the workload.
func (w Workloads) Restart(ctx context.Context, of *Workload, at time.Time) (bool, error) {
	for try := 1; ; try++ {
		now, err := w.current(ctx, of)
		if err != nil {
			return false, err
		}
		switch {
		case now.Way == Paused:
			return false, ErrPaused
		case now.Way != Rolls:
			return false, ErrNoRollouts
		case now.RestartedAt() != of.RestartedAt():
			return false, nil
		}
		err = w.patch(ctx, now, at)
		if apierrors.IsConflict(err) && try < restartTries {
			continue
		}
		return err == nil, err
	}
}

// patch is refused with a conflict where the workload is not as it was read, so that of two restarts at once one sees the other.
func (w Workloads) patch(ctx context.Context, of *Workload, at time.Time) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": of.UID, "resourceVersion": of.Object.GetResourceVersion()},
		"spec":     map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": map[string]any{restartedAt: at.UTC().Format(time.RFC3339Nano)}}}},
	})
	if err != nil {
		return err
	}
	options := meta.PatchOptions{FieldManager: fieldManager}
	switch of.Kind {
	case "Deployment":
		_, err = w.kube.AppsV1().Deployments(of.Namespace).Patch(ctx, of.Name, types.StrategicMergePatchType, patch, options)
	case "StatefulSet":
		_, err = w.kube.AppsV1().StatefulSets(of.Namespace).Patch(ctx, of.Name, types.StrategicMergePatchType, patch, options)
	case "DaemonSet":
		_, err = w.kube.AppsV1().DaemonSets(of.Namespace).Patch(ctx, of.Name, types.StrategicMergePatchType, patch, options)
	default:
		err = ErrNoRollouts
	}
	return err
}

// Rollout is how far a workload is with replacing its pods.
type Rollout struct {
	Done, Failed bool
	Message      string
}

// Rollout asks how far a workload is; errors don't name it. Those without rollouts are done when they have as many ready pods as they should have.
func (w Workloads) Rollout(ctx context.Context, of *Workload) (Rollout, error) {
	now, err := w.current(ctx, of)
	if err != nil {
		return Rollout{}, err
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(now.Object)
	if err != nil {
		return Rollout{}, err
	}
	object := &unstructured.Unstructured{Object: content}
	object.SetAPIVersion(now.APIVersion)
	object.SetKind(now.Kind)
	found, err := status.Compute(object)
	if err != nil {
		return Rollout{}, err
	}
	message := found.Message
	if strings.Contains(message, "latest observed generation") {
		message = "its controller has not seen the change yet"
	}
	return Rollout{Done: found.Status == status.CurrentStatus, Failed: found.Status == status.FailedStatus, Message: message}, nil
}

// current reads a workload anew.
func (w Workloads) current(ctx context.Context, of *Workload) (now *Workload, err error) {
	switch of.Kind {
	case "Deployment":
		now, err = read(deployment)(w.kube.AppsV1().Deployments(of.Namespace).Get(ctx, of.Name, meta.GetOptions{}))
	case "StatefulSet":
		now, err = read(statefulSet)(w.kube.AppsV1().StatefulSets(of.Namespace).Get(ctx, of.Name, meta.GetOptions{}))
	case "DaemonSet":
		now, err = read(daemonSet)(w.kube.AppsV1().DaemonSets(of.Namespace).Get(ctx, of.Name, meta.GetOptions{}))
	case "ReplicaSet":
		now, err = read(replicaSet)(w.kube.AppsV1().ReplicaSets(of.Namespace).Get(ctx, of.Name, meta.GetOptions{}))
	case "ReplicationController":
		now, err = read(replicationController)(w.kube.CoreV1().ReplicationControllers(of.Namespace).Get(ctx, of.Name, meta.GetOptions{}))
	default:
		return nil, ErrNoRollouts
	}
	if apierrors.IsNotFound(err) || err == nil && now.Object.GetUID() != of.UID {
		return nil, ErrReplaced
	}
	if err != nil {
		return nil, err
	}
	now.Namespace, now.Name, now.UID = of.Namespace, of.Name, of.UID
	return now, nil
}

func read[T any](workload func(T) *Workload) func(T, error) (*Workload, error) {
	return func(object T, err error) (*Workload, error) {
		if err != nil {
			return nil, err
		}
		return workload(object), nil
	}
}

// applied is the pod that somebody gave to kubectl apply, without what admission added to it; nil where nobody did.
func applied(pod *core.Pod) *core.PodTemplateSpec {
	var said core.Pod
	if json.Unmarshal([]byte(pod.Annotations[core.LastAppliedConfigAnnotation]), &said) != nil || len(said.Spec.Containers) == 0 {
		return nil
	}
	return &core.PodTemplateSpec{ObjectMeta: said.ObjectMeta, Spec: said.Spec}
}
