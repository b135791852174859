package stsendpoint

import (
	"context"
	"fmt"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podpass/podpass/cluster"
)

// evict deletes pod after pod. Where a controller makes each anew, the next one goes when the new one is ready.
func (c *Change) evict(ctx context.Context, s *Step) error {
	before, err := c.ready(ctx, s)
	if err != nil {
		return err
	}
	for i, pod := range s.pods {
		c.say(s.String(), fmt.Sprintf("evicting pod %d of %d: %s", i+1, len(s.pods), pod.Raw.Name))
		err := c.Reader.Cluster.Pods().Evict(ctx, pod.Raw, func(why string) { c.say(s.String(), "waiting: "+why) })
		if err == nil {
			err = c.gone(ctx, s, pod.Raw, before)
		}
		if err != nil {
			return fmt.Errorf("%d of its %d pods were evicted: %w", i, len(s.pods), err)
		}
	}
	return nil
}

// gone waits until a pod has gone, and as many as before are ready.
func (c *Change) gone(ctx context.Context, s *Step, pod *core.Pod, before int) error {
	for {
		now, err := c.Reader.Cluster.Pods().Get(ctx, pod.Namespace, pod.Name)
		if err != nil {
			return err
		}
		if now == nil || now.UID != pod.UID {
			ready, err := c.ready(ctx, s)
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

// ready is how many ready pods a workload has that makes each anew; 0 for others, which nobody waits for.
func (c *Change) ready(ctx context.Context, s *Step) (n int, err error) {
	switch s.workload.Way {
	case cluster.OnDelete, cluster.Remade, cluster.Rolls:
	default:
		return 0, nil
	}
	which := cluster.Which{Namespace: s.Namespace, Fields: "spec.serviceAccountName=" + s.Account}
	return n, c.Reader.Cluster.Pods().Each(ctx, which, func(pod *core.Pod) error {
		if owner := meta.GetControllerOf(pod); owner != nil && owner.UID == s.workload.UID && isReady(pod) {
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
