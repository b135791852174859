package assume

import (
	"fmt"
	"strconv"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/session"
)

// The actions that an application may need.
const (
	ActionAssumeRole        = "sts:AssumeRole"
	ActionWebIdentity       = "sts:AssumeRoleWithWebIdentity"
	ActionTagSession        = "sts:TagSession"
	ActionSetSourceIdentity = "sts:SetSourceIdentity"
)

// Application is one principal's request for a session of one role.
type Application struct {
	Action    string // ActionAssumeRole or ActionWebIdentity
	Role      Role
	Requester policy.Requester
	Own       policy.Policies // the requester's own policies; none for web identity and services
	Keys      *policy.Context // of the requester and the call; Decide adds those of the session asked for

	SessionName    string
	Seconds        int // the length asked for
	Tags           Tags
	SourceIdentity string
}

// Verdict is what became of an application.
type Verdict struct {
	Refused   string // the action that was refused; "" if all that are needed are allowed
	Reason    error  // of a refusal, for the operator: which condition key had which value
	Statement string // that decided; "" if none matched
}

// Allowed is true only for a verdict that Decide made so.
func (v Verdict) Allowed() bool { return v.Refused == "" && v.Statement != "" }

// Decide asks the role's trust policy, and the requester's own policies where they count, for every action needed in turn. The first action names
// the statement. An error is a policy that cannot be evaluated, which is nobody's yes.
func (r *Roles) Decide(a *Application) (Verdict, error) {
	trust, err := r.Store.Compiled(a.Role.Record.Trust, policy.Trust)
	if err != nil {
		return Verdict{}, fmt.Errorf("trust policy of %s: %w", a.Role.ARN, err)
	}
	a.setKeys()
	policies := a.Own
	policies.Resource = []policy.Source{{ID: "trust policy of " + a.Role.ARN.String(), Type: "Role Trust Policy", Doc: trust}}
	policies.RequireResource = true
	policies.ResourceAccount = string(a.Role.ARN.Account())
	request := policy.Request{
		Requester: a.Requester,
		Action:    a.Action,
		Resource:  a.Role.ARN.String(),
		Context:   a.Keys,
		Pins:      a.Role.Record.TrustPins,
	}
	first := policy.Evaluate(&request, &policies)
	if !first.Allowed() {
		return a.refused(a.Action, first), nil
	}
	for _, action := range a.further() {
		request.Action = action
		if d := policy.Evaluate(&request, &policies); !d.Allowed() {
			return a.refused(action, d), nil
		}
	}
	return Verdict{Statement: Statement(first)}, nil
}

// further are the actions that must be allowed beside the first.
func (a *Application) further() []string {
	var actions []string
	if a.Tags.any() {
		actions = append(actions, ActionTagSession)
	}
	if a.SourceIdentity != "" {
		actions = append(actions, ActionSetSourceIdentity)
	}
	return actions
}

// setKeys puts the condition keys about the session asked for into the request.
func (a *Application) setKeys() {
	a.Tags.setKeys(a.Keys, a.Role.Record)
	a.Keys.Set("sts:RoleSessionName", a.SessionName)
	a.Keys.Set("sts:DurationSeconds", strconv.Itoa(a.Seconds))
	if a.SourceIdentity != "" {
		a.Keys.Set("sts:SourceIdentity", a.SourceIdentity)
	}
}

func (a *Application) refused(action string, d policy.Decision) Verdict {
	why := a.Role.Missing
	if why == "" {
		why = d.Why()
	}
	return Verdict{Refused: action, Reason: fmt.Errorf("%s: %s", action, why), Statement: Statement(d)}
}

// Statement names, for an audit event, the statement that decided, "" if none matched.
func Statement(d policy.Decision) string {
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

// Session is the one applied for, to be started or minted. sess comes with what only its kind of requester has.
func (a *Application) Session(sess session.Session) session.Session {
	sess.Kind, sess.Name = session.AssumedRole, a.SessionName
	sess.Account, sess.PrincipalID, sess.PrincipalName = a.Role.Record.Account, a.Role.Record.ID, a.Role.Record.Name
	sess.Tags, sess.TransitiveKeys = a.Tags.all(), a.Tags.transitiveKeys()
	sess.SourceIdentity = a.SourceIdentity
	return sess
}
