package policy_test

import (
	"testing"

	"github.com/podpass/podpass/policy"
)

const (
	home     = "111122223333"
	abroad   = "444455556666"
	roleARN  = "arn:aws:iam::111122223333:role/team/reader"
	roleID   = "AROAABCDEFGHIJKLMNOPQ"
	session  = "arn:aws:sts::111122223333:assumed-role/reader/s1"
	userARN  = "arn:aws:iam::111122223333:user/eve"
	userID   = "AIDAABCDEFGHIJKLMNOPQ"
	fedUser  = "arn:aws:sts::111122223333:federated-user/bob"
	provider = "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/C1"
)

// callers of every kind.
func callers() map[string]policy.Requester {
	return map[string]policy.Requester{
		"session":   {Account: home, PrincipalARN: roleARN, SessionARN: session, UniqueID: roleID},
		"user":      {Account: home, PrincipalARN: userARN, UniqueID: userID},
		"federated": {Account: home, PrincipalARN: userARN, SessionARN: fedUser, UniqueID: userID},
		"web":       {Federated: provider},
		"service":   {Service: "pods.eks.amazonaws.com"},
		"anonymous": {},
	}
}

func resourcePolicy(t *testing.T, text string, use policy.Use) []policy.Source {
	t.Helper()
	d, err := policy.Parse(text, use)
	if err != nil {
		t.Fatal(err, text)
	}
	return []policy.Source{{ID: "trust policy", Doc: d}}
}

// TestPrincipals: whom a Principal matches, asked through a Deny, which no other policy can hide.
func TestPrincipals(t *testing.T) {
	for _, c := range []struct {
		principal string
		matches   string // callers, by the first letters of their names
	}{
		{`"*"`, "session user federated web service anonymous"},
		{`{"AWS":"*"}`, "session user federated web service anonymous"},
		{`{"AWS":"111122223333"}`, "session user federated"},
		{`{"AWS":"arn:aws:iam::111122223333:root"}`, "session user federated"},
		{`{"AWS":"arn:aws-cn:iam::111122223333:root"}`, ""},
		{`{"AWS":"444455556666"}`, ""},
		{`{"AWS":"arn:aws:iam::444455556666:root"}`, ""},
		{`{"AWS":"` + roleARN + `"}`, "session"},
		{`{"AWS":"arn:aws:iam::111122223333:role/reader"}`, ""},
		{`{"AWS":"arn:aws:iam::111122223333:role/team/Reader"}`, ""},
		{`{"AWS":"arn:aws-cn:iam::111122223333:role/team/reader"}`, ""},
		{`{"AWS":"` + roleID + `"}`, "session"},
		{`{"AWS":"AROAZZZZZZZZZZZZZZZZZ"}`, ""},
		{`{"AWS":"` + session + `"}`, "session"},
		{`{"AWS":"arn:aws:sts::111122223333:assumed-role/reader/s2"}`, ""},
		{`{"AWS":"arn:aws:sts::111122223333:assumed-role/team/reader"}`, ""},
		{`{"AWS":"` + userARN + `"}`, "user federated"},
		{`{"AWS":"` + userID + `"}`, "user federated"},
		{`{"AWS":"` + fedUser + `"}`, "federated"},
		{`{"Federated":"` + provider + `"}`, "web"},
		{`{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.example/id/C2"}`, ""},
		{`{"Federated":"arn:aws:iam::444455556666:oidc-provider/oidc.example/id/C1"}`, ""},
		{`{"Federated":"accounts.google.com"}`, ""},
		{`{"Service":"pods.eks.amazonaws.com"}`, "service"},
		{`{"Service":"eks.amazonaws.com"}`, ""},
		{`{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}`, ""},
		{`{"AWS":["444455556666","` + session + `"],"Service":"pods.eks.amazonaws.com"}`, "session service"},
	} {
		for name, who := range callers() {
			p := &policy.Policies{ResourceAccount: home, Resource: resourcePolicy(t, trustDoc(`"Effect":"Deny","Action":"sts:*","Principal":`+c.principal), policy.Trust)}
			got := policy.Evaluate(&policy.Request{Requester: who, Action: "sts:AssumeRole"}, p).Effect == policy.ExplicitDeny
			if want := containsWord(c.matches, name); got != want {
				t.Errorf("%s matches %s: %v", c.principal, name, got)
			}
		}
	}
}

func containsWord(list, word string) bool { return contains(" "+list+" ", " "+word+" ") }

func contains(s, part string) bool {
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i:i+len(part)] == part {
			return true
		}
	}
	return false
}

// TestNotPrincipal: a Deny spares a caller only when account, identity and session are all listed; an Allow (which only resource
// policies may have) reaches those of whom nothing is listed.
func TestNotPrincipal(t *testing.T) {
	for _, c := range []struct {
		listed         string
		spares, allows string
	}{
		{`"*"`, "session user federated web service anonymous", ""},
		{`{"AWS":"444455556666"}`, "", "session user federated web service anonymous"},
		{`{"AWS":"111122223333"}`, "", "web service anonymous"},
		{`{"AWS":"` + roleARN + `"}`, "", "user federated web service anonymous"},
		{`{"AWS":["111122223333","` + roleARN + `"]}`, "", "web service anonymous"},
		{`{"AWS":["111122223333","` + roleARN + `","` + session + `"]}`, "session", "web service anonymous"},
		{`{"AWS":["111122223333","` + roleID + `","` + session + `"]}`, "session", "web service anonymous"},
		{`{"AWS":["` + roleARN + `","` + session + `"]}`, "", "user federated web service anonymous"},
		{`{"AWS":["arn:aws:iam::111122223333:root","` + userARN + `"]}`, "user", "web service anonymous"},
		{`{"Service":"pods.eks.amazonaws.com"}`, "service", "session user federated web anonymous"},
		{`{"Federated":"` + provider + `"}`, "web", "session user federated service anonymous"},
	} {
		for name, who := range callers() {
			r := &policy.Request{Requester: who, Action: "s3:x", Resource: "arn:aws:s3:::b"}
			deny := &policy.Policies{ResourceAccount: home, Resource: resourcePolicy(t, identityDoc(`"Effect":"Deny","Action":"*","Resource":"*","NotPrincipal":`+c.listed), policy.ResourceUse)}
			if got, want := policy.Evaluate(r, deny).Effect != policy.ExplicitDeny, containsWord(c.spares, name); got != want {
				t.Errorf("Deny NotPrincipal %s spares %s: %v", c.listed, name, got)
			}
			allow := &policy.Policies{ResourceAccount: home, Resource: resourcePolicy(t, identityDoc(`"Effect":"Allow","Action":"*","Resource":"*","NotPrincipal":`+c.listed), policy.ResourceUse)}
			if got, want := policy.Evaluate(r, allow).Allowed(), containsWord(c.allows, name); got != want {
				t.Errorf("Allow NotPrincipal %s reaches %s: %v", c.listed, name, got)
			}
		}
	}
}

// TestPins: a role that was deleted and made again under its old name isn't the one that was trusted.
func TestPins(t *testing.T) {
	trust := resourcePolicy(t, trustDoc(`"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":["`+roleARN+`","`+userARN+`"]}`), policy.Trust)
	for _, c := range []struct {
		caller, id string
		pins       map[string]string
		moved      bool // to another name
		want       bool
	}{
		{"user", userID, map[string]string{userARN: userID}, true, true},
		{"user", userID, nil, true, false},
		{"session", roleID, map[string]string{userARN: userID}, true, false},
		{"session", roleID, nil, false, true},
		{"session", roleID, map[string]string{roleARN: roleID}, false, true},
		{"session", "AROAZZZZZZZZZZZZZZZZZ", map[string]string{roleARN: roleID}, false, false},
		{"session", "", map[string]string{roleARN: roleID}, false, false},
		{"session", "", map[string]string{roleARN: ""}, false, false},
		{"session", roleID, map[string]string{userARN: userID}, false, true},
		{"user", userID, map[string]string{userARN: userID}, false, true},
		{"user", "AIDAZZZZZZZZZZZZZZZZZ", map[string]string{userARN: userID}, false, false},
	} {
		who := callers()[c.caller]
		who.UniqueID = c.id
		if c.moved {
			who.PrincipalARN += "2"
		}
		d := policy.Evaluate(&policy.Request{Requester: who, Action: "sts:AssumeRole", Pins: c.pins},
			&policy.Policies{Resource: trust, RequireResource: true, ResourceAccount: home})
		if d.Allowed() != c.want {
			t.Errorf("%s %q with pins %v: %s", c.caller, c.id, c.pins, d.Why())
		}
	}
}
