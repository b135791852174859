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
	of := func(k *known) bool { return k.podUID == podUID }
	a.gone.put(podUID, struct{}{})
	a.known.removeIf(func(k known) bool { return of(&k) })
	a.entries.removeIf(func(e *entry) bool { return of(&e.known) })
	a.void(of)
}

// AssociationChanged says that an association was written or deleted; namespace and service account may be globs. Credentials of a deleted one
// are gone at once, whatever another association may give: the next fetch asks. Those of one that was written are asked for again by the next
// fetch, and serve on where nobody answers it.
func (a *Agent) AssociationChanged(namespace, serviceAccount string, deleted bool) {
	globs := identity.Globs{Namespace: namespace, ServiceAccount: serviceAccount}
	a.changed(deleted, func(k *known) bool { return globs.Match(k.account) })
}

// AllAssociationsChanged is AssociationChanged where it is not known which: any may have been written, or deleted.
func (a *Agent) AllAssociationsChanged() {
	a.changed(false, func(*known) bool { return true })
}

func (a *Agent) changed(deleted bool, of func(*known) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if deleted {
		a.entries.removeIf(func(e *entry) bool { return of(&e.known) })
	} else {
		a.entries.each(func(_ digest, e *entry) {
			if of(&e.known) {
				e.stale, e.retry = true, time.Time{}
			}
		})
	}
	a.refused.removeIf(func(r refusal) bool { return of(&r.known) })
	a.void(of)
}

// void keeps what flights bring that began before a change out of the cache, and whoever asks after the change from joining them.
func (a *Agent) void(of func(*known) bool) {
	for key, f := range a.flights {
		if of(&f.known) {
			f.void = true
			delete(a.flights, key)
		}
	}
}
