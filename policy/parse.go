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
	id         string
	version    string
	versionAt  int
	variables  bool // the version has policy variables
	statements []draftStatement
}

// draftStatement holds the elements as written, nil where they are absent, and what checking them has compiled.
type draftStatement struct {
	node                    *node
	effect                  *node
	sid                     *node
	principal, notPrincipal *node
	action, notAction       *list
	resource, notResource   *list
	condition               *node

	principals []principal
	conditions []condition
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
	statement := -1
	for i := range root.nodes {
		m := &root.nodes[i]
		switch m.name {
		case "Version":
			d.version, d.versionAt = m.text, m.start
			if m.kind != '"' || d.version != "2012-10-17" && d.version != "2008-10-17" {
				p.syntax(m.start, `Version is "2012-10-17" or "2008-10-17"`)
			}
		case "Id":
			d.id = m.text
			p.wantString(m)
		case "Statement":
			statement = i
		default:
			p.syntax(m.nameAt, "unknown element %q", m.name)
		}
	}
	if statement < 0 {
		p.syntax(root.start, "no Statement")
		return d
	}
	d.variables = d.version == "2012-10-17"
	list := values(root.nodes, statement)
	if len(list) == 0 {
		p.syntax(root.nodes[statement].start, "Statement is an object or a list of them")
	}
	d.statements = make([]draftStatement, len(list))
	for i := range list {
		p.shapeStatement(&list[i], &d.statements[i])
	}
	return d
}

func (p *parser) shapeStatement(n *node, s *draftStatement) {
	s.node = n
	if n.kind != '{' {
		p.syntax(n.start, "a statement is an object")
		return
	}
	for i := range n.nodes {
		m := &n.nodes[i]
		switch m.name {
		case "Sid":
			s.sid = p.wantString(m)
		case "Effect":
			s.effect = p.wantString(m)
		case "Principal":
			s.principal = m
		case "NotPrincipal":
			s.notPrincipal = m
		case "Action":
			s.action = p.wantList(n.nodes, i)
		case "NotAction":
			s.notAction = p.wantList(n.nodes, i)
		case "Resource":
			s.resource = p.wantList(n.nodes, i)
		case "NotResource":
			s.notResource = p.wantList(n.nodes, i)
		case "Condition":
			s.condition = m
			p.shapeCondition(m)
		default:
			p.syntax(m.nameAt, "unknown element %q", m.name)
		}
	}
	if s.effect == nil {
		p.missing(s, "Effect")
	} else if !equalFoldASCII(s.effect.text, "Allow") && !equalFoldASCII(s.effect.text, "Deny") {
		p.syntax(s.effect.start, `Effect is "Allow" or "Deny"`)
	}
	p.exclusive(n, s.principal != nil && s.notPrincipal != nil, "Principal")
	p.exclusive(n, s.action != nil && s.notAction != nil, "Action")
	p.exclusive(n, s.resource != nil && s.notResource != nil, "Resource")
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

func (p *parser) wantString(m *node) *node {
	if m.kind != '"' {
		p.syntax(m.start, "%s is a string", m.name)
	}
	return m
}

// wantList reads the element at i as a string or an array of strings.
func (p *parser) wantList(nodes []node, i int) *list {
	l := &list{at: nodes[i].start, items: values(nodes, i)}
	for j := range l.items {
		if l.items[j].kind != '"' {
			p.syntax(l.items[j].start, "%s is a string or a list of strings", nodes[i].name)
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
	for i := range n.nodes {
		op := &n.nodes[i]
		if _, ok := parseOperator(op.name); !ok {
			p.syntax(op.nameAt, "unknown condition operator %q", op.name)
		}
		if op.kind != '{' {
			p.syntax(op.start, "%s is an object of condition keys", op.name)
			return
		}
		for j := range op.nodes {
			key := &op.nodes[j]
			if key.name == "" {
				p.syntax(key.nameAt, "empty condition key")
			}
			list := values(op.nodes, j)
			for k := range list {
				if v := &list[k]; v.kind != '"' && v.kind != '0' && v.kind != 't' {
					p.syntax(v.start, "the values of %s are strings, numbers or booleans", key.name)
				}
			}
		}
	}
}
