package policy

// Evaluate decides in AWS's documented order: explicit deny anywhere; resource policy; identity; boundary; session. It doesn't
// allocate on its way to an allow.
func Evaluate(r *Request, p *Policies) Decision {
	q := newQuery(r, p)
	var v verdicts
	for _, kind := range [...]struct {
		kind    Kind
		sources []Source
		outcome *outcome
	}{
		{ByResource, p.Resource, &v.resource},
		{ByIdentity, p.Identity, &v.identity},
		{ByBoundary, p.Boundary, &v.boundary},
		{BySession, p.Session, &v.session},
	} {
		if d := kind.outcome.evaluate(&q, kind.sources, kind.kind == ByResource); d.statement != nil {
			return denied(&q, kind.kind, d)
		}
	}
	return v.decide(&q, p)
}

// found is a statement and the source it stands in.
type found struct {
	source    Source
	statement *statement
	index     int
}

// outcome of all policies of one kind: the Allow that carries furthest.
type outcome struct {
	found
	grant grant
}

// evaluate goes through all Deny statements and through Allow statements until nothing better can be found; it returns a Deny that
// matches. A document that stands where it doesn't belong, such as an identity policy among the resource policies, where it would allow
// everyone, can only deny.
func (o *outcome) evaluate(q *query, sources []Source, resource bool) (deny found) {
	for i := range sources {
		doc := sources[i].Doc
		if doc == nil {
			continue
		}
		enough := limited
		switch {
		case doc.use.named() != resource:
			enough = noGrant
		case resource:
			enough = direct
		}
		for j := range doc.statements {
			s := &doc.statements[j]
			if !s.deny && o.grant >= enough {
				continue
			}
			g, at := s.match(q)
			switch {
			case at != matched:
			case s.deny:
				return found{sources[i], s, j}
			case g > o.grant:
				o.grant, o.found = g, found{sources[i], s, j}
			}
		}
	}
	return found{}
}

// verdicts of the four kinds of policies, none of which denies.
type verdicts struct {
	resource, identity, boundary, session outcome
}

func (v *verdicts) decide(q *query, p *Policies) Decision {
	who := &q.Requester
	if who.bare() && (who.Federated != "" || who.Service != "" || len(p.Identity) == 0) {
		if v.resource.grant != noGrant {
			return allowed(q, ByResource, v.resource.found)
		}
		return refused(q, p, ByResource)
	}
	sameAccount := who.Account == p.ResourceAccount && who.Account != "" || p.ResourceAccount == "" && len(p.Resource) == 0
	if !sameAccount && v.resource.grant == noGrant || p.RequireResource && v.resource.grant == noGrant {
		return refused(q, p, ByResource)
	}
	if sameAccount && v.resource.grant == direct {
		return allowed(q, ByResource, v.resource.found)
	}
	byResource := sameAccount && v.resource.grant == limited
	if v.identity.grant == noGrant && !byResource {
		return refused(q, p, ByIdentity)
	}
	if p.Boundary != nil && v.boundary.grant == noGrant {
		return refused(q, p, ByBoundary)
	}
	if p.Session != nil && v.session.grant == noGrant {
		return refused(q, p, BySession)
	}
	if v.resource.grant != noGrant {
		return allowed(q, ByResource, v.resource.found)
	}
	return allowed(q, ByIdentity, v.identity.found)
}
