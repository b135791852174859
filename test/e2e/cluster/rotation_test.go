//go:build e2e

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// rotation is a pair of pods, one of each mechanism, whose tokens live for the shortest time kubelet allows. They are started with the world.
type rotation struct {
	namespace string
	ended     chan struct{} // closed when both have been judged
	said      map[string]string
	err       error
}

// rotationLimit: kubelet renews at 80 % of 600 s, and looks every few seconds.
const rotationLimit = 13 * time.Minute

func (w *world) startRotation(ctx context.Context) (*rotation, error) {
	r := &rotation{namespace: "rotation", ended: make(chan struct{}), said: map[string]string{}}
	documents := strings.ReplaceAll(`apiVersion: v1
kind: Namespace
metadata: {name: rotation}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: irsa
  namespace: rotation
  annotations:
    eks.amazonaws.com/role-arn: ROLE
    eks.amazonaws.com/token-expiration: "600"
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: pod-identity, namespace: rotation, annotations: {eks.amazonaws.com/token-expiration: "600"}}
`, "ROLE", roleARN("rotation"))
	if _, err := w.run(ctx, documents, "kubectl", "apply", "-f", "-"); err != nil {
		return nil, err
	}
	roles := irsaRole("rotation", r.namespace, "irsa") + podIdentityRole("rotation-pod", r.namespace, "pod-identity") +
		association(r.namespace, "pod-identity", "rotation-pod")
	if _, err := w.run(ctx, roles, "kubectl", "podpass", "apply", "-f", "-"); err != nil {
		return nil, err
	}
	pods := []string{"irsa", "pod-identity"}
	for _, name := range pods {
		// Credentials outlive the token: only a process that begins anew, as each of these calls does, shows what a new token is good for.
		pod := newPod(name, name, looping("-every", "5s", "-fresh"))
		if err := await(ctx, func() error {
			_, err := w.client.CoreV1().Pods(r.namespace).Create(ctx, pod, meta.CreateOptions{})
			return err
		}); err != nil {
			return nil, err
		}
	}
	go func() {
		defer close(r.ended)
		ctx, cancel := context.WithTimeout(ctx, rotationLimit)
		defer cancel()
		for _, name := range pods {
			text, err := w.rotated(ctx, r.namespace, name)
			r.said[name] = text
			r.err = errors.Join(r.err, err)
		}
		if r.err == nil {
			w.progress("the tokens have been rotated: %v", r.said)
		}
	}()
	return r, nil
}

// rotated waits until a pod has made calls with a second token.
func (w *world) rotated(ctx context.Context, namespace, name string) (string, error) {
	again := time.NewTicker(5 * time.Second)
	defer again.Stop()
	for {
		text, err := w.secondToken(ctx, namespace, name)
		if err == nil {
			return text, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%s: %w; at last: %w", name, ctx.Err(), err)
		case <-again.C:
		}
	}
}

// secondToken says when the token was renewed, once the pod has called with it.
func (w *world) secondToken(ctx context.Context, namespace, name string) (string, error) {
	all, err := w.lines(ctx, namespace, name, "main")
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", errNothing
	}
	served, keys := 0, map[string]bool{}
	first := all[0]
	var second said
	for _, one := range all {
		keys[one.Key] = true
		if one.Token != first.Token && one.Error == "" {
			second = one
			served++
		}
	}
	if served < 3 {
		return "", fmt.Errorf("%d calls with a second token, of %d; at last %+v", served, len(all), all[len(all)-1])
	}
	if one := all[len(all)-1]; one.Error != "" {
		return "", fmt.Errorf("at last: %+v", one)
	}
	return fmt.Sprintf("renewed %ds after it was issued, %d calls, %d access keys", second.IssuedAt-first.IssuedAt, len(all), len(keys)), nil
}

// kubelet renews the token, and the SDK goes on with the new one.
func TestRotation(t *testing.T) {
	w := shared(t)
	t.Parallel()
	w.progress("waiting for kubelet to rotate the tokens")
	<-w.rotation.ended
	w.explain(t, w.rotation.namespace)
	if w.rotation.err != nil {
		t.Fatal(w.rotation.err)
	}
	for name, text := range w.rotation.said {
		t.Logf("%s: %s", name, text)
		// Neither sooner than a pod may be served with the old one nor later than its end.
		if !strings.HasPrefix(text, "renewed ") {
			t.Errorf("%s: %q", name, text)
		}
	}
}
