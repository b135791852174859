package access

import (
	"fmt"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/store"
)

// The simulator's names for where a policy stands, which AccessDenied texts and decisions carry along.
const (
	typeIdentity = "IAM Policy"
	typeBoundary = "IAM Permissions Boundary Policy"
	typeSession  = "Session Policy"
)

// Policies gathers what applies to a caller: identity (inline and managed), boundary, session policies. An anonymous caller has none.
//
// What can't be resolved or parsed refuses: it might have held a Deny. The error is AccessDenied, with the policy named in its cause. A
// boundary that is gone is one that allows nothing.
func (g *Gate) Policies(c Caller) (policy.Policies, error) {
	var p policy.Policies
	var err error
	switch {
	case c.Role != nil:
		p, err = g.attached("role/"+c.Role.Name, c.Role.Inline, c.Role.Attached, c.Role.Boundary)
	case c.User != nil:
		p, err = g.attached("user/"+c.User.Name, c.User.Inline, c.User.Attached, c.User.Boundary)
	}
	if err == nil && c.Session != nil {
		p.Session, err = g.sessionPolicies(c)
	}
	if err != nil {
		return policy.Policies{}, awserr.AccessDenied("User: " + c.ARN.String() + " is not authorized: a policy that applies to it cannot be evaluated").
			Because(err)
	}
	return p, nil
}

func (g *Gate) attached(owner string, inline store.Documents, arns []string, boundary string) (policy.Policies, error) {
	p := policy.Policies{Identity: make([]policy.Source, 0, len(inline)+len(arns))}
	for _, document := range inline {
		doc, err := g.Store.Compiled(document.Text, policy.Identity)
		if err != nil {
			return p, fmt.Errorf("inline policy %s of %s: %w", document.Name, owner, err)
		}
		p.Identity = append(p.Identity, policy.Source{ID: owner + " inline policy " + document.Name, Type: typeIdentity, Doc: doc})
	}
	for _, arn := range arns {
		source, err := g.managed(arn, policy.Identity, typeIdentity)
		if err != nil {
			return p, fmt.Errorf("policy attached to %s: %w", owner, err)
		}
		p.Identity = append(p.Identity, source)
	}
	if boundary == "" {
		return p, nil
	}
	p.Boundary = []policy.Source{}
	if _, ok := g.document(boundary); !ok {
		return p, nil
	}
	source, err := g.managed(boundary, policy.Identity, typeBoundary)
	if err != nil {
		return p, fmt.Errorf("permissions boundary of %s: %w", owner, err)
	}
	p.Boundary = append(p.Boundary, source)
	return p, nil
}

// sessionPolicies is nil where the session was made without any.
func (g *Gate) sessionPolicies(c Caller) ([]policy.Source, error) {
	var out []policy.Source
	if text := c.Session.Policy; text != "" {
		doc, err := g.Store.Compiled(text, policy.SessionUse)
		if err != nil {
			return nil, fmt.Errorf("session policy: %w", err)
		}
		out = append(out, policy.Source{ID: "inline session policy of " + c.ARN.String(), Type: typeSession, Doc: doc})
	}
	for _, arn := range c.Session.PolicyARNs {
		source, err := g.managed(arn, policy.Identity, typeSession)
		if err != nil {
			return nil, fmt.Errorf("session policy: %w", err)
		}
		out = append(out, source)
	}
	return out, nil
}

func (g *Gate) managed(arn string, use policy.Use, kind string) (policy.Source, error) {
	text, ok := g.document(arn)
	if !ok {
		return policy.Source{}, fmt.Errorf("%s does not exist", arn)
	}
	doc, err := g.Store.Compiled(text, use)
	if err != nil {
		return policy.Source{}, fmt.Errorf("%s: %w", arn, err)
	}
	return policy.Source{ID: arn, Type: kind, Doc: doc}, nil
}

// document is the default version of a managed policy, the customer's or AWS's own.
func (g *Gate) document(arn string) (string, bool) {
	if parsed, err := identity.ParseARN(arn); err != nil || parsed.Account() == "aws" {
		if err != nil {
			return "", false
		}
		return g.Managed(arn)
	}
	p, ok := g.Store.PolicyByARN(arn)
	if !ok {
		return "", false
	}
	for _, v := range p.Versions {
		if v.ID == p.Default {
			return v.Document, true
		}
	}
	return "", false
}
