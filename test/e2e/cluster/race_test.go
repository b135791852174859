//go:build e2e

package cluster_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Each race is run raced times by racers at once; every really-th pod really runs, which makes 20.
const (
	raced  = 1000
	racers = 6
	really = raced / 20
)

// raceRoles trust every service account of a namespace, one through each mechanism.
func raceRoles(namespace string, irsa ...string) string {
	roles := fmt.Sprintf(`apiVersion: podpass.io/v1alpha1
kind: Role
metadata: {name: %[1]s}
spec:
  trustPolicy:
    Version: "2012-10-17"
    Statement:
    - Effect: Allow
      Principal: {Service: pods.eks.amazonaws.com}
      Action: ["sts:AssumeRole", "sts:TagSession"]
      Condition: {StringEquals: {"aws:RequestTag/kubernetes-namespace": %[1]s}}
---
`, namespace)
	for _, name := range irsa {
		roles += fmt.Sprintf(`apiVersion: podpass.io/v1alpha1
kind: Role
metadata: {name: %s}
spec:
  trustPolicy:
    Version: "2012-10-17"
    Statement:
    - Effect: Allow
      Principal: {Federated: "arn:aws:iam::%s:oidc-provider/kubernetes.default.svc"}
      Action: sts:AssumeRoleWithWebIdentity
      Condition:
        StringEquals: {"kubernetes.default.svc:aud": sts.amazonaws.com}
        StringLike: {"kubernetes.default.svc:sub": "system:serviceaccount:%s:*"}
---
`, name, account, namespace)
	}
	return roles
}

// race runs one raced times, and says how that went.
func (w *world) race(t *testing.T, what string, one func(ctx context.Context, i int) (missed error, err error)) {
	t.Helper()
	w.progress("%s: %d times", what, raced)
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	var next, done, misses atomic.Int64
	var group sync.WaitGroup
	for range racers {
		group.Go(func() {
			for ctx.Err() == nil && !t.Failed() {
				i := int(next.Add(1)) - 1
				if i >= raced {
					return
				}
				missed, err := one(ctx, i)
				if err != nil {
					t.Errorf("round %d: %v", i, err)
					return
				}
				if missed != nil {
					misses.Add(1)
					t.Errorf("round %d missed: %v", i, missed)
				}
				if n := done.Add(1); n%250 == 0 {
					w.progress("%s: %d of %d, %d misses", what, n, raced, misses.Load())
				}
			}
		})
	}
	group.Wait()
	if n := done.Load(); n != raced {
		t.Errorf("%s: %d of %d rounds", what, n, raced)
	}
	t.Logf("%s: %d rounds in %v, %d misses", what, done.Load(), time.Since(began).Round(time.Second), misses.Load())
}

// An association is created through the EKS API and, as soon as that is acknowledged, one kubectl apply makes the service account and a Job.
func TestRaceAssociation(t *testing.T) {
	w := shared(t)
	namespace := w.namespace(t, "race-association", nil)
	w.grant(t, raceRoles(namespace))
	client := w.eks(t)
	jobs := w.admissions(t, namespace)
	var runners sync.WaitGroup
	w.race(t, "association, then kubectl apply of service account and Job", func(ctx context.Context, i int) (error, error) {
		name, gates := fmt.Sprintf("job-%d", i), "[{name: e2e.podpass.io/never}]"
		if i%really == 0 {
			gates = "[]"
		}
		documents := strings.NewReplacer("NAMESPACE", namespace, "NAME", name, "GATES", gates).Replace(raceJob)
		admitted := jobs.of(name)
		id, err := associate(ctx, client, namespace, name, namespace)
		if err != nil {
			return nil, err
		}
		if _, err := w.run(ctx, documents, "kubectl", "apply", "-f", "-"); err != nil {
			return nil, err
		}
		var missed error
		select {
		case pod := <-admitted:
			missed = podIdentity(pod)
			if i%really == 0 {
				runners.Go(func() {
					w.wantCaller(t, namespace, pod.Name, "main", namespace)
					if err := dissociate(context.WithoutCancel(ctx), client, id); err != nil {
						t.Error(err)
					}
				})
				return missed, nil
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("the Job's pod: %w", ctx.Err())
		}
		return missed, dissociate(ctx, client, id)
	})
	runners.Wait()
	w.wantNoRefusals(t, namespace)
}

const raceJob = `apiVersion: v1
kind: ServiceAccount
metadata: {name: NAME, namespace: NAMESPACE}
---
apiVersion: batch/v1
kind: Job
metadata: {name: NAME, namespace: NAMESPACE}
spec:
  backoffLimit: 0
  template:
    spec:
      serviceAccountName: NAME
      restartPolicy: Never
      schedulingGates: GATES
      containers:
      - {name: main, image: "` + image + `", args: [-once]}
`

// wantNoRefusals: a pod that a controller had to create twice would have been no miss, but its refusal would be one of the guard's.
func (w *world) wantNoRefusals(t *testing.T, namespace string) {
	t.Helper()
	events, err := w.client.CoreV1().Events(namespace).List(t.Context(), meta.ListOptions{FieldSelector: "reason=FailedCreate"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events.Items {
		t.Errorf("%s: %s", e.InvolvedObject.Name, e.Message)
	}
}

// A service account with the annotation and a pod of it, back to back.
func TestRaceServiceAccount(t *testing.T) {
	w := shared(t)
	namespace := w.namespace(t, "race-account", nil)
	w.grant(t, raceRoles(namespace, namespace+"-irsa"))
	role := roleARN(namespace + "-irsa")
	var runners sync.WaitGroup
	w.race(t, "service account with annotation, then pod", func(ctx context.Context, i int) (error, error) {
		name := fmt.Sprintf("pod-%d", i)
		object := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Name: name, Annotations: map[string]string{roleAnnotation: role}}}
		pod := newPod(name, name)
		if i%really != 0 {
			gated(pod)
		}
		if _, err := w.client.CoreV1().ServiceAccounts(namespace).Create(ctx, object, meta.CreateOptions{}); err != nil {
			return nil, err
		}
		admitted, err := w.client.CoreV1().Pods(namespace).Create(ctx, pod, meta.CreateOptions{})
		if err != nil {
			return nil, err
		}
		if i%really == 0 {
			runners.Go(func() { w.wantCaller(t, namespace, name, "main", namespace+"-irsa") })
		}
		return irsa(admitted, role), nil
	})
	runners.Wait()
}

// The annotation is changed and the pod recreated at once: it has the new role.
func TestRaceAnnotation(t *testing.T) {
	w := shared(t)
	namespace := w.namespace(t, "race-annotation", nil)
	roles := []string{namespace + "-a", namespace + "-b"}
	w.grant(t, raceRoles(namespace, roles...))
	accounts, pods := w.client.CoreV1().ServiceAccounts(namespace), w.client.CoreV1().Pods(namespace)
	free := make(chan int, racers) // each account and its pod are one round's at a time
	for i := range racers {
		name := fmt.Sprintf("web-%d", i)
		w.serviceAccount(t, namespace, name, roleARN("first"))
		w.createPod(t, namespace, newPod(name, name, gated))
		free <- i
	}
	w.race(t, "annotation changed, then the pod recreated", func(ctx context.Context, i int) (error, error) {
		slot := <-free
		defer func() { free <- slot }()
		name, role := fmt.Sprintf("web-%d", slot), fmt.Sprintf("race-%d", i)
		pod := newPod(name, name)
		if i%really == 0 {
			role = roles[(i/really)%2]
		} else {
			gated(pod)
		}
		patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, roleAnnotation, roleARN(role))
		if _, err := accounts.Patch(ctx, name, types.MergePatchType, []byte(patch), meta.PatchOptions{}); err != nil {
			return nil, err
		}
		if err := pods.Delete(ctx, name, deleteNow); err != nil {
			return nil, err
		}
		admitted, err := pods.Create(ctx, pod, meta.CreateOptions{})
		if err != nil {
			return nil, err
		}
		if i%really == 0 {
			w.wantCaller(t, namespace, name, "main", role)
		}
		return irsa(admitted, roleARN(role)), nil
	})
}
