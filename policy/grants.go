package policy

// Grants reports whether some Allow statement names the requester and the action, whatever its resources and conditions, and whatever other
// statements deny. It is a plausibility check of a document that is about to be used for that requester. It is never a decision: Evaluate is.
func (d *Document) Grants(q Requester, action string) bool {
	asked := query{Request: &Request{Requester: q, Action: action}}
	for i := range d.statements {
		s := &d.statements[i]
		if !s.deny && s.matchAction(action) && s.matchPrincipal(&asked) != noGrant {
			return true
		}
	}
	return false
}
