package policy

import (
	"errors"
	"strings"
)

// template is text with policy variables, as "user/${aws:username}" or "${aws:PrincipalTag/team, 'none'}".
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
type template struct {
	parts []part
}

// part is literal text (compiled wildcards included) or, with a key, a variable.
type part struct {
	text  string // or the default
	name  string // the variable's key as written
	key   string // …in lower case
	tag   uint32
	deflt bool
}

var (
	errUnclosed = errors.New("policy variable without its closing brace")
	errVariable = errors.New("malformed policy variable")
)

// parseTemplate takes text apart. Without a variable it returns nil parts and the text, in which ${*}, ${?} and ${$} are
// replaced by the characters they stand for. wild makes "*" and "?" wildcards.
func parseTemplate(text string, wild bool) (parts []part, literal string, err error) {
	var lit strings.Builder
	write := func(s string) {
		if wild {
			s = wildcards(s)
		}
		lit.WriteString(s)
	}
	for {
		i := strings.Index(text, "${")
		if i < 0 {
			break
		}
		write(text[:i])
		p, rest, err := parseVariable(text[i+2:])
		if err != nil {
			return nil, "", err
		}
		text = rest
		if p.name == "" {
			lit.WriteString(p.text)
			continue
		}
		if lit.Len() > 0 {
			parts = append(parts, part{text: lit.String()})
			lit.Reset()
		}
		parts = append(parts, p)
	}
	write(text)
	if parts != nil && lit.Len() > 0 {
		return append(parts, part{text: lit.String()}), "", nil
	}
	return parts, lit.String(), nil
}

// parseVariable reads what follows "${". A special character has no name.
func parseVariable(text string) (p part, rest string, err error) {
	end := strings.IndexAny(text, "},")
	if end < 0 {
		return p, "", errUnclosed
	}
	name := strings.TrimSpace(text[:end])
	if strings.ContainsAny(name, "${'\"") && name != "$" {
		return p, "", errVariable
	}
	rest = text[end+1:]
	if text[end] == ',' {
		rest = strings.TrimLeft(rest, " ")
		deflt, tail, ok := quoted(rest)
		if !ok || name == "" {
			return p, "", errVariable
		}
		p.text, p.deflt, rest = deflt, true, tail
	}
	switch name {
	case "":
		return p, "", errVariable
	case "*", "?", "$":
		if p.deflt {
			return p, "", errVariable
		}
		return part{text: name}, rest, nil
	}
	if strings.ContainsAny(name, "*?") {
		return p, "", errVariable
	}
	p.name, p.key = name, lowerKey(name)
	p.tag = keyTag(p.key)
	return p, rest, nil
}

// quoted reads 'default'} and gives what follows.
func quoted(text string) (value, rest string, ok bool) {
	text, ok = strings.CutPrefix(text, "'")
	if !ok {
		return "", "", false
	}
	value, rest, ok = strings.Cut(text, "'")
	if !ok {
		return "", "", false
	}
	rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " "), "}")
	return value, rest, ok
}

// expand puts the values in, literally: a "*" in a value is a star, not a wildcard. ok is false when a variable has no value, or
// several: such text matches nothing.
func (t *template) expand(c *Context) (text string, ok bool) {
	b := make([]byte, 0, 128) // stays on the stack
	for i := range t.parts {
		p := &t.parts[i]
		if p.name == "" {
			b = append(b, p.text...)
			continue
		}
		v, ok := p.value(c)
		if !ok {
			return "", false
		}
		b = append(b, v...)
	}
	return string(b), true
}

func (t *template) resolvable(c *Context) bool {
	for i := range t.parts {
		if p := &t.parts[i]; p.name != "" {
			if _, ok := p.value(c); !ok {
				return false
			}
		}
	}
	return true
}

// value of a variable. The default stands in for an absent key only: a multivalued key has no value to put in at all.
func (p *part) value(c *Context) (string, bool) {
	switch e := c.find(p.key, p.tag); {
	case e == nil:
		return p.text, p.deflt
	case e.multi || holdsWildcardByte(e.one):
		return "", false
	default:
		return e.one, true
	}
}

// pattern is a glob or plain text, fixed or with variables.
type pattern struct {
	glob
	vars *template // nil: fixed
}

// patternRules say what a text means where it stands.
type patternRules struct {
	variables bool // the document is of 2012-10-17 and variables may stand here
	wildcards bool
}

func compilePattern(text string, rules patternRules) (pattern, error) {
	if !rules.variables || !strings.Contains(text, "${") {
		if rules.wildcards {
			return pattern{glob: compileGlob(wildcards(text))}, nil
		}
		return pattern{glob: glob{text: text}}, nil
	}
	parts, literal, err := parseTemplate(text, rules.wildcards)
	switch {
	case err != nil:
		return pattern{}, err
	case parts != nil:
		return pattern{vars: &template{parts}}, nil
	case rules.wildcards:
		return pattern{glob: compileGlob(literal)}, nil
	}
	return pattern{glob: glob{text: literal}}, nil
}

func (p *pattern) matches(s string, c *Context) verdict {
	if p.vars == nil {
		return verdictOf(p.match(s))
	}
	text, ok := p.vars.expand(c)
	if !ok {
		return unresolved
	}
	return verdictOf(matchGlob(text, s))
}
