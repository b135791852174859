package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
)

func TestAuthorise(t *testing.T) {
	w := newWorld(t)
	put(w, w.store.Policies, store.PolicyKey("111122223333", "get"), &store.Policy{
		Account: account, Partition: "aws", Path: "/p/", Name: "get", ID: "ANPAQAAAAAAAEXAMPLE01", Default: "v2",
		Versions: []store.PolicyVersion{{ID: "v1", Document: allowAll}, {ID: "v2", Document: allowGet}},
	})
	const get = "arn:aws:iam::111122223333:policy/p/get"
	const managed, gone = "arn:aws:iam::aws:policy/IAMReadOnlyAccess", "arn:aws:iam::111122223333:policy/gone"
	none := func(r *store.Role) { r.Inline, r.Attached, r.Boundary = nil, nil, "" }
	const text = "User: arn:aws:sts::111122223333:assumed-role/reader/web is not authorized to perform: %s on resource: arn:aws:iam::111122223333:role/x"
	const noIdentity = " because no identity-based policy allows the %s action"
	tests := map[string]struct {
		role    func(*store.Role)
		session func(*session.Session)
		action  string // default iam:GetRole
		want    string // message; "" allowed
		cause   string
	}{
		"inline":               {role: func(*store.Role) {}},
		"nothing":              {role: none, want: noIdentity},
		"customer's policy":    {role: func(r *store.Role) { none(r); r.Attached = []string{get} }},
		"its default version":  {role: func(r *store.Role) { none(r); r.Attached = []string{get} }, action: "iam:CreateRole", want: noIdentity},
		"AWS's policy":         {role: func(r *store.Role) { none(r); r.Attached = []string{managed} }},
		"policy gone":          {role: func(r *store.Role) { r.Attached = []string{gone} }, want: " ", cause: gone + " does not exist"},
		"AWS's policy unknown": {role: func(r *store.Role) { r.Attached = []string{"arn:aws:iam::aws:policy/None"} }, want: " ", cause: "None does not exist"},
		"no ARN":               {role: func(r *store.Role) { r.Attached = []string{"x"} }, want: " ", cause: "x does not exist"},
		"malformed inline":     {role: func(r *store.Role) { r.Inline = store.DocumentsOf(map[string]string{"a": allowAll, "b": "{"}) }, want: " ", cause: "inline policy b of role/reader"},
		"explicit deny": {
			role: func(r *store.Role) { r.Inline = store.DocumentsOf(map[string]string{"a": allowAll, "b": denyGet}) },
			want: " with an explicit deny in an identity-based policy", cause: "role/reader inline policy b",
		},
		"boundary":        {role: func(r *store.Role) { r.Boundary = get }},
		"outside of it":   {role: func(r *store.Role) { r.Boundary = get }, action: "iam:CreateRole", want: " because no permissions boundary allows the %s action"},
		"boundary gone":   {role: func(r *store.Role) { r.Boundary = gone }, want: " because no permissions boundary allows the %s action"},
		"session policy":  {session: func(s *session.Session) { s.Policy = allowGet }},
		"not in it":       {session: func(s *session.Session) { s.Policy = allowGet }, action: "iam:CreateRole", want: " because no session policy allows the %s action"},
		"session ARN":     {session: func(s *session.Session) { s.PolicyARNs = []string{get} }},
		"not in the ARN":  {session: func(s *session.Session) { s.PolicyARNs = []string{get} }, action: "iam:CreateRole", want: " because no session policy allows the %s action"},
		"their union":     {session: func(s *session.Session) { s.Policy, s.PolicyARNs = denyNothing, []string{get, managed} }},
		"session's deny":  {session: func(s *session.Session) { s.Policy = denyGet }, want: " with an explicit deny in a session policy"},
		"session gone":    {session: func(s *session.Session) { s.PolicyARNs = []string{gone} }, want: " ", cause: "session policy"},
		"session garbage": {session: func(s *session.Session) { s.Policy = "{" }, want: " ", cause: "session policy"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.role == nil {
				test.role = func(*store.Role) {}
			}
			if test.action == "" {
				test.action = "iam:GetRole"
			}
			w.t = t
			w.changeRole(func(r *store.Role) {
				r.Inline, r.Attached, r.Boundary = store.DocumentsOf(map[string]string{"all": allowAll}), nil, ""
				test.role(r)
			})
			c := w.caller(w.session(test.session))
			d, err := w.gate.Authorise(w.request(longTerm, "iam"), c, test.action, "arn:aws:iam::111122223333:role/x", nil)
			if test.want == "" {
				if err != nil || !d.Allowed() {
					t.Errorf("refused: %v (%v)", err, errors.Unwrap(err))
				}
				return
			}
			want := strings.ReplaceAll(text+strings.TrimRight(test.want, " "), "%s", test.action)
			var wire *awserr.Error
			if d.Allowed() || !errors.As(err, &wire) || wire.Code != "AccessDenied" || wire.Status != 403 || wire.Message != want ||
				wire.Cause == nil || !strings.Contains(wire.Reason(), test.cause) {
				t.Errorf("got  %v (%v)\nwant %s (%s)", err, errors.Unwrap(err), want, test.cause)
			}
		})
	}
}

const denyNothing = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]}`

func TestAnonymousIsNeverAuthorised(t *testing.T) {
	w := newWorld(t)
	if _, err := w.gate.Authorise(w.request(longTerm, "iam"), access.Caller{}, "iam:GetRole", "*", nil); err == nil {
		t.Error("allowed")
	}
}

// An action's own keys are seen, and can't change who asks.
func TestExtraKeys(t *testing.T) {
	w := newWorld(t)
	w.changeUser(func(u *store.User) {
		u.Inline = store.DocumentsOf(map[string]string{"own": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*",
			"Condition":{"StringEquals":{"aws:ResourceTag/Owner":"${aws:username}"}}}]}`})
	})
	c := w.caller(longTerm)
	authorise := func(extra *policy.Context) bool {
		_, err := w.gate.Authorise(w.request(longTerm, "iam"), c, "iam:GetRole", "arn:aws:iam::111122223333:role/x", extra)
		return err == nil
	}
	var extra policy.Context
	if authorise(nil) || authorise(&extra) {
		t.Error("allowed without the key")
	}
	extra.Set("aws:ResourceTag/Owner", "ann")
	if !authorise(&extra) {
		t.Error("refused with the key")
	}
	extra.Set("aws:ResourceTag/Owner", "bob")
	extra.Set("aws:username", "bob")
	if authorise(&extra) {
		t.Error("an extra key replaced the caller's name")
	}
}

func TestPolicyOrder(t *testing.T) {
	w := newWorld(t)
	w.changeRole(func(r *store.Role) {
		r.Inline = store.DocumentsOf(map[string]string{"c": allowAll, "a": allowAll, "b": allowAll})
		r.Attached = []string{"arn:aws:iam::aws:policy/IAMReadOnlyAccess"}
	})
	p, err := w.gate.Policies(w.caller(w.session(nil)))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, s := range p.Identity {
		ids = append(ids, s.ID)
	}
	want := []string{"role/reader inline policy a", "role/reader inline policy b", "role/reader inline policy c", "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}
	if !slices.Equal(ids, want) || p.Boundary != nil || p.Session != nil {
		t.Errorf("%v %v %v", ids, p.Boundary, p.Session)
	}
}
