package oidc

import (
	"slices"
	"time"

	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

// Schedule says how keys are rotated. The zero value of a field is its default.
type Schedule struct {
	Interval         time.Duration // a key's age at which the next is published; default 7 days, as EKS
	PublicationDelay time.Duration // how long a key is published before it signs; default 5 minutes
	TokenLife        time.Duration // longest life of a token; default 24 hours
}

// Defaults of a Schedule.
const (
	DefaultInterval         = 7 * 24 * time.Hour
	DefaultPublicationDelay = 5 * time.Minute
	DefaultTokenLife        = 24 * time.Hour
)

func (s Schedule) complete() Schedule {
	if s.Interval == 0 {
		s.Interval = DefaultInterval
	}
	if s.PublicationDelay == 0 {
		s.PublicationDelay = DefaultPublicationDelay
	}
	if s.TokenLife == 0 {
		s.TokenLife = DefaultTokenLife
	}
	return s
}

// The life of a key: published (neither Active nor Retired), active (signs), retired (still published), gone. The functions below change
// the record they are given and belong inside an Update, so that two replicas that do the same at once do it once.

// Signer is the key that signs now: the newest active one. It is nil only for a cluster that isn't hosted.
func Signer(c *store.Cluster) *store.SigningKey {
	for i := len(c.SigningKeys) - 1; i >= 0; i-- {
		if k := &c.SigningKeys[i]; k.Active && k.Retired.IsZero() {
			return k
		}
	}
	return nil
}

// Pending is the key that is published and doesn't sign yet; nil if there is none.
func Pending(c *store.Cluster) *store.SigningKey {
	for i := range c.SigningKeys {
		if k := &c.SigningKeys[i]; !k.Active && k.Retired.IsZero() {
			return k
		}
	}
	return nil
}

// Publish adds a key that doesn't sign yet, unless one is pending already. The first key of a cluster signs at once: nobody has verified
// anything yet.
func Publish(c *store.Cluster, k store.SigningKey) bool {
	if Pending(c) != nil {
		return false
	}
	k.Active = Signer(c) == nil
	c.SigningKeys = append(slices.Clone(c.SigningKeys), k)
	return true
}

// Advance does what is due at now: the pending key begins to sign, retired keys are withdrawn. It reports whether c changed.
func (s Schedule) Advance(c *store.Cluster, now time.Time) bool {
	s = s.complete()
	list := slices.Clone(c.SigningKeys)
	changed := false
	if p := Pending(c); p != nil && !now.Before(s.Signs(p)) {
		for i := range list {
			switch k := &list[i]; {
			case k.ID == p.ID:
				k.Active = true
			case k.Active:
				k.Active, k.Retired = false, now
			}
		}
		changed = true
	}
	kept := slices.DeleteFunc(list, func(k store.SigningKey) bool { return !k.Retired.IsZero() && !now.Before(s.withdrawn(&k)) })
	if changed = changed || len(kept) < len(c.SigningKeys); changed {
		c.SigningKeys = kept
	}
	return changed
}

// Due reports whether the next key is to be published.
func (s Schedule) Due(c *store.Cluster, now time.Time) bool {
	signer := Signer(c)
	return Pending(c) == nil && (signer == nil || !now.Before(signer.Created.Add(s.complete().Interval)))
}

// Next is when the schedule has something to do for c again.
func (s Schedule) Next(c *store.Cluster, now time.Time) time.Time {
	s = s.complete()
	next := now
	if signer := Signer(c); signer != nil {
		next = signer.Created.Add(s.Interval)
	}
	if p := Pending(c); p != nil {
		next = s.Signs(p)
	}
	for i := range c.SigningKeys {
		if k := &c.SigningKeys[i]; !k.Retired.IsZero() && s.withdrawn(k).Before(next) {
			next = s.withdrawn(k)
		}
	}
	return next
}

// Signs is when a published key begins to sign.
func (s Schedule) Signs(k *store.SigningKey) time.Time {
	return k.Created.Add(s.complete().PublicationDelay)
}

// withdrawn is when no token that a retired key signed can be accepted any more, the leeway on expiry included.
func (s Schedule) withdrawn(k *store.SigningKey) time.Time {
	return k.Retired.Add(s.TokenLife + token.Leeway)
}
