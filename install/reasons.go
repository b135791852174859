package install

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// How much is shown of what a pod says.
const (
	reasonPods   = 3
	reasonEvents = 3
	reasonLines  = 8
	reasonBytes  = 16 << 10
)

// reasons is why a workload is not ready, as far as can be found out: what its pods say of themselves, what was noted about them, and the last
// lines they logged. A workload with no pods is asked about itself.
func (c *Cluster) reasons(ctx context.Context, l workload) []string {
	out := slices.Clone(l.conditions)
	pods, err := c.client.CoreV1().Pods(l.namespace).List(ctx, meta.ListOptions{LabelSelector: meta.FormatLabelSelector(l.selector)})
	if err != nil {
		return append(out, fmt.Sprintf("its pods cannot be listed: %v", err))
	}
	shown := 0
	for _, p := range pods.Items {
		if podReady(&p) || shown == reasonPods {
			continue
		}
		shown++
		out = append(out, c.podReason(ctx, &p))
	}
	if len(pods.Items) == 0 {
		out = append(out, c.events(ctx, l.namespace, l.kind, l.object)...)
	}
	return out
}

// trouble is what keeps a workload's pods from starting, in a few words, for whoever waits.
func (c *Cluster) trouble(ctx context.Context, l workload) string {
	pods, err := c.client.CoreV1().Pods(l.namespace).List(ctx, meta.ListOptions{LabelSelector: meta.FormatLabelSelector(l.selector)})
	if err != nil {
		return ""
	}
	var found []string
	for _, p := range pods.Items {
		for _, cond := range p.Status.Conditions {
			if cond.Type == core.PodScheduled && cond.Status == core.ConditionFalse {
				found = append(found, cond.Reason)
			}
		}
		for _, s := range append(slices.Clone(p.Status.InitContainerStatuses), p.Status.ContainerStatuses...) {
			if w := s.State.Waiting; w != nil && !starting[w.Reason] {
				found = append(found, w.Reason)
			}
		}
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), ", ")
}

// starting is what a container waits for that is about to start.
var starting = map[string]bool{"PodInitializing": true, "ContainerCreating": true, "": true}

func podReady(p *core.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == core.PodReady {
			return c.Status == core.ConditionTrue
		}
	}
	return false
}

func (c *Cluster) podReason(ctx context.Context, p *core.Pod) string {
	lines := []string{fmt.Sprintf("pod %s is %s", p.Name, cmp.Or(string(p.Status.Phase), "Pending"))}
	if p.Spec.NodeName != "" {
		lines[0] += " on " + p.Spec.NodeName
	}
	for _, cond := range p.Status.Conditions {
		if cond.Type == core.PodScheduled && cond.Status == core.ConditionFalse {
			lines = append(lines, cond.Message)
		}
	}
	for _, s := range append(slices.Clone(p.Status.InitContainerStatuses), p.Status.ContainerStatuses...) {
		lines = append(lines, containerReason(s)...)
		if s.RestartCount > 0 || s.State.Running != nil && !s.Ready {
			lines = append(lines, c.lastLines(ctx, p, s)...)
		}
	}
	return strings.Join(slices.Compact(append(lines, c.events(ctx, p.Namespace, "Pod", p.Name)...)), "\n")
}

func containerReason(s core.ContainerStatus) (lines []string) {
	if w := s.State.Waiting; w != nil && !starting[w.Reason] {
		lines = append(lines, strings.TrimSuffix(fmt.Sprintf("container %s: %s: %s", s.Name, w.Reason, w.Message), ": "))
	}
	if s.State.Running != nil && !s.Ready {
		lines = append(lines, fmt.Sprintf("container %s runs and is not ready", s.Name))
	}
	for _, t := range []*core.ContainerStateTerminated{s.State.Terminated, s.LastTerminationState.Terminated} {
		if t != nil && t.ExitCode != 0 {
			lines = append(lines, fmt.Sprintf("container %s ended with %d (%s)", s.Name, t.ExitCode, t.Reason))
		}
	}
	return lines
}

// lastLines are what a container logged last, or the one it was restarted for.
func (c *Cluster) lastLines(ctx context.Context, p *core.Pod, s core.ContainerStatus) []string {
	tail, limit := int64(reasonLines), int64(reasonBytes)
	stream, err := c.client.CoreV1().Pods(p.Namespace).GetLogs(p.Name, &core.PodLogOptions{
		Container: s.Name, Previous: s.State.Running == nil, TailLines: &tail, LimitBytes: &limit,
	}).Stream(ctx)
	if err != nil {
		return nil // a container without a log has other things to say
	}
	defer stream.Close()
	text, _ := io.ReadAll(io.LimitReader(stream, reasonBytes))
	var lines []string
	for line := range strings.Lines(string(text)) {
		lines = append(lines, "log: "+strings.TrimRight(line, "\r\n"))
	}
	return lines
}

// events are the latest warnings about an object.
func (c *Cluster) events(ctx context.Context, namespace, kind, name string) []string {
	found, err := c.client.CoreV1().Events(namespace).List(ctx, meta.ListOptions{
		FieldSelector: "type=Warning,involvedObject.kind=" + kind + ",involvedObject.name=" + name,
	})
	if err != nil {
		return []string{fmt.Sprintf("its events cannot be listed: %v", err)}
	}
	slices.SortFunc(found.Items, func(a, b core.Event) int { return eventTime(&b).Compare(eventTime(&a).Time) })
	var lines []string
	for _, e := range found.Items {
		if line := e.Reason + ": " + e.Message; !slices.Contains(lines, line) && len(lines) < reasonEvents {
			lines = append(lines, line)
		}
	}
	return lines
}

// eventTime is when it was last seen, wherever its maker has put that.
func eventTime(e *core.Event) meta.Time {
	switch {
	case e.Series != nil:
		return meta.NewTime(e.Series.LastObservedTime.Time)
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp
	case !e.EventTime.IsZero():
		return meta.NewTime(e.EventTime.Time)
	}
	return e.CreationTimestamp
}
