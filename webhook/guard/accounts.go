package guard

import (
	"strings"
	"sync"
)

// annotated is what an account's annotations say about its role.
type annotated uint8

const (
	silent  annotated = iota // nothing: a mapping may
	valid                    // a role
	invalid                  // something that is no role's ARN: its pods are not injected
)

// mechanism is by which an account's pods get their credentials; the zero value by none.
type mechanism uint8

const (
	none mechanism = iota
	podIdentity
	irsa
)

// String is the value in a list.
func (m mechanism) String() string { return [...]string{"", "pod-identity", "irsa"}[m] }

// state is one account's.
type state struct {
	annotated annotated
	mechanism mechanism
}

// judge says by which mechanism the pods of an account get credentials.
type judge func(namespace, name string, a annotated) mechanism

// accounts are all service accounts of the cluster, of each its name and two bytes: an association by a glob may come to match any of them.
type accounts struct {
	judge judge

	mu         sync.Mutex
	namespaces map[string]map[string]state
	fresh      map[string]map[string]state // while they are listed anew
	listed     int                         // those with a mechanism
}

func newAccounts(judge judge) *accounts {
	return &accounts{judge: judge, namespaces: map[string]map[string]state{}}
}

// begin and end embrace a list of all accounts; it takes the place of what was known before. Namespaces that end returns have changed.
func (a *accounts) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fresh = map[string]map[string]state{}
}

func (a *accounts) end() (changed []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for namespace := range a.namespaces {
		if a.fresh[namespace] == nil {
			changed = append(changed, namespace)
		}
	}
	a.namespaces, a.fresh, a.listed = a.fresh, nil, 0
	for namespace, accounts := range a.namespaces {
		changed = append(changed, namespace)
		for name, s := range accounts {
			s.mechanism = a.judge(namespace, name, s.annotated) // it may be otherwise than when it was put
			accounts[name] = s
			a.count(none, s.mechanism)
		}
	}
	return changed
}

// put takes an account in, and says whether its namespace's list changes.
func (a *accounts) put(namespace, name string, said annotated) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	into := a.namespaces
	if a.fresh != nil {
		into = a.fresh
	}
	was, known := into[namespace][name]
	now := state{said, a.judge(namespace, name, said)}
	if known && was == now {
		return false
	}
	if into[namespace] == nil {
		into[strings.Clone(namespace)] = map[string]state{}
	}
	into[namespace][strings.Clone(name)] = now // not the object that the name is a part of
	if a.fresh != nil {
		return false
	}
	a.count(was.mechanism, now.mechanism)
	return was.mechanism != now.mechanism
}

func (a *accounts) remove(namespace, name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	in := a.namespaces[namespace]
	was := in[name]
	delete(in, name)
	if len(in) == 0 {
		delete(a.namespaces, namespace)
	}
	a.count(was.mechanism, none)
	return was.mechanism != none
}

func (a *accounts) count(was, now mechanism) {
	if was != none {
		a.listed--
	}
	if now != none {
		a.listed++
	}
}

// again judges all accounts anew, and returns the namespaces whose list changes.
func (a *accounts) again() (changed []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for namespace, accounts := range a.namespaces {
		differs := false
		for name, s := range accounts {
			if m := a.judge(namespace, name, s.annotated); m != s.mechanism {
				a.count(s.mechanism, m)
				s.mechanism, differs = m, true
				accounts[name] = s
			}
		}
		if differs {
			changed = append(changed, namespace)
		}
	}
	return changed
}

// list is what is to be in the namespace's ConfigMap.
func (a *accounts) list(namespace string) map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := map[string]string{}
	for name, s := range a.namespaces[namespace] {
		if s.mechanism != none {
			list[name] = s.mechanism.String()
		}
	}
	return list
}

func (a *accounts) total() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.listed
}
