package policy

// Simulation is a Decision and all that the simulator's API reports beside it.
type Simulation struct {
	Decision
	Matches  []Match  // the statements that decided (deny: the denying ones; allow: the allowing ones of identity and resource policies)
	Missing  []string // context keys the policies asked for and the request did not have
	Boundary bool     // the permissions boundary allows, or there is none
}

// Simulate evaluates and collects what Evaluate leaves out for speed.
func Simulate(r *Request, p *Policies) Simulation {
	q := newQuery(r, p)
	out := Simulation{Decision: Evaluate(r, p), Boundary: p.Boundary == nil}
	var missing keyList
	collect := func(sources []Source, boundary, granting bool) {
		for i := range sources {
			if sources[i].Doc == nil {
				continue
			}
			for j := range sources[i].Doc.statements {
				s := &sources[i].Doc.statements[j]
				_, at := s.match(&q)
				if at >= atResource {
					s.eachKey(func(name, key string) {
						if q.Context.find(key, keyTag(key)) == nil {
							missing.add(name, key)
						}
					})
				}
				if at != matched {
					continue
				}
				out.Boundary = out.Boundary || boundary && !s.deny
				if s.deny && out.Effect == ExplicitDeny || !s.deny && granting && out.Effect == Allow {
					f := found{sources[i], s, j}
					out.Matches = append(out.Matches, f.match())
				}
			}
		}
	}
	collect(p.Identity, false, true)
	collect(p.Resource, false, true)
	collect(p.Boundary, true, false)
	collect(p.Session, false, false)
	out.Missing = missing.names
	return out
}
