package policy

import "strings"

// statement is a compiled Statement.
type statement struct {
	sid          string
	deny         bool
	notPrincipal bool
	notAction    bool
	notResource  bool
	anyPrincipal bool // identity policies have no Principal element
	anyResource  bool // trust policies have no Resource element
	principals   []principal
	actions      []action
	resources    []arnPattern
	conditions   []condition
	start, end   Position
}

// action is a lower-case pattern with wildcard bytes.
type action struct {
	text  string
	shape globShape
}

func compileAction(text string) action {
	return action(compileGlob(wildcards(lowerKey(text))))
}

func (a *action) match(name string) bool {
	switch a.shape {
	case exact:
		return equalFoldASCII(name, a.text)
	case prefix:
		return len(name) >= len(a.text) && equalFoldASCII(name[:len(a.text)], a.text)
	case anything:
		return true
	}
	return matchFold(a.text, name)
}

// String is the pattern as in a policy, in lower case.
func (a *action) String() string {
	text := strings.ReplaceAll(strings.ReplaceAll(a.text, star, "*"), "\xfe", "?")
	if a.shape == prefix {
		text += "*"
	}
	return text
}

// query is a request prepared for many statements.
type query struct {
	*Request
	resource        arnText
	sessionPolicies bool
}

func newQuery(r *Request, p *Policies) query {
	return query{Request: r, resource: cutARN(r.Resource), sessionPolicies: p.Session != nil}
}

// element is where a statement and a request part ways; the order is that of evaluation.
type element uint8

const (
	atAction element = iota
	atPrincipal
	atResource
	atCondition
	matched
)

// match finds the first element that doesn't fit; grant is what a matching Allow is worth to the requester.
func (s *statement) match(q *query) (grant, element) {
	if !s.matchAction(q.Action) {
		return noGrant, atAction
	}
	g := s.matchPrincipal(q)
	if g == noGrant {
		return noGrant, atPrincipal
	}
	if !s.matchResource(q) {
		return noGrant, atResource
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(q.Context, s.deny) {
			return noGrant, atCondition
		}
	}
	return g, matched
}

func (s *statement) matchAction(name string) bool {
	for i := range s.actions {
		if s.actions[i].match(name) {
			return !s.notAction
		}
	}
	return s.notAction
}

func (s *statement) matchPrincipal(q *query) grant {
	switch {
	case s.anyPrincipal:
		return limited
	case !s.notPrincipal:
		return best(s.principals, q.Request, q.sessionPolicies)
	case s.deny && !excepts(s.principals, q.Request):
		return limited
	case !s.deny && best(s.principals, q.Request, q.sessionPolicies) == noGrant:
		return limited
	}
	return noGrant
}

// matchResource: a pattern with a variable that has no value matches nothing, and as NotResource makes the whole statement not match.
func (s *statement) matchResource(q *query) bool {
	if s.anyResource {
		return true
	}
	v := miss
	for i := range s.resources {
		switch s.resources[i].matches(&q.resource, q.Context) {
		case hit:
			return !s.notResource
		case unresolved:
			v = unresolved
		}
	}
	return s.notResource && v == miss
}
