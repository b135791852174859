package stsendpoint

import (
	"fmt"

	"github.com/podpass/podpass/identity"
)

func (p *planner) refuse(code Code, format string, args ...any) {
	p.Refusals = append(p.Refusals, Finding{code, fmt.Sprintf(format, args...)})
}

func (p *planner) warn(code Code, format string, args ...any) {
	f := Finding{code, fmt.Sprintf(format, args...)}
	for _, has := range p.Warnings {
		if has == f {
			return
		}
	}
	p.Warnings = append(p.Warnings, f)
}

// unless refuses what is asked for, or only warns of it where it is to be done anyway.
func (p *planner) unless(code Code, format string, args ...any) {
	if p.wish.Anyway {
		p.warn(code, format, args...)
		return
	}
	p.refuse(code, format+" (--anyway goes on nevertheless)", args...)
}

// ofAccount says what is to be known before an account is changed.
func (p *planner) ofAccount(a *Account, plan AccountPlan, expect Expectation) {
	tried := a.Trial != nil && a.Trial.Err == nil
	switch {
	case !a.Exists:
		p.refuse(NoAccount, "service account %s does not exist", a)
		return
	case tried && !a.Trial.Injected && a.Role != "":
		p.unless(NotInjected, "service account %s has a role, and a new pod would not be given it: pods that are restarted now would lose their identity. Is the webhook up?", a)
	case tried && !a.Trial.Injected && a.Given:
		p.unless(NotInjected, "pods of service account %s have an identity, and a new one would be given none: pods that are restarted now would lose theirs. Is the webhook up?", a)
	case a.Role == "" && !(tried && a.Trial.Injected):
		p.warn(NoRole, "service account %s has no annotation %s: the setting has no effect on its pods yet, unless it has an association", a, roleARN)
	}
	if plan.Changes && a.Managed != "" {
		p.warn(Managed, "service account %s is kept by %s: its next sync undoes the change, unless it is made there, too", a, a.Managed)
	}
	if a.Trial != nil && a.Trial.Err != nil {
		p.warn(NoTrial, "what a new pod of %s is given cannot be asked for: %v", a, a.Trial.Err)
	}
	if !plan.Changes && tried && a.Trial.Injected {
		for _, f := range ofNewValue(p.wish.Type, a.Trial.Value) {
			p.ofNew(f)
		}
	}
}

// ofNew refuses what would have pods restarted for nothing, or for something that breaks them.
func (p *planner) ofNew(f Finding) {
	if f.Code == GlobalNotInjected {
		p.warn(f.Code, "%s", f.Text)
		return
	}
	p.unless(f.Code, "%s", f.Text)
}

// ofOwn says which workloads the annotation does not reach. Where it reaches none it is refused.
func (p *planner) ofOwn(a *Account, workloads []*split) {
	reached, own := 0, 0
	for _, w := range workloads {
		if host := w.endpoint(); host != "" {
			p.warn(OwnEndpoint, "pods of service account %s are told to call %s as STS: for SDKs that read that the type plays no part", a, host)
		}
		reached += len(w.stale) + len(w.fits)
		for _, pod := range w.stale {
			if pod.behind() { // its successor sets it itself
				reached, own = reached-1, own+1
			}
		}
		if own += len(w.owns); len(w.owns) > 0 {
			p.warn(OwnVariable, "%s: %s", w.workload, w.whyOwn)
		}
	}
	if own > 0 && reached == 0 && p.wish.Type != Default {
		p.refuse(OwnVariable, "the annotation of service account %s reaches none of its pods: set %s in their workloads' templates", a, Variable)
	}
}

// endpoint is the STS that a workload's pods are told to call, "" for none.
func (w *split) endpoint() string {
	for _, pods := range [][]*Pod{w.stale, w.fits, w.owns} {
		for _, pod := range pods {
			for i := range pod.Containers {
				if u := pod.Containers[i].Env.endpoint(); u != "" {
					return hostOf(u)
				}
			}
		}
	}
	return ""
}

// world says what the cluster, its regions and its network make of the wish.
func (p *planner) world() {
	w := p.snapshot.World
	if !w.Setting.Honoured && p.wish.Type != Default {
		p.refuse(ClusterTooOld, "%s", w.Setting.Why)
	}
	if w.Version.EKS && w.Setting.Default == Global && w.Setting.Honoured && w.Platform == "" {
		p.warn(ClusterTooOld, "%s", w.Setting.Why)
	}
	if n := w.Network; n != nil && n.Closed {
		switch {
		case p.wish.Type == Global:
			p.unless(GlobalUnreachable, "%s: pods that use the global STS would time out", closed(n))
		case !n.STS:
			p.warn(RegionalUnreachable, "no subnet of the cluster has a default route, and VPC %s has no endpoint of STS: pods reach no STS at all", n.VPC)
		}
	}
	for _, region := range p.regions() {
		switch {
		case p.wish.Type == Global && identity.PartitionOf(region).ID != "aws":
			p.refuse(NoGlobalEndpoint, "%s: %s", region, globalReach(region))
		case p.wish.Type == Global && globalReach(region) != "":
			p.warn(NoGlobalEndpoint, "%s", globalReach(region))
		}
		if state := w.OptIn[region]; state.OptIn && !state.In {
			p.warn(RegionNotEnabled, "%s has to be opted into, and the account has not: no credentials are valid there", region)
		}
	}
}

// regions are those of the pods, else the cluster's.
func (p *planner) regions() []string {
	var out []string
	seen := map[string]bool{"": true}
	for _, pod := range p.snapshot.Pods {
		if !seen[pod.Region] {
			seen[pod.Region] = true
			out = append(out, pod.Region)
		}
	}
	if len(out) == 0 && p.snapshot.World.Region != "" {
		return []string{p.snapshot.World.Region}
	}
	return out
}

func (p *planner) urls() {
	for _, region := range p.regions() {
		p.Presigned = append(p.Presigned, PresignedURLs(region))
	}
}

// Changes reports whether there is anything to do, or to be looked at whether it is to be done.
func (p *Plan) Changes() bool {
	for _, a := range p.Accounts {
		if a.Changes {
			return true
		}
	}
	for _, s := range p.Steps {
		if s.Action != Leave {
			return true
		}
	}
	return false
}

// has finds the step of a plan that a later one has become; what was not shown to whoever agreed is not done.
func (p *Plan) has(s *Step) bool {
	for i := range p.Steps {
		if p.Steps[i].workload.UID == s.workload.UID && p.Steps[i].workload.Name == s.workload.Name {
			return true
		}
	}
	return false
}
