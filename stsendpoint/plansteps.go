package stsendpoint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	if len(pods) == 0 && unsure {
		pods, ifNeeded, why = w.fits, true, "only if a new pod is given something else than these have"
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
		action, because := p.action(w.workload, rolled, changes)
		p.step(a, w.workload, action, because+why, ifNeeded, rolled)
	}
	if len(kept) > 0 {
		action, because := p.byDeletion("the update strategy's partition keeps these pods as they are; ")
		p.step(a, w.workload, action, because+why, ifNeeded, kept)
	}
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
func (p *planner) action(w *cluster.Workload, pods []*Pod, changes bool) (Action, string) {
	switch w.Way {
	case cluster.Rolls:
		// Pods of an older template are about to go: the rollout that a run before this one began has only to be waited for.
		if !changes && !slices.ContainsFunc(pods, func(pod *Pod) bool { return w.Made(pod.Raw) }) {
			return Wait, "its rollout is under way; "
		}
		return Restart, ""
	case cluster.Paused:
		return Leave, fmt.Sprintf("its rollout is paused: kubectl rollout resume -n %s deployment/%s; ", w.Namespace, w.Name)
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
		return p.byDeletion(fmt.Sprintf("what makes it could not be read (%v); ", err))
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
