package policy

import (
	"strconv"
	"unicode/utf8"
)

// line is an explanation being written.
type line []byte

// explainDeny names the statement and, when it has conditions, the first of them.
func explainDeny(q *query, by found) string {
	l := make(line, 0, 256)
	l.statement(&by)
	l.add(" denies ")
	l.name(q.Action)
	if len(by.statement.conditions) > 0 {
		l.add(": ")
		l.condition(&by.statement.conditions[0], q.Context)
	}
	return string(l)
}

// explainRefusal names what lacks an allow, and the statement that came closest: of an Allow whose conditions failed, the condition.
// Trust and resource policies are about one thing, so there a statement with another action or principal is worth naming too.
func explainRefusal(q *query, p *Policies, kind Kind) string {
	l := make(line, 0, 512)
	l.add("no ", kind.String(), " allows ")
	l.name(q.Action)
	if q.Resource != "" {
		l.add(" on ")
		l.name(q.Resource)
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
		l.add(": ")
		l.statement(&near)
		l.add(" did not match: ")
		l.mismatch(near.statement, q, at)
	}
	return string(l)
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

func (l *line) add(texts ...string) {
	for _, t := range texts {
		*l = append(*l, t...)
	}
}

// longList is how many values an explanation shows, and longValue how much of one: it is one line of a log.
const longList, longValue = 4, 256

// name writes an action, ARN or Sid plainly if it is what such names are, else quoted: nobody's name may break the line.
func (l *line) name(text string) {
	if len(text) > longValue || !isPrintable(text) {
		l.quote(text)
		return
	}
	l.add(text)
}

func (l *line) quote(text string) {
	if len(text) <= longValue {
		*l = strconv.AppendQuote(*l, text)
		return
	}
	end := longValue
	for end > longValue-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	*l = strconv.AppendQuote(*l, text[:end])
	l.add("…")
}

// list writes n values: "a" or "b" or 3 others.
func (l *line) list(n int, value func(i int) string) {
	if n == 0 {
		l.add("nothing")
	}
	for i := range n {
		switch {
		case i == longList:
			l.add(" or ", strconv.Itoa(n-longList), " others")
			return
		case i > 0:
			l.add(" or ")
		}
		l.quote(value(i))
	}
}

func (l *line) statement(f *found) {
	// Counted from 1, as people count; Match.Index counts from 0.
	l.add(f.source.ID, ": statement ", strconv.Itoa(f.index+1))
	if f.statement.sid != "" {
		l.add(" (")
		l.name(f.statement.sid)
		l.add(")")
	}
}

// mismatch says what the element wants and what the request has.
func (l *line) mismatch(s *statement, q *query, at element) {
	switch at {
	case atAction:
		l.wants("Action", s.notAction, len(s.actions), func(i int) string { return s.actions[i].String() })
		l.quote(q.Action)
	case atPrincipal:
		l.wants("Principal", s.notPrincipal, len(s.principals), func(i int) string { return s.principals[i].value })
		l.requester(&q.Requester)
	case atResource:
		l.wants("Resource", s.notResource, len(s.resources), func(i int) string { return s.resources[i].source })
		l.quote(q.Resource)
	case atCondition:
		for i := range s.conditions {
			if c := &s.conditions[i]; !c.holds(q.Context, s.deny) {
				l.condition(c, q.Context)
				return
			}
		}
	case matched:
		l.add("it matches, but belongs to another kind of policy")
	}
}

func (l *line) wants(element string, not bool, n int, value func(i int) string) {
	if not {
		l.add("Not")
	}
	l.add(element, " wants ")
	l.list(n, value)
	l.add(", the request has ")
}

func (l *line) requester(r *Requester) {
	n := len(*l)
	for _, p := range [...]struct{ kind, value string }{
		{"", r.SessionARN}, {"", r.PrincipalARN}, {"", r.Federated}, {"", r.Service}, {"unique id ", r.UniqueID},
	} {
		if p.value == "" {
			continue
		}
		if len(*l) > n {
			l.add(", ")
		}
		l.add(p.kind)
		l.quote(p.value)
	}
	if len(*l) == n {
		l.add("no principal")
	}
}

// condition writes: StringEquals aws:PrincipalTag/team wants "a" or "b", the request has "c". Variables in the values are named with
// what they stand for.
func (l *line) condition(c *condition, ctx *Context) {
	l.wants(c.opName+" "+c.name, false, len(c.values), func(i int) string { return c.values[i] })
	l.key(ctx, c.key, c.tag)
	c.want.templates(func(t *template) {
		for i := range t.parts {
			if p := &t.parts[i]; p.name != "" {
				l.add(", ${", p.name, "} is ")
				l.key(ctx, p.key, p.tag)
			}
		}
	})
}

func (l *line) key(ctx *Context, key string, tag uint32) {
	switch e := ctx.find(key, tag); {
	case e == nil:
		l.add("no such key")
	case !e.multi:
		l.quote(e.one)
	case len(e.many) == 0:
		l.add("no value")
	default:
		l.list(len(e.many), func(i int) string { return e.many[i] })
	}
}
