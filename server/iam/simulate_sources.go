package iam

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

// subject is the role or user whose policies are simulated, or none where only given policies are.
type subject struct {
	noun string
	name string
	id   string
	holder
}

// subject finds a role or user of the caller's account by its ARN.
func (s *service) subject(c *awsquery.Call, action, arn string) (subject, error) {
	a, err := identity.ParseARN(arn)
	if err != nil || a.Service() != "iam" || a.Region() != "" {
		return subject{}, invalidInput("Invalid Entity Arn: %s does not clearly define entity type and name.", arn)
	}
	if a.Account() != c.Caller.Account {
		return subject{}, s.foreign(c, action, a)
	}
	var found subject
	switch {
	case strings.HasPrefix(a.Resource(), "role/"):
		if r, ok := s.Store.Roles.Get(store.RoleKey(string(a.Account()), a.ResourceName())); ok && r.ARN() == a {
			found = subject{"role", r.Name, r.ID, holdRole(r)}
		}
	case strings.HasPrefix(a.Resource(), "user/"):
		if u, ok := s.Store.Users.Get(store.UserKey(string(a.Account()), a.ResourceName())); ok && u.ARN() == a {
			found = subject{"user", u.Name, u.ID, holdUser(u)}
		}
	}
	if err := s.authorise(c, action, arn, arn, conditionKeys(found.holder, nil)); err != nil {
		return subject{}, err
	}
	if found.id == "" {
		return subject{}, noSuchEntity("The entity with ARN %s cannot be found.", arn)
	}
	return found, nil
}

// The simulator's name of every policy's type: the model has an enumeration of finer ones, which AWS doesn't send.
const sourceType = "IAM Policy"

// sourcesOf are the identity policies of a role or user, save those that without names.
func (s *service) sourcesOf(of subject, without exclusions) ([]policy.Source, error) {
	var out []policy.Source
	for _, document := range *of.inline {
		name := document.Name
		if without.inline(of, name) {
			continue
		}
		doc, err := s.Store.Compiled(document.Text, policy.Identity)
		if err != nil {
			return nil, fmt.Errorf("inline policy %s of %s %s: %w", name, of.noun, of.name, err)
		}
		out = append(out, policy.Source{ID: of.noun + "_" + of.name + "_" + name, Type: sourceType, Doc: doc})
	}
	for _, arn := range *of.attached {
		if without.managed(arn) {
			continue
		}
		source, err := s.managedSource(arn)
		if err != nil {
			return nil, err
		}
		out = append(out, source)
	}
	return out, nil
}

// boundaryOf is nil where there is none.
func (s *service) boundaryOf(of subject, without exclusions) ([]policy.Source, error) {
	if of.boundary == nil || *of.boundary == "" || without.boundary(*of.boundary) {
		return nil, nil
	}
	source, err := s.managedSource(*of.boundary)
	return []policy.Source{source}, err
}

// managedSource is the default version of a managed policy.
func (s *service) managedSource(arn string) (policy.Source, error) {
	p, ok := findManaged(arn)
	if !ok {
		p, ok = s.Store.PolicyByARN(arn)
	}
	if !ok {
		return policy.Source{}, fmt.Errorf("policy %s is attached and does not exist", arn)
	}
	i, err := versionAt(p, p.Default)
	if err != nil {
		return policy.Source{}, err
	}
	doc, err := s.Store.Compiled(p.Versions[i].Document, policy.Identity)
	if err != nil {
		return policy.Source{}, fmt.Errorf("policy %s: %w", arn, err)
	}
	return policy.Source{ID: p.Name, Type: sourceType, Doc: doc}, nil
}

// inputs parses documents given with a request. They are called by the parameter and their place in it.
func (s *service) inputs(parameter string, documents []string) ([]policy.Source, error) {
	var out []policy.Source
	for i, document := range documents {
		id := parameter + "." + strconv.Itoa(i+1)
		doc, err := policy.Parse(document, policy.Identity)
		if err != nil {
			return nil, invalidInput("%s: %s", id, err)
		}
		out = append(out, policy.Source{ID: id, Type: sourceType, Doc: doc})
	}
	return out, nil
}

// exclusion says which policies a simulation leaves out: all of a type, managed ones by ARN, or inline ones by holder and name. Exactly one
// member is given.
type exclusion struct {
	PolicyType             string
	PolicyArn              string
	InlinePolicyIdentifier *inlineIdentifier
}

type inlineIdentifier struct{ AttachmentName, AttachmentType, PolicyName string }

type exclusions []exclusion

func (e exclusions) check() error {
	for _, x := range e {
		given := 0
		for _, is := range []bool{x.PolicyType != "", x.PolicyArn != "", x.InlinePolicyIdentifier != nil} {
			if is {
				given++
			}
		}
		if given != 1 {
			return invalidInput("A policy identifier must have exactly one of PolicyType, PolicyArn and InlinePolicyIdentifier.")
		}
		switch {
		case x.PolicyType != "":
			if !slices.Contains([]string{"inline", "aws-managed", "user-managed", "permission-boundary", "scp", "rcp"}, x.PolicyType) {
				return invalidInput("%s is not a policy type.", x.PolicyType)
			}
		case x.PolicyArn != "":
			a, err := parsePolicyARN(x.PolicyArn)
			if err != nil || strings.Count(x.PolicyArn, "*") != strings.Count(a.Resource(), "*") || strings.Count(x.PolicyArn, "*") > 1 {
				return invalidInput("%s is not the ARN of a policy, with at most one * in its name.", x.PolicyArn)
			}
		case strings.Count(x.InlinePolicyIdentifier.AttachmentName, "*") > 1:
			return invalidInput("%s has more than one *.", x.InlinePolicyIdentifier.AttachmentName)
		}
	}
	return nil
}

func (e exclusions) inline(of subject, name string) bool {
	return slices.ContainsFunc(e, func(x exclusion) bool {
		i := x.InlinePolicyIdentifier
		return x.PolicyType == "inline" ||
			i != nil && i.PolicyName == name && i.AttachmentType == of.noun && globMatch(i.AttachmentName, of.name)
	})
}

func (e exclusions) managed(arn string) bool {
	kind := "user-managed"
	if _, aws := findManaged(arn); aws {
		kind = "aws-managed"
	}
	return slices.ContainsFunc(e, func(x exclusion) bool {
		return x.PolicyType == kind || x.PolicyArn != "" && globMatch(x.PolicyArn, arn)
	})
}

func (e exclusions) boundary(arn string) bool {
	return slices.ContainsFunc(e, func(x exclusion) bool { return x.PolicyType == "permission-boundary" })
}

// globMatch takes at most one * and any number of ?.
func globMatch(pattern, text string) bool {
	head, tail, star := strings.Cut(pattern, "*")
	if !star {
		return len(pattern) == len(text) && matchOnes(pattern, text)
	}
	return len(text) >= len(head)+len(tail) && matchOnes(head, text[:len(head)]) && matchOnes(tail, text[len(text)-len(tail):])
}

// matchOnes compares texts of one length; ? is any byte.
func matchOnes(pattern, text string) bool {
	for i := range len(pattern) {
		if pattern[i] != '?' && pattern[i] != text[i] {
			return false
		}
	}
	return true
}
