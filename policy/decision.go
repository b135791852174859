package policy

// Effect of a Decision; the zero value is refused like ImplicitDeny.
type Effect int

const (
	Undecided Effect = iota
	Allow
	ImplicitDeny
	ExplicitDeny
)

func (e Effect) String() string {
	switch e {
	case Allow:
		return "allow"
	case ImplicitDeny:
		return "implicit deny"
	case ExplicitDeny:
		return "explicit deny"
	}
	return "undecided"
}

// Kind of the policies that decided; the zero value is none.
type Kind int

const (
	_ Kind = iota
	ByResource
	ByIdentity
	ByBoundary
	BySession
)

// String is AWS's name of the kind, as in its AccessDenied texts.
func (k Kind) String() string {
	switch k {
	case ByResource:
		return "resource-based policy"
	case ByIdentity:
		return "identity-based policy"
	case ByBoundary:
		return "permissions boundary"
	case BySession:
		return "session policy"
	}
	return "policy"
}

// Decision carries its reason. The zero Decision allows nothing.
type Decision struct {
	Effect Effect
	Kind   Kind // of the policies that decided: allowed, denied, or lacked an allow
	by     found
	action string
	reason string // of a refusal
}

// Allowed is true for Allow only.
func (d Decision) Allowed() bool { return d.Effect == Allow }

// Why says in one line, for operators, which statement of which policy decided; on a refusal also which condition key had which value
// instead of which. It names policies and shows request values: it is not for the one who was refused (see Public).
func (d Decision) Why() string {
	switch {
	case d.Effect == Allow:
		l := make(line, 0, 128)
		l.statement(&d.by)
		l.add(" allows ")
		l.name(d.action)
		return string(l)
	case d.reason == "":
		return "nothing was decided"
	}
	return d.reason
}

// Public is the end of AWS's AccessDenied texts, which names no policy: "because no identity-based policy allows the
// sts:AssumeRole action", "with an explicit deny in a resource-based policy".
func (d Decision) Public() string {
	switch d.Effect {
	case Allow:
		return ""
	case ExplicitDeny:
		article := "a "
		if d.Kind == ByIdentity {
			article = "an "
		}
		return "with an explicit deny in " + article + d.Kind.String()
	}
	return "because no " + d.Kind.String() + " allows the " + d.action + " action"
}

// Statement is the one that allowed or denied; ok is false for an implicit deny.
func (d Decision) Statement() (m Match, ok bool) {
	if d.by.statement == nil {
		return Match{}, false
	}
	return d.by.match(), true
}

// Match is a statement that matched. Start is behind its opening brace and End behind its closing one, as IAM's simulator has it.
type Match struct {
	Source     Source
	Sid        string
	Index      int // of the statement in its document, from 0
	Start, End Position
}

func (f *found) match() Match {
	return Match{Source: f.source, Sid: f.statement.sid, Index: f.index, Start: f.statement.start, End: f.statement.end}
}

func allowed(q *query, kind Kind, by found) Decision {
	return Decision{Effect: Allow, Kind: kind, by: by, action: q.Action}
}

func denied(q *query, kind Kind, by found) Decision {
	return Decision{Effect: ExplicitDeny, Kind: kind, by: by, action: q.Action, reason: explainDeny(q, by)}
}

func refused(q *query, p *Policies, kind Kind) Decision {
	return Decision{Effect: ImplicitDeny, Kind: kind, action: q.Action, reason: explainRefusal(q, p, kind)}
}
