package policy

import (
	"fmt"
	"strconv"
)

// Parse reads a policy document strictly; it returns a *SyntaxError for any it refuses. It reads at most MaxDocument bytes.
func Parse(text string, use Use) (*Document, error) {
	if use < Identity || use > ResourceUse {
		return nil, &SyntaxError{Message: msgSyntax, Detail: "unknown use of a policy " + strconv.Itoa(int(use)), Line: 1, Column: 1}
	}
	p := &parser{text: text, use: use}
	d := p.document()
	if p.err != nil {
		return nil, p.err
	}
	return d, nil
}

// parser keeps the first mistake it finds. The passes over the document run in the order in which IAM reports mistakes.
type parser struct {
	text string
	use  Use
	err  *SyntaxError
}

// refuse records a mistake at an offset, unless there is one already.
func (p *parser) refuse(at int, message, detail string) {
	if p.err != nil {
		return
	}
	lines := lineIndex{text: p.text}
	pos := lines.position(at)
	p.err = &SyntaxError{Message: message, Detail: detail, Offset: at, Line: pos.Line, Column: pos.Column}
}

// syntax refuses what the grammar doesn't have. Trust and resource policies have another parser on AWS, and another text.
func (p *parser) syntax(at int, format string, args ...any) {
	if p.err != nil {
		return
	}
	message := msgSyntax
	if p.use.named() {
		lines := lineIndex{text: p.text}
		pos := lines.position(at)
		message = fmt.Sprintf("Syntax error at position (%d,%d)", pos.Line, pos.Column)
	}
	p.refuse(at, message, fmt.Sprintf(format, args...))
}

// draft is a document whose shape is right.
type draft struct {
	version    string
	versionAt  int
	id         string
	statements []draftStatement
}

// draftStatement holds the elements as written; a nil pointer is an absent one.
type draftStatement struct {
	node                    node
	effect                  *node
	sid                     *node
	principal, notPrincipal *node
	action, notAction       *list
	resource, notResource   *list
	condition               *node
}

// list is a string or an array of strings.
type list struct {
	at    int
	items []node
}

func (p *parser) document() *Document {
	if len(p.text) > MaxDocument {
		p.syntax(0, "longer than %d bytes", MaxDocument)
		return nil
	}
	root, wrong := scanJSON(p.text)
	if wrong != nil {
		message := msgInvalidJSON
		if p.use == Identity {
			message = msgSyntax
		}
		p.refuse(wrong.at, message, wrong.detail)
		return nil
	}
	d := p.shape(&root)
	if p.err != nil {
		return nil
	}
	p.check(d)
	if p.err != nil {
		return nil
	}
	return p.compile(d)
}

// shape finds the elements and their types.
func (p *parser) shape(root *node) *draft {
	if root.kind != '{' {
		p.syntax(root.start, "a policy is an object")
		return nil
	}
	d := &draft{versionAt: root.start}
	var statement *node
	for i := range root.members {
		m := &root.members[i]
		switch m.name {
		case "Version":
			d.version, d.versionAt = m.value.text, m.value.start
			if m.value.kind != '"' || d.version != "2012-10-17" && d.version != "2008-10-17" {
				p.syntax(m.value.start, `Version is "2012-10-17" or "2008-10-17"`)
			}
		case "Id":
			d.id = m.value.text
			p.wantString(m)
		case "Statement":
			statement = &m.value
		default:
			p.syntax(m.start, "unknown element %q", m.name)
		}
	}
	switch {
	case statement == nil:
		p.syntax(root.start, "no Statement")
	case statement.kind == '{':
		d.statements = []draftStatement{p.shapeStatement(statement)}
	case statement.kind == '[' && len(statement.items) > 0:
		for i := range statement.items {
			d.statements = append(d.statements, p.shapeStatement(&statement.items[i]))
		}
	default:
		p.syntax(statement.start, "Statement is an object or a list of them")
	}
	return d
}

func (p *parser) shapeStatement(n *node) draftStatement {
	s := draftStatement{node: *n}
	if n.kind != '{' {
		p.syntax(n.start, "a statement is an object")
		return s
	}
	for i := range n.members {
		m := &n.members[i]
		switch m.name {
		case "Sid":
			s.sid = p.wantString(m)
		case "Effect":
			s.effect = p.wantString(m)
		case "Principal":
			s.principal = &m.value
		case "NotPrincipal":
			s.notPrincipal = &m.value
		case "Action":
			s.action = p.wantList(m)
		case "NotAction":
			s.notAction = p.wantList(m)
		case "Resource":
			s.resource = p.wantList(m)
		case "NotResource":
			s.notResource = p.wantList(m)
		case "Condition":
			s.condition = &m.value
			p.shapeCondition(&m.value)
		default:
			p.syntax(m.start, "unknown element %q", m.name)
		}
	}
	if s.effect == nil {
		p.missing(&s, "Effect")
	} else if !equalFoldASCII(s.effect.text, "Allow") && !equalFoldASCII(s.effect.text, "Deny") {
		p.syntax(s.effect.start, `Effect is "Allow" or "Deny"`)
	}
	p.exclusive(n, s.principal != nil && s.notPrincipal != nil, "Principal")
	p.exclusive(n, s.action != nil && s.notAction != nil, "Action")
	p.exclusive(n, s.resource != nil && s.notResource != nil, "Resource")
	return s
}

func (p *parser) exclusive(n *node, both bool, name string) {
	if both {
		p.syntax(n.start, "both %s and Not%s", name, name)
	}
}

// missing reports a required element in the words of the document's parser on AWS.
func (p *parser) missing(s *draftStatement, element string) {
	if p.use.named() {
		p.refuse(s.node.start, "Missing required field "+element, "")
		return
	}
	p.syntax(s.node.start, "no %s", element)
}

func (p *parser) wantString(m *member) *node {
	if m.value.kind != '"' {
		p.syntax(m.value.start, "%s is a string", m.name)
	}
	return &m.value
}

func (p *parser) wantList(m *member) *list {
	l := &list{at: m.value.start}
	switch m.value.kind {
	case '"':
		l.items = []node{m.value}
	case '[':
		l.items = m.value.items
	default:
		p.syntax(m.value.start, "%s is a string or a list of strings", m.name)
	}
	for i := range l.items {
		if l.items[i].kind != '"' {
			p.syntax(l.items[i].start, "%s is a string or a list of strings", m.name)
		}
	}
	return l
}

// shapeCondition: {"Operator": {"key": value or [values]}}. Values may be unquoted numbers and booleans.
func (p *parser) shapeCondition(n *node) {
	if n.kind != '{' {
		p.syntax(n.start, "Condition is an object")
		return
	}
	for i := range n.members {
		op := &n.members[i]
		if _, ok := parseOperator(op.name); !ok {
			p.syntax(op.start, "unknown condition operator %q", op.name)
		}
		if op.value.kind != '{' {
			p.syntax(op.value.start, "%s is an object of condition keys", op.name)
			return
		}
		for j := range op.value.members {
			key := &op.value.members[j]
			if key.name == "" {
				p.syntax(key.start, "empty condition key")
			}
			for _, v := range values(&key.value) {
				if v.kind != '"' && v.kind != '0' && v.kind != 't' {
					p.syntax(v.start, "the values of %s are strings, numbers or booleans", key.name)
				}
			}
		}
	}
}

// values are the items of a list, or the one value.
func values(n *node) []node {
	if n.kind == '[' {
		return n.items
	}
	return []node{*n}
}
