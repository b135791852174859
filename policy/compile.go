package policy

// compile makes the document of a draft that passed all checks. What it keeps is sized exactly: a server holds one for every role.
func (p *parser) compile(d *draft) *Document {
	doc := &Document{text: p.text, id: d.id, use: p.use, statements: make([]statement, len(d.statements))}
	lines := lineIndex{text: p.text}
	for i := range d.statements {
		p.compileStatement(&doc.statements[i], &d.statements[i], d.variables)
		// IAM's simulator counts from behind the opening brace to behind the closing one.
		doc.statements[i].start = lines.position(d.statements[i].node.start + 1)
		doc.statements[i].end = lines.position(d.statements[i].node.end)
	}
	if p.err != nil {
		return nil
	}
	return doc
}

func (p *parser) compileStatement(s *statement, d *draftStatement, variables bool) {
	if d.sid != nil {
		s.sid = d.sid.text
	}
	s.deny = d.effect.text != "Allow"
	principals, actions, resources := d.principal, d.action, d.resource
	if d.notPrincipal != nil {
		principals, s.notPrincipal = d.notPrincipal, true
	}
	if d.notAction != nil {
		actions, s.notAction = d.notAction, true
	}
	if d.notResource != nil {
		resources, s.notResource = d.notResource, true
	}
	if principals == nil {
		s.anyPrincipal = true
	} else {
		s.principals = d.principals
	}
	s.actions = make([]action, len(actions.items))
	for i, n := range actions.items {
		s.actions[i] = compileAction(n.text)
	}
	if resources == nil {
		s.anyResource = true
	} else {
		s.resources = make([]arnPattern, len(resources.items))
		for i, n := range resources.items {
			var err error
			if s.resources[i], err = compileARN(n.text, variables); err != nil {
				p.refuse(n.start, msgLegacy, err.Error())
			}
		}
	}
	s.conditions = d.conditions
}

// conditions compiles a Condition element whose shape is right.
func (p *parser) conditions(n *node, variables bool) []condition {
	if n == nil {
		return nil
	}
	total := 0
	for i := range n.nodes {
		total += len(n.nodes[i].nodes)
	}
	if total == 0 {
		return nil
	}
	out := make([]condition, 0, total)
	for i := range n.nodes {
		m := &n.nodes[i]
		op, _ := parseOperator(m.name)
		for j := range m.nodes {
			key := &m.nodes[j]
			listed := values(m.nodes, j)
			c := condition{operator: op, opName: m.name, name: key.name, key: lowerKey(key.name), values: make([]string, len(listed))}
			for k := range listed {
				c.values[k] = listed[k].text
			}
			c.tag = keyTag(c.key)
			var wrong *valueError
			if c.want, wrong = compileValues(op, c.values, variables); wrong != nil {
				p.refuse(listed[wrong.index].start, msgLegacy, m.name+" "+key.name+": "+wrong.detail)
			}
			out = append(out, c)
		}
	}
	return out
}
