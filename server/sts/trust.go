package sts

import (
	"fmt"
	"strconv"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/store"
)

const (
	actionAssumeRole        = "sts:AssumeRole"
	actionWebIdentity       = "sts:AssumeRoleWithWebIdentity"
	actionTagSession        = "sts:TagSession"
	actionSetSourceIdentity = "sts:SetSourceIdentity"
)

// trustNobody is the trust policy evaluated where there is no role, so that a missing role costs what a role costs that
// doesn't trust the caller.
const trustNobody = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:*"}]}`

// application is one principal's request for a session of one role.
type application struct {
	arn       identity.ARN // the role as asked for
	role      *store.Role  // never nil: a role that trusts nobody stands for a missing one
	missing   string       // why there is no such role, for the operator; "" if there is
	requester policy.Requester
	own       policy.Policies // the requester's own policies; none for web identity
	keys      *policy.Context
	event     *audit.Event
}

// findRole looks a role up by its exact ARN, path and letter case included.
func (s *service) findRole(arn identity.ARN) (role *store.Role, missing string) {
	path, name, _ := identity.RoleName(arn)
	role, ok := s.Store.Roles.Get(store.RoleKey(string(arn.Account()), name))
	if ok && role.Name == name && role.Path == path && role.Partition == arn.Partition() {
		return role, ""
	}
	if _, hosted := s.Store.Accounts.Get(string(arn.Account())); !hosted {
		missing = "account " + string(arn.Account()) + " is not hosted here"
	} else {
		missing = "there is no role " + arn.String()
	}
	return &store.Role{Trust: trustNobody}, missing
}

// authorise asks the role's trust policy, and the requester's own policies where they count, for every action in turn.
// The first action names the statement in the audit event. refuse makes the public error of an action.
func (s *service) authorise(a *application, actions []string, refuse func(action string) *awserr.Error) error {
	trust, err := s.Store.Compiled(a.role.Trust, policy.Trust)
	if err != nil {
		return fmt.Errorf("trust policy of %s: %w", a.arn, err)
	}
	policies := a.own
	policies.Resource = []policy.Source{{ID: "trust policy of " + a.arn.String(), Type: "Role Trust Policy", Doc: trust}}
	policies.RequireResource = true
	policies.ResourceAccount = string(a.arn.Account())
	request := policy.Request{
		Requester: a.requester,
		Resource:  a.arn.String(),
		Context:   a.keys,
		Pins:      a.role.TrustPins,
	}
	for _, action := range actions {
		request.Action = action
		d := policy.Evaluate(&request, &policies)
		if !d.Allowed() {
			a.event.Statement = statement(d)
			return refuse(action).Because(a.reason(action, d))
		}
		if action == actions[0] {
			a.event.Statement = statement(d)
		}
	}
	return nil
}

// reason is what the operator is told of a refusal.
func (a *application) reason(action string, d policy.Decision) error {
	if a.missing != "" {
		return fmt.Errorf("%s: %s", action, a.missing)
	}
	return fmt.Errorf("%s: %s", action, d.Why())
}

// statement names the statement that decided, "" if none matched.
func statement(d policy.Decision) string {
	m, ok := d.Statement()
	if !ok {
		return ""
	}
	text := m.Source.ID + ", statement " + strconv.Itoa(m.Index+1)
	if m.Sid != "" {
		text += " (" + m.Sid + ")"
	}
	return text
}

// needed are the actions that must all be allowed.
func needed(first string, tags sessionTags, sourceIdentity string) []string {
	actions := []string{first}
	if tags.any() {
		actions = append(actions, actionTagSession)
	}
	if sourceIdentity != "" {
		actions = append(actions, actionSetSourceIdentity)
	}
	return actions
}
