package associations

import (
	"slices"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
)

// set is the associations of a cluster, by what they name. Nearly all name one account and are found in one look; those with a glob are tried one by one,
// of those with a namespace's name only the namespace's own.
type set struct {
	exact    map[identity.ServiceAccount]struct{}
	within   map[string][]string // by namespace: globs of service accounts
	anywhere []identity.Globs    // those with a glob for the namespace
}

func newSet(all []api.AssociationChange) *set {
	s := &set{exact: make(map[identity.ServiceAccount]struct{}, len(all)), within: map[string][]string{}}
	for _, c := range all {
		s.apply(c)
	}
	return s
}

// apply puts or removes one association. Which role it is for is not known here: two writes of one association are one entry.
func (s *set) apply(c api.AssociationChange) {
	globs := identity.Globs{Namespace: c.Namespace, ServiceAccount: c.ServiceAccount}
	switch {
	case identity.IsGlob(c.Namespace):
		s.anywhere = edit(s.anywhere, globs, c.Deleted)
	case identity.IsGlob(c.ServiceAccount):
		if s.within[c.Namespace] = edit(s.within[c.Namespace], c.ServiceAccount, c.Deleted); len(s.within[c.Namespace]) == 0 {
			delete(s.within, c.Namespace)
		}
	default:
		account := identity.ServiceAccount{Namespace: c.Namespace, Name: c.ServiceAccount}
		if c.Deleted {
			delete(s.exact, account)
		} else {
			s.exact[account] = struct{}{}
		}
	}
}

// edit adds an entry to a list, or removes it, once.
func edit[T comparable](list []T, entry T, remove bool) []T {
	at := slices.Index(list, entry)
	switch {
	case remove && at >= 0:
		return slices.Delete(list, at, at+1)
	case !remove && at < 0:
		return append(list, entry)
	}
	return list
}

// matches reports whether any association names the account. Which of several it would be is the server's to say.
func (s *set) matches(account identity.ServiceAccount) bool {
	if _, ok := s.exact[account]; ok {
		return true
	}
	for _, glob := range s.within[account.Namespace] {
		if identity.Glob(glob, account.Name) {
			return true
		}
	}
	return slices.ContainsFunc(s.anywhere, func(g identity.Globs) bool { return g.Match(account) })
}

func (s *set) len() int {
	n := len(s.exact) + len(s.anywhere)
	for _, globs := range s.within {
		n += len(globs)
	}
	return n
}

func (s *set) entries() []identity.Globs {
	all := slices.Clone(s.anywhere)
	for account := range s.exact {
		all = append(all, identity.Globs{Namespace: account.Namespace, ServiceAccount: account.Name})
	}
	for namespace, globs := range s.within {
		for _, glob := range globs {
			all = append(all, identity.Globs{Namespace: namespace, ServiceAccount: glob})
		}
	}
	return all
}
