package policy

import (
	"fmt"
	"slices"
	"strings"
)

// check runs the passes behind the grammar, in IAM's order.
func (p *parser) check(d *draft) {
	if p.use == Identity && !d.variables {
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
		s.conditions = p.conditions(s.condition, d.variables)
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
	for _, n := range [...]*node{s.principal, s.notPrincipal} {
		if n != nil {
			p.refuse(n.start, msgNoPrincipalHere, "")
		}
	}
}

// checkNamed is what trust and resource policies must and must not have.
func (p *parser) checkNamed(d *draft) {
	for i := range d.statements {
		s := &d.statements[i]
		if p.use == Trust {
			p.prohibited(s.resource, "Resource")
			p.prohibited(s.notResource, "NotResource")
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
		for _, n := range [...]*node{s.principal, s.notPrincipal} {
			if n != nil {
				s.principals = p.principals(n)
			}
		}
	}
}

func (p *parser) prohibited(l *list, element string) {
	if l != nil {
		p.refuse(l.at, "Has prohibited field "+element, "")
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
	out := make([]principal, 0, len(n.nodes))
	for i := range n.nodes {
		m := &n.nodes[i]
		switch m.name {
		case "AWS", "Federated", "Service", "CanonicalUser":
		default:
			p.syntax(m.nameAt, "unknown kind of principal %q", m.name)
			return nil
		}
		for _, v := range p.wantList(n.nodes, i).items {
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
	return slices.Clip(out)
}

func (p *parser) checkSids(d *draft) {
	var seen map[string]bool
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
		if seen == nil {
			seen = make(map[string]bool)
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
