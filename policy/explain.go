package policy

import (
	"strconv"
	"strings"
)

// explainDeny names the statement and what made it match.
func explainDeny(q *query, by found) string {
	why := by.String() + " denies " + q.Action
	if len(by.statement.conditions) == 0 {
		return why
	}
	c := &by.statement.conditions[0]
	return why + ": " + c.describe() + ", " + q.Context.describe(c)
}

// explainRefusal names what lacks an allow, and the statement that came closest: of an Allow whose conditions failed, the condition.
// Trust and resource policies are about one thing, so there a statement with another action or principal is worth naming too.
func explainRefusal(q *query, p *Policies, kind Kind) string {
	why := "no " + kind.String() + " allows " + q.Action
	if q.Resource != "" {
		why += " on " + q.Resource
	}
	sources, least := p.Identity, atResource
	switch kind {
	case ByResource:
		sources, least = p.Resource, atAction
	case ByBoundary:
		sources = p.Boundary
	case BySession:
		sources = p.Session
	}
	if near, at := nearest(q, sources); near.statement != nil && at >= least {
		return why + ": " + near.String() + " did not match: " + near.statement.describe(q, at)
	}
	return why
}

// nearest is the first Allow among those that matched furthest.
func nearest(q *query, sources []Source) (near found, at element) {
	for i := range sources {
		if sources[i].Doc == nil {
			continue
		}
		for j := range sources[i].Doc.statements {
			s := &sources[i].Doc.statements[j]
			if s.deny {
				continue
			}
			if _, e := s.match(q); near.statement == nil || e > at {
				near, at = found{sources[i], s, j}, e
			}
		}
	}
	return near, at
}

// describe says what the element wants and what the request has.
func (s *statement) describe(q *query, at element) string {
	switch at {
	case atAction:
		return elementName("Action", s.notAction) + " wants " + quoteList(s.actionTexts()) + ", the request has " + strconv.Quote(q.Action)
	case atPrincipal:
		return elementName("Principal", s.notPrincipal) + " wants " + quoteList(s.principalTexts()) + ", the request has " + q.Requester.describe()
	case atResource:
		return elementName("Resource", s.notResource) + " wants " + quoteList(s.resourceTexts()) + ", the request has " + strconv.Quote(q.Resource)
	case atCondition:
		for i := range s.conditions {
			if c := &s.conditions[i]; !c.holds(q.Context, s.deny) {
				return c.describe() + ", " + q.Context.describe(c)
			}
		}
	}
	return "it matches"
}

func elementName(name string, not bool) string {
	if not {
		return "Not" + name
	}
	return name
}

// describe says what the condition wants: StringEquals aws:PrincipalTag/team wants "a" or "b".
func (c *condition) describe() string {
	return c.opName + " " + c.name + " wants " + quoteList(c.values)
}

// describe says what the request has for the condition's key, and for the variables in its values.
func (ctx *Context) describe(c *condition) string {
	said := "the request has " + ctx.describeKey(c.key, c.tag)
	c.want.templates(func(t *template) {
		for i := range t.parts {
			if p := &t.parts[i]; p.name != "" {
				said += ", ${" + p.name + "} is " + ctx.describeKey(p.key, p.tag)
			}
		}
	})
	return said
}

func (ctx *Context) describeKey(key string, tag uint32) string {
	switch e := ctx.find(key, tag); {
	case e == nil:
		return "no such key"
	case !e.multi:
		return strconv.Quote(e.one)
	case len(e.many) == 0:
		return "no value"
	default:
		return quoteList(e.many)
	}
}

func (r *Requester) describe() string {
	var said []string
	for _, p := range [...]struct{ kind, value string }{
		{"", r.SessionARN}, {"", r.PrincipalARN}, {"", r.Federated}, {"", r.Service}, {"unique id ", r.UniqueID},
	} {
		if p.value != "" {
			said = append(said, p.kind+strconv.Quote(p.value))
		}
	}
	if said == nil {
		return "no principal"
	}
	return strings.Join(said, ", ")
}

// longList is how many values an explanation shows, and longValue how much of one: it is one line of a log.
const longList, longValue = 4, 256

func quoteList(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	var b strings.Builder
	for i, v := range list {
		if i == longList {
			b.WriteString(" or " + strconv.Itoa(len(list)-longList) + " others")
			break
		}
		if i > 0 {
			b.WriteString(" or ")
		}
		if len(v) > longValue {
			v = strings.ToValidUTF8(v[:longValue], "") + "…"
		}
		b.WriteString(strconv.Quote(v))
	}
	return b.String()
}

func (s *statement) actionTexts() []string {
	out := make([]string, len(s.actions))
	for i := range s.actions {
		out[i] = s.actions[i].String()
	}
	return out
}

func (s *statement) principalTexts() []string {
	out := make([]string, len(s.principals))
	for i := range s.principals {
		out[i] = s.principals[i].value
	}
	return out
}

func (s *statement) resourceTexts() []string {
	out := make([]string, len(s.resources))
	for i := range s.resources {
		out[i] = s.resources[i].source
	}
	return out
}
