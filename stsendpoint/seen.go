package stsendpoint

import "time"

// Seen is what a pod was given that was made since the annotation was set: as good as a dry run, where none can be had.
type Seen struct{ Value, Pod string }

// webhookLag is how long a webhook may take to see an annotation: pods made within it tell nothing.
const webhookLag = 10 * time.Second

// made reports whether a pod was made since an account's annotation is what it is.
func (a *Account) made(p *Pod) bool {
	return a.Annotated && !a.Since.IsZero() && !p.Raw.CreationTimestamp.Time.Before(a.Since.Add(webhookLag))
}

func (a *Account) tried() bool { return a.Trial != nil && a.Trial.Err == nil }

// see learns from pods what new ones are given. Where they differ, or have what no webhook makes of the annotation, nothing is learned.
func (a *Account) see(pods []*Pod, s Setting) {
	var seen *Seen
	for _, p := range pods {
		for i := range p.Containers {
			c := &p.Containers[i]
			if c.injected() == "" || c.Own.has(Variable) || c.Env[Variable].Source != "" && !c.Env[Variable].From {
				continue
			}
			value := c.Env.inEnv()
			if seen != nil && seen.Value != value || !byAnnotation(OfAnnotation(a.Annotation), s).allows(value) {
				return
			}
			seen = &Seen{Value: value, Pod: p.Raw.Name}
		}
	}
	if seen != nil {
		a.Seen = seen
	}
}

// see learns for those accounts that no dry run tells of.
func (s *Snapshot) see() {
	for _, a := range s.Accounts {
		if a.tried() || !a.Exists || !s.World.Setting.Honoured {
			continue
		}
		var pods []*Pod
		for _, p := range s.Pods {
			if p.account() == a.ServiceAccount && a.made(p) {
				pods = append(pods, p)
			}
		}
		a.see(pods, s.World.Setting)
	}
}

// seeNew learns from the pods that steps have had made.
func (r *Result) seeNew(s *Snapshot) {
	for _, o := range r.Steps {
		a := s.Accounts[accountName(o.Namespace, o.Account)]
		if a == nil || a.tried() || a.Seen != nil || o.Result != resultRestarted || o.Err != nil {
			continue
		}
		old := map[string]bool{}
		for _, p := range o.pods {
			old[string(p.Raw.UID)] = true
		}
		var pods []*Pod
		for _, p := range s.Pods {
			if p.account() == a.ServiceAccount && p.Workload.UID == o.workload.UID && o.workload.UID != "" && !old[string(p.Raw.UID)] {
				pods = append(pods, p)
			}
		}
		a.see(pods, s.World.Setting)
	}
}

// unlearned reports whether a restart is to tell what new pods are given: no dry run does, no pod made since does, and these, which have an identity, are
// older than the annotation.
func (p *planner) unlearned(a *Account, w *split) bool {
	if p.wish.Type != Global || a.tried() || a.Seen != nil {
		return false
	}
	if p.changed[a.ServiceAccount] {
		return true
	}
	for _, pod := range w.fits {
		if a.Since.IsZero() || a.made(pod) {
			return false
		}
	}
	return a.Annotated
}

// identified are those pods that a webhook gave an identity.
func identified(pods []*Pod) (out []*Pod) {
	for _, pod := range pods {
		for i := range pod.Containers {
			if pod.Containers[i].injected() != "" {
				out = append(out, pod)
				break
			}
		}
	}
	return out
}
