package install

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/kube"
	apps "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
)

// pollEvery is how often what is waited for is looked at.
const pollEvery = 500 * time.Millisecond

// patientClient is Helm's client, but for waiting: Helm's own says nothing while it waits, and not why it waited in vain.
type patientClient struct {
	kube.Interface
	waiter *waiter
}

func (c *patientClient) GetWaiter(kube.WaitStrategy) (kube.Waiter, error) { return c.waiter, nil }

func (c *patientClient) GetWaiterWithOptions(kube.WaitStrategy, ...kube.WaitOption) (kube.Waiter, error) {
	return c.waiter, nil
}

// waiter waits for the workloads of a release.
type waiter struct {
	ctx     context.Context // Helm's interface has none
	cluster *Cluster
	shown   map[string]string
}

func (c *Cluster) waiter(ctx context.Context) *waiter {
	return &waiter{ctx: ctx, cluster: c, shown: map[string]string{}}
}

// A NotReadyError says which workloads did not become ready, and why.
type NotReadyError struct {
	After     time.Duration
	Workloads []Unready
}

// Unready is a workload that did not become ready.
type Unready struct {
	Workload string   // kind and name
	State    string   // how far it got
	Reasons  []string // what its pods and events say, may be of several lines each
}

func (e *NotReadyError) Error() string {
	var out strings.Builder
	fmt.Fprintf(&out, "not ready after %v:", e.After)
	for _, w := range e.Workloads {
		fmt.Fprintf(&out, "\n%s: %s", w.Workload, w.State)
		for _, reason := range w.Reasons {
			fmt.Fprintf(&out, "\n  %s", strings.ReplaceAll(reason, "\n", "\n    "))
		}
	}
	return out.String()
}

// Wait returns when each Deployment and DaemonSet runs what was applied, and nothing older.
func (w *waiter) Wait(resources kube.ResourceList, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(w.ctx, timeout)
	defer cancel()
	again := time.NewTicker(pollEvery)
	defer again.Stop()
	last := map[string]workload{} // as it was last seen: what cannot be asked any more has not changed
	for {
		var waiting []workload
		sure := true
		for _, r := range resources {
			kind := r.Mapping.GroupVersionKind.Kind
			if kind != "Deployment" && kind != "DaemonSet" {
				continue
			}
			l, err := w.cluster.workload(ctx, kind, r.Namespace, r.Name)
			switch {
			case err == nil:
				last[l.name] = l
				w.show(l)
			case ctx.Err() == nil && !passing(err):
				return err
			default:
				sure = false
				if seen, ok := last[l.name]; ok {
					l = seen
				}
			}
			if !l.ready {
				waiting = append(waiting, l)
			}
		}
		if len(waiting) == 0 && sure {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			if w.ctx.Err() != nil {
				return w.ctx.Err()
			}
			return w.late(timeout, waiting)
		}
	}
}

// show tells of a workload whenever that is new.
func (w *waiter) show(l workload) {
	if line := l.name + ": " + l.state; l.state != "" && w.shown[l.name] != line {
		w.shown[l.name] = line
		w.cluster.say("%s", line)
	}
}

// late asks, with time of its own, why.
func (w *waiter) late(timeout time.Duration, waiting []workload) error {
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	out := &NotReadyError{After: timeout}
	for _, l := range waiting {
		if l.selector == nil {
			out.Workloads = append(out.Workloads, Unready{Workload: l.name, State: "could not be asked about"})
			continue
		}
		out.Workloads = append(out.Workloads, Unready{Workload: l.name, State: l.state, Reasons: w.cluster.reasons(ctx, l)})
	}
	return out
}

// WaitWithJobs is Wait: there are no jobs.
func (w *waiter) WaitWithJobs(resources kube.ResourceList, timeout time.Duration) error {
	return w.Wait(resources, timeout)
}

// WatchUntilReady is for hooks, of which there are none.
func (w *waiter) WatchUntilReady(kube.ResourceList, time.Duration) error { return nil }

// WaitForDelete returns when all is gone, the workloads' pods included.
func (w *waiter) WaitForDelete(resources kube.ResourceList, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(w.ctx, timeout)
	defer cancel()
	for _, r := range resources {
		client := dynamic.ResourceInterface(w.cluster.objects.Resource(r.Mapping.Resource))
		if r.Namespaced() {
			client = w.cluster.objects.Resource(r.Mapping.Resource).Namespace(r.Namespace)
		}
		what := strings.ToLower(r.Mapping.GroupVersionKind.Kind) + " " + r.Name
		if err := w.gone(ctx, what, func() (bool, error) {
			_, err := client.Get(ctx, r.Name, meta.GetOptions{})
			return apierrors.IsNotFound(err), ignore(err, apierrors.IsNotFound)
		}); err != nil {
			return err
		}
	}
	return w.gone(ctx, "pods of podpass", func() (bool, error) {
		pods, err := w.cluster.client.CoreV1().Pods(Namespace).List(ctx, meta.ListOptions{LabelSelector: ours})
		return err == nil && len(pods.Items) == 0, err
	})
}

// ours selects the pods of the chart.
const ours = "app.kubernetes.io/name=podpass"

// gone asks until it is.
func (w *waiter) gone(ctx context.Context, what string, ask func() (bool, error)) error {
	again := time.NewTicker(pollEvery)
	defer again.Stop()
	for said := false; ; said = true {
		done, err := ask()
		if done {
			return nil
		}
		if err != nil && ctx.Err() == nil && !passing(err) {
			return err
		}
		if !said {
			w.cluster.say("waiting for the end of %s", what)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			if w.ctx.Err() != nil {
				return w.ctx.Err()
			}
			return fmt.Errorf("%s: still there", what)
		}
	}
}

// passing reports whether asking again may help: the API server is busy, or starting again.
func passing(err error) bool {
	return apierrors.IsTooManyRequests(err) || apierrors.IsInternalError(err) || apierrors.IsServerTimeout(err) || apierrors.IsServiceUnavailable(err) ||
		apierrors.IsTimeout(err) || !errors.As(err, new(apierrors.APIStatus)) // the connection
}

func ignore(err error, kind func(error) bool) error {
	if kind(err) {
		return nil
	}
	return err
}

// workload is how far a Deployment or DaemonSet has got.
type workload struct {
	kind, namespace string
	object          string // its name
	name            string // as it is shown
	state           string
	ready           bool
	selector        *meta.LabelSelector
	conditions      []string // that say what is wrong with it
}

func (c *Cluster) workload(ctx context.Context, kind, namespace, object string) (workload, error) {
	l := workload{kind: kind, namespace: namespace, object: object, name: strings.ToLower(kind) + " " + object}
	if kind == "DaemonSet" {
		d, err := c.client.AppsV1().DaemonSets(namespace).Get(ctx, object, meta.GetOptions{})
		if err != nil {
			return l, err
		}
		l.daemonSet(d)
	} else {
		d, err := c.client.AppsV1().Deployments(namespace).Get(ctx, object, meta.GetOptions{})
		if err != nil {
			return l, err
		}
		l.deployment(d)
	}
	if !l.ready {
		if trouble := c.trouble(ctx, l); trouble != "" {
			l.state += ": " + trouble
		}
	}
	return l, nil
}

func (l *workload) deployment(d *apps.Deployment) {
	want, s := int32(1), d.Status
	if d.Spec.Replicas != nil {
		want = *d.Spec.Replicas
	}
	l.selector = d.Spec.Selector
	current := s.ObservedGeneration >= d.Generation
	l.ready = current && s.UpdatedReplicas == want && s.AvailableReplicas == want && s.Replicas == want
	l.state = progress(current, l.ready, min(s.UpdatedReplicas, s.AvailableReplicas), want, s.Replicas-s.UpdatedReplicas)
	for _, c := range d.Status.Conditions {
		if c.Type == apps.DeploymentReplicaFailure && c.Status == "True" {
			l.conditions = append(l.conditions, c.Message)
		}
	}
}

func (l *workload) daemonSet(d *apps.DaemonSet) {
	s := d.Status
	l.selector = d.Spec.Selector
	current := s.ObservedGeneration >= d.Generation
	l.ready = current && s.UpdatedNumberScheduled == s.DesiredNumberScheduled && s.NumberAvailable == s.DesiredNumberScheduled
	l.state = progress(current, l.ready, min(s.UpdatedNumberScheduled, s.NumberAvailable), s.DesiredNumberScheduled, 0)
	if l.ready && s.DesiredNumberScheduled == 0 {
		l.state = "ready, on no node: none fits it"
	}
}

func progress(current, ready bool, have, want, old int32) string {
	switch {
	case !current:
		return "not looked at yet by its controller"
	case ready:
		return fmt.Sprintf("ready, %d of %d", want, want)
	case have >= want && (have > want || old > 0):
		return fmt.Sprintf("%d of %d ready, others are ending", want, want)
	}
	return fmt.Sprintf("%d of %d ready", max(0, have), want)
}
