package agent

import (
	"time"

	"github.com/podpass/podpass/identity"
)

// ForgetPod drops what belongs to a deleted pod, and refuses its tokens from now on.
func (a *Agent) ForgetPod(podUID string) {
	if podUID == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	of := func(c *claim) bool { return c.podUID == podUID }
	a.gone.put(podUID, struct{}{})
	a.known.removeIf(func(k known) bool { return k.podUID == podUID })
	a.entries.removeIf(func(e *entry) bool { return of(&e.claim) })
	a.roles.removeIf(func(r *podRoles) bool { return r.podUID == podUID })
	a.void(of)
}

// AssociationChanged says that an association was written or deleted; namespace and service account may be globs. Credentials of a deleted one
// are gone at once, whatever another association may give: the next fetch asks. Those of one that was written are asked for again by the next
// fetch, and serve on where nobody answers it. Roles that pods name themselves have nothing to do with it.
func (a *Agent) AssociationChanged(namespace, serviceAccount string, deleted bool) {
	globs := identity.Globs{Namespace: namespace, ServiceAccount: serviceAccount}
	a.changed(deleted, func(c *claim) bool { return globs.Match(c.account) })
}

// AllAssociationsChanged is AssociationChanged where it is not known which: any may have been written, or deleted.
func (a *Agent) AllAssociationsChanged() {
	a.changed(false, func(*claim) bool { return true })
}

func (a *Agent) changed(deleted bool, matches func(*claim) bool) {
	of := func(c *claim) bool { return c.role.IsZero() && matches(c) }
	a.mu.Lock()
	defer a.mu.Unlock()
	if deleted {
		a.entries.removeIf(func(e *entry) bool { return of(&e.claim) })
	} else {
		a.entries.each(func(_ digest, e *entry) {
			if of(&e.claim) {
				e.stale, e.retry = true, time.Time{}
			}
		})
	}
	a.refused.removeIf(func(r refusal) bool { return of(&r.claim) })
	a.void(of)
}

// void keeps what flights bring that began before a change out of the cache, and whoever asks after the change from joining them.
func (a *Agent) void(of func(*claim) bool) {
	for key, f := range a.flights {
		if of(&f.claim) {
			f.void = true
			delete(a.flights, key)
		}
	}
}
