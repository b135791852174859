package stsendpoint

import (
	"context"
	"fmt"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/podpass/podpass/cluster"
)

// evict deletes pod after pod. Where a controller makes each anew, the next one goes when the new one is ready.
func (c *Change) evict(ctx context.Context, s *Step) error {
	before := map[types.UID]int{} // ready pods of each controller
	for i, pod := range s.pods {
		by, waits := remaker(s, pod.Raw)
		if _, counted := before[by]; waits && !counted {
			n, err := c.ready(ctx, s, by)
			if err != nil {
				return err
			}
			before[by] = n
		}
		c.say(s.String(), fmt.Sprintf("evicting pod %d of %d: %s", i+1, len(s.pods), pod.Raw.Name))
		err := c.Reader.Cluster.Pods().Evict(ctx, pod.Raw, func(why string) { c.say(s.String(), "waiting: "+why) })
		if err == nil {
			err = c.gone(ctx, s, pod.Raw, by, before[by])
		}
		if err != nil {
			return fmt.Errorf("%d of its %d pods were evicted: %w", i, len(s.pods), err)
		}
	}
	return nil
}

// gone waits until a pod has gone, and as many as before are ready.
func (c *Change) gone(ctx context.Context, s *Step, pod *core.Pod, by types.UID, before int) error {
	for {
		now, err := c.Reader.Cluster.Pods().Get(ctx, pod.Namespace, pod.Name)
		if err != nil {
			return err
		}
		if now == nil || now.UID != pod.UID {
			ready, err := c.ready(ctx, s, by)
			if err != nil || ready >= before {
				return err
			}
			c.say(s.String(), fmt.Sprintf("%d of %d pods are ready", ready, before))
		}
		if err := c.pause(ctx); err != nil {
			return err
		}
	}
}

// remaker is who makes a pod anew: its very own controller, whatever that one's is, which may not be known. Nobody waits for the next run of a Job, and
// for what nobody makes.
func remaker(s *Step, pod *core.Pod) (types.UID, bool) {
	owner := meta.GetControllerOf(pod)
	switch s.workload.Way {
	case cluster.Ends, cluster.Alone, cluster.Scheduled:
		return "", false
	}
	if owner == nil {
		return "", false
	}
	return owner.UID, true
}

// ready is how many ready pods a controller has; 0 where there is none.
func (c *Change) ready(ctx context.Context, s *Step, by types.UID) (n int, err error) {
	if by == "" {
		return 0, nil
	}
	which := cluster.Which{Namespace: s.Namespace, Fields: "spec.serviceAccountName=" + s.Account}
	return n, c.Reader.Cluster.Pods().Each(ctx, which, func(pod *core.Pod) error {
		if owner := meta.GetControllerOf(pod); owner != nil && owner.UID == by && isReady(pod) {
			n++
		}
		return nil
	})
}

func isReady(pod *core.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == core.PodReady {
			return condition.Status == core.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}
