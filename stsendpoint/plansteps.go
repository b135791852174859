package stsendpoint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/podpass/podpass/cluster"
)

// split is a workload's pods.
type split struct {
	workload          *cluster.Workload
	stale, fits, owns []*Pod
	why, whyOwn       string
}

func (w *split) add(pod *Pod, e Expectation) {
	own := ""
	for i := range pod.Containers {
		switch standing, why := stand(pod, &pod.Containers[i], e); standing {
		case Stale:
			w.stale, w.why = append(w.stale, pod), why
			return
		case Own:
			own = why
		}
	}
	if own != "" {
		w.owns, w.whyOwn = append(w.owns, pod), own
		return
	}
	w.fits = append(w.fits, pod)
}

// steps adds what becomes of a workload's pods. Where it is not sure what new pods will be given, those that seem to have it may be concerned as well.
func (p *planner) steps(a *Account, w *split, changes, unsure bool) {
	pods, ifNeeded, why := w.stale, false, w.why
	switch {
	case len(pods) > 0:
	case unsure:
		pods, ifNeeded, why = identified(w.fits), true, "only if a new pod is given something else than these have"
	case p.unlearned(a, w):
		pods, why = identified(w.fits), "what a new pod is given can only be seen of one"
	}
	var rolled, kept []*Pod
	for _, pod := range pods {
		if w.workload.Way == cluster.Rolls && ordinal(pod.Raw.Name) >= int(w.workload.Partition) || w.workload.Partition == 0 {
			rolled = append(rolled, pod)
		} else {
			kept = append(kept, pod)
		}
	}
	if len(rolled) > 0 {
		action, because := p.action(a, w, rolled, changes)
		action, because = spare(a, rolled, action, because)
		p.step(a, w.workload, action, because+why, ifNeeded, rolled)
	}
	if len(kept) > 0 {
		action, because := p.byDeletion("the update strategy's partition keeps these pods as they are; ")
		action, because = spare(a, kept, action, because)
		p.step(a, w.workload, action, because+why, ifNeeded, kept)
	}
}

// spare leaves pods that have an identity as they are where new ones would have none, whatever else was asked for.
func spare(a *Account, pods []*Pod, action Action, because string) (Action, string) {
	if a.Trial == nil || a.Trial.Err != nil || a.Trial.Injected || action == Leave || action == Wait {
		return action, because
	}
	for _, pod := range pods {
		for i := range pod.Containers {
			if way := pod.Containers[i].injected(); way != "" {
				return Leave, fmt.Sprintf("pod %s has an identity (%s), and a new one would be given none: restart it when the webhook gives one again; ", pod.Raw.Name, way)
			}
		}
	}
	return action, because
}

// inVain reports whether pods were made after the annotation was written, by a restart after it: another restart would give them nothing, either.
func inVain(a *Account, w *cluster.Workload, pods []*Pod) bool {
	at, err := time.Parse(time.RFC3339Nano, w.RestartedAt())
	if err != nil || a.Since.IsZero() || !at.After(a.Since) {
		return false
	}
	return !slices.ContainsFunc(pods, func(pod *Pod) bool { return !w.Made(pod.Raw) || !pod.Raw.CreationTimestamp.After(a.Since) })
}

func (p *planner) step(a *Account, w *cluster.Workload, action Action, why string, ifNeeded bool, pods []*Pod) {
	s := Step{
		Kind: w.Kind, Namespace: pods[0].Raw.Namespace, Name: w.Name, Account: a.Name, Action: action, IfNeeded: ifNeeded, Why: why, workload: w, pods: pods,
	}
	for _, pod := range pods {
		s.Pods = append(s.Pods, pod.Raw.Name)
	}
	p.Steps = append(p.Steps, s)
}

// action is what a workload's way makes of it.
func (p *planner) action(a *Account, of *split, pods []*Pod, changes bool) (Action, string) {
	w := of.workload
	switch w.Way {
	case cluster.Rolls:
		// Pods of an older template are about to go: the rollout that a run before this one began has only to be waited for.
		if !changes && !slices.ContainsFunc(pods, func(pod *Pod) bool { return w.Made(pod.Raw) }) {
			return Wait, "its rollout is under way; "
		}
		if !slices.ContainsFunc(pods, func(pod *Pod) bool { return !pod.behind() }) {
			return Wait, "its template has changed, and its rollout is under way; "
		}
		if !changes && inVain(a, w, pods) {
			return Leave, "a restart since the annotation was set gave its pods nothing: the webhook does not reach them, or was down then; "
		}
		return Restart, ""
	case cluster.Paused:
		return Leave, "its rollout is paused, and nothing replaces its pods until it is resumed; "
	case cluster.Scheduled:
		return Leave, "the next run of the CronJob has it; "
	case cluster.Static:
		return Leave, "a static pod, which admission does not reach; "
	case cluster.OnDelete:
		return p.byDeletion("its update strategy is OnDelete: deleted pods are made anew; ")
	case cluster.Remade:
		return p.byDeletion("it has no rollouts: deleted pods are made anew; ")
	case cluster.Ends:
		return p.byDeletion("a Job's pods run to their end: one that is deleted counts as a failure, or as done if it exits with 0; ")
	case cluster.Alone:
		return p.byDeletion("nobody makes this pod anew: once deleted, whoever made it has to make it again; ")
	}
	if err := p.snapshot.Inventory.Unread(w.Kind); err != nil {
		return Leave, fmt.Sprintf("what makes it could not be read, and so not how it is replaced (%v); ", err)
	}
	return p.byDeletion(fmt.Sprintf("%s is no kind of Kubernetes' own, and has its own way to restart; deleted pods are made anew by it; ", w.Kind))
}

func (p *planner) byDeletion(why string) (Action, string) {
	if p.wish.DeletePods {
		return Evict, why
	}
	return Leave, "left alone without --delete-pods: " + why
}

// ordinal is the number at the end of the name of a StatefulSet's pod.
func ordinal(name string) int {
	n, err := strconv.Atoi(name[strings.LastIndex(name, "-")+1:])
	if err != nil {
		return 0
	}
	return n
}
