package policy

import (
	"fmt"
	"strings"
)

// check runs the passes behind the grammar, in IAM's order.
func (p *parser) check(d *draft) {
	if p.use == Identity && d.version != "2012-10-17" {
		p.refuse(d.versionAt, msgVersion, "")
	}
	for i := range d.statements {
		s := &d.statements[i]
		if !p.use.named() {
			p.checkNoPrincipal(s)
		}
		if s.effect.text != "Allow" && s.effect.text != "Deny" {
			p.refuse(s.effect.start, msgLegacy, `Effect is "Allow" or "Deny"`)
		}
		p.checkValues(s, d.version == "2012-10-17")
	}
	if p.use.named() {
		p.checkNamed(d)
	}
	resources := p.checkResources(d)
	p.checkSids(d)
	for i := range d.statements {
		if s := &d.statements[i]; empty(s.action) && empty(s.notAction) {
			p.refuse(s.node.start, msgNoActions, "")
		}
	}
	if resources != nil {
		resources()
	}
	for i := range d.statements {
		p.checkActions(d.statements[i].action)
		p.checkActions(d.statements[i].notAction)
	}
	for i := range d.statements {
		if s := &d.statements[i]; p.use != Trust && empty(s.resource) && empty(s.notResource) {
			p.refuse(s.node.start, msgNoResources, "")
		}
	}
}

func (p *parser) checkNoPrincipal(s *draftStatement) {
	for _, n := range []*node{s.principal, s.notPrincipal} {
		if n != nil {
			p.refuse(n.start, msgNoPrincipalHere, "")
		}
	}
}

// checkValues compiles the conditions' values to see whether they can be what their operator compares.
func (p *parser) checkValues(s *draftStatement, variables bool) {
	if s.condition == nil {
		return
	}
	for i := range s.condition.members {
		m := &s.condition.members[i]
		op, _ := parseOperator(m.name)
		for j := range m.value.members {
			key := &m.value.members[j]
			for _, v := range values(&key.value) {
				if _, err := compileValues(op, []string{v.text}, variables); err != nil {
					p.refuse(v.start, msgLegacy, m.name+" "+key.name+": "+err.Error())
				}
			}
		}
	}
}

// checkNamed is what trust and resource policies must and must not have.
func (p *parser) checkNamed(d *draft) {
	for i := range d.statements {
		s := &d.statements[i]
		if p.use == Trust {
			for _, l := range []struct {
				name string
				list *list
			}{{"Resource", s.resource}, {"NotResource", s.notResource}} {
				if l.list != nil {
					p.refuse(l.list.at, "Has prohibited field "+l.name, "")
				}
			}
		}
		switch {
		case s.principal == nil && s.notPrincipal == nil:
			p.missing(s, "Principal")
		case s.action == nil && s.notAction == nil:
			p.missing(s, "Action")
		case p.use == ResourceUse && s.resource == nil && s.notResource == nil:
			p.missing(s, "Resource")
		case p.use == Trust && s.notPrincipal != nil && s.effect.text == "Allow":
			p.refuse(s.notPrincipal.start, msgAllowNot, "")
		}
		for _, n := range []*node{s.principal, s.notPrincipal} {
			if n != nil {
				p.principals(n)
			}
		}
	}
}

// principals reads a Principal element: "*", or kinds with one value or several.
func (p *parser) principals(n *node) []principal {
	if n.kind == '"' {
		if n.text != "*" {
			p.refuse(n.start, fmt.Sprintf(`Invalid principal in policy: "AWS":"%s"`, n.text), `a Principal that is a string is "*"`)
		}
		return []principal{{kind: anyone, value: n.text}}
	}
	if n.kind != '{' {
		p.syntax(n.start, `Principal is "*" or an object`)
		return nil
	}
	var out []principal
	for i := range n.members {
		m := &n.members[i]
		switch m.name {
		case "AWS", "Federated", "Service", "CanonicalUser":
		default:
			p.syntax(m.start, "unknown kind of principal %q", m.name)
			return nil
		}
		for _, v := range p.wantList(m).items {
			one, ok := parsePrincipal(m.name, v.text)
			if !ok {
				p.refuse(v.start, fmt.Sprintf(`Invalid principal in policy: "%s":"%s"`, m.name, v.text), "")
			}
			out = append(out, one)
		}
	}
	if len(out) == 0 {
		p.refuse(n.start, msgNoPrincipals, "")
	}
	return out
}

func (p *parser) checkSids(d *draft) {
	seen := make(map[string]bool)
	for i := range d.statements {
		sid := d.statements[i].sid
		if sid == nil || sid.text == "" {
			continue
		}
		// Resource policies of some services take any Sid; IAM's own don't.
		if p.use != ResourceUse && !isAlphanumeric(sid.text) {
			p.refuse(sid.start, msgSidAlphanumeric, "")
		}
		if seen[sid.text] {
			p.refuse(sid.start, msgSidUnique, "")
		}
		seen[sid.text] = true
	}
}

func isAlphanumeric(text string) bool {
	for i := 0; i < len(text); i++ {
		if c := lower(text[i]); (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func empty(l *list) bool { return l == nil || len(l.items) == 0 }

func (p *parser) checkActions(l *list) {
	if l == nil {
		return
	}
	for _, n := range l.items {
		vendor, name, colon := strings.Cut(n.text, ":")
		switch {
		case n.text == "*" && p.use != Trust:
		case !colon:
			p.refuse(n.start, p.onlySTS(msgNoVendor), "")
		case strings.Contains(name, ":"):
			p.refuse(n.start, msgOneColon, "")
		case vendor != "*" && !isVendor(vendor):
			p.refuse(n.start, fmt.Sprintf("Vendor %s is not valid", vendor), "")
		case p.use == Trust && !isTrustAction(n.text):
			p.refuse(n.start, msgOnlySTS, "")
		}
	}
}

func (p *parser) onlySTS(message string) string {
	if p.use == Trust {
		return msgOnlySTS
	}
	return message
}

func isVendor(text string) bool {
	if text == "" {
		return false
	}
	for i := 0; i < len(text); i++ {
		if c := text[i]; c != '-' && c != '.' && !isAlphanumeric(text[i:i+1]) {
			return false
		}
	}
	return true
}

// isTrustAction: STS's, literally or by a pattern that some of them match.
func isTrustAction(text string) bool {
	a := compileAction(text)
	if !strings.HasPrefix(a.text, "sts:") {
		return false
	}
	for _, known := range [...]string{
		"sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity", "sts:SetContext",
	} {
		if a.match(known) {
			return true
		}
	}
	return false
}
