package policy

// Use says where a document stands, which decides what it may and must contain.
type Use int

const (
	_           Use = iota // unknown: refused
	Identity               // inline or managed policy of a role or user; also permissions boundaries: Resource required, Principal refused
	Trust                  // a role's trust policy: Principal required, Resource refused
	SessionUse             // session policy: as Identity, 2,048 characters
	ResourceUse            // policy of a resource (simulator's ResourcePolicy): Principal and Resource
)

// named documents name their principals.
func (u Use) named() bool { return u == Trust || u == ResourceUse }

// Sizes of documents in characters without white space (Size). The callers enforce them, since the message names the quota.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	MaxTrust       = 2048
	MaxManaged     = 6144
	MaxInlineTotal = 10240 // of all inline policies of a role together
	MaxSession     = 2048

	// MaxDocument is the most bytes Parse reads; the API model's bound on every policyDocument.
	MaxDocument = 131072
)

// Size counts characters as IAM's quotas do: without white space.
func Size(text string) int {
	n := 0
	for _, r := range text {
		switch r {
		case ' ', '\t', '\n', '\r':
		default:
			n++
		}
	}
	return n
}

// Document is a parsed policy, immutable and safe for concurrent use.
type Document struct {
	text       string
	id         string
	use        Use
	statements []statement
}

// Text is the document as it was given to Parse.
func (d *Document) Text() string { return d.text }

// ID is the Id element, or "".
func (d *Document) ID() string { return d.id }

// Principal is one value in a Principal or NotPrincipal element.
type Principal struct{ Kind, Value string }

// Principals are the distinct principal values named by the document's statements, kind ("AWS", "Federated", "Service",
// "CanonicalUser") and value, in their order. "*" alone has the kind "AWS".
func (d *Document) Principals() []Principal {
	var out []Principal
	seen := make(map[Principal]bool)
	for i := range d.statements {
		for _, p := range d.statements[i].principals {
			q := Principal{Kind: p.kind.element(), Value: p.value}
			if !seen[q] {
				seen[q] = true
				out = append(out, q)
			}
		}
	}
	return out
}

func (k principalKind) element() string {
	switch k {
	case federated:
		return "Federated"
	case service:
		return "Service"
	case canonicalUser:
		return "CanonicalUser"
	}
	return "AWS"
}

// ContextKeys are the condition keys the document asks for, in conditions and in variables, as written and in their order. A key
// spelled in several ways is named once.
func (d *Document) ContextKeys() []string {
	var k keyList
	for i := range d.statements {
		d.statements[i].eachKey(k.add)
	}
	return k.names
}

// keyList collects names that differ by more than case.
type keyList struct {
	names []string
	seen  map[string]bool
}

func (l *keyList) add(name, key string) {
	if !l.seen[key] {
		if l.seen == nil {
			l.seen = make(map[string]bool)
		}
		l.seen[key] = true
		l.names = append(l.names, name)
	}
}

// eachKey yields the keys of variables in resources, of conditions, and of variables in their values.
func (s *statement) eachKey(yield func(name, key string)) {
	variables := func(t *template) {
		for i := range t.parts {
			if p := &t.parts[i]; p.name != "" {
				yield(p.name, p.key)
			}
		}
	}
	for i := range s.resources {
		if t := s.resources[i].template(); t != nil {
			variables(t)
		}
	}
	for i := range s.conditions {
		c := &s.conditions[i]
		yield(c.name, c.key)
		c.want.templates(variables)
	}
}

// Position in a document's text, from 1.
type Position struct{ Line, Column int }

// lineIndex finds positions in a text, for offsets that grow: each continues where the last one ended, so that a document of one long
// line costs no more than any other.
type lineIndex struct {
	text         string
	at           int // offset of the last position
	line, column int // …from 0
}

func (l *lineIndex) position(offset int) Position {
	for _, r := range l.text[l.at:offset] {
		l.column++
		if r == '\n' {
			l.line, l.column = l.line+1, 0
		}
	}
	l.at = offset
	return Position{Line: l.line + 1, Column: l.column + 1}
}
