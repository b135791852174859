package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/policy"
)

// statement texts by name, for the table of TestOrder.
func stance(t *testing.T, name string, use policy.Use) []policy.Source {
	t.Helper()
	if name == "-" { // there is no such policy
		return nil
	}
	if name == "silent" { // there is one, about something else
		name = `Allow "Action":"sts:TagSession"`
	}
	effect, rest, _ := strings.Cut(name, " ")
	if rest == "" {
		rest = `"Action":"sts:AssumeRole"`
	}
	text := `"Effect":"` + effect + `",` + rest
	if use == policy.Identity || use == policy.SessionUse {
		text += `,"Resource":"*"`
	}
	d, err := policy.Parse(identityDoc(text), use)
	if err != nil {
		t.Fatal(err, text)
	}
	return []policy.Source{{ID: "p", Doc: d}}
}

func allowTo(principal string) string {
	return `Allow "Action":"sts:AssumeRole","Principal":{"AWS":"` + principal + `"}`
}

// TestOrder is AWS's evaluation order, one line per combination.
func TestOrder(t *testing.T) {
	denyAll := `Deny "Action":"sts:AssumeRole","Principal":"*"`
	anyone := `Allow "Action":"sts:AssumeRole","Principal":"*"`
	const none = "-"
	for _, c := range []struct {
		caller                                string
		owner                                 string // account of the resource
		trust, identity, boundary, sessionPol string
		require                               bool // the resource side must allow: a trust policy
		want                                  string
	}{
		// identity policies alone, in the caller's own account
		{"session", home, none, "Allow", none, none, false, "allow identity"},
		{"session", "", none, "Allow", none, none, false, "allow identity"},
		{"session", home, none, none, none, none, false, "refuse identity"},
		{"session", home, none, "silent", none, none, false, "refuse identity"},
		{"session", home, none, "Deny", none, none, false, "deny identity"},
		{"session", home, none, "Allow", "Allow", none, false, "allow identity"},
		{"session", home, none, "Allow", "silent", none, false, "refuse boundary"},
		{"session", home, none, "Allow", "Deny", none, false, "deny boundary"},
		{"session", home, none, "silent", "Allow", none, false, "refuse identity"},
		{"session", home, none, "Allow", none, "Allow", false, "allow identity"},
		{"session", home, none, "Allow", none, "silent", false, "refuse session"},
		{"session", home, none, "Allow", none, "Deny", false, "deny session"},
		{"session", home, none, "silent", none, "Allow", false, "refuse identity"},
		{"session", home, none, "Allow", "Allow", "Allow", false, "allow identity"},
		{"session", home, none, "Allow", "silent", "silent", false, "refuse boundary"},
		{"user", home, none, "Allow", none, none, false, "allow identity"},
		{"user", home, none, "Allow", "silent", none, false, "refuse boundary"},
		{"anonymous", home, none, none, none, none, false, "refuse resource"},
		{"web", home, none, "Allow", none, none, false, "refuse resource"},
		{"service", home, none, "Allow", none, none, false, "refuse resource"},
		// a trust policy must allow by itself
		{"session", home, none, "Allow", none, none, true, "refuse resource"},
		{"session", home, "silent " + home, "Allow", none, none, true, "refuse resource"},
		{"session", home, denyAll, "Allow", none, none, true, "deny resource"},
		{"session", home, allowTo(session), "Deny", none, none, true, "deny identity"},
		// …naming the account: the account's identity policies decide
		{"session", home, allowTo(home), "Allow", none, none, true, "allow resource"},
		{"session", home, allowTo("arn:aws:iam::111122223333:root"), "Allow", none, none, true, "allow resource"},
		{"session", home, allowTo(home), none, none, none, true, "refuse identity"},
		{"session", home, allowTo(home), "silent", none, none, true, "refuse identity"},
		{"session", home, allowTo(home), "Allow", "silent", none, true, "refuse boundary"},
		{"session", home, allowTo(home), "Allow", none, "silent", true, "refuse session"},
		{"user", home, allowTo(home), none, none, none, true, "refuse identity"},
		// …naming the role: no identity policy needed, boundary and session policy limit
		{"session", home, allowTo(roleARN), none, none, none, true, "allow resource"},
		{"session", home, allowTo(roleARN), "silent", none, none, true, "allow resource"},
		{"session", home, allowTo(roleID), none, none, none, true, "allow resource"},
		{"session", home, allowTo(roleARN), none, "Allow", "Allow", true, "allow resource"},
		{"session", home, allowTo(roleARN), "Allow", "silent", none, true, "refuse boundary"},
		{"session", home, allowTo(roleARN), "Allow", none, "silent", true, "refuse session"},
		{"session", home, allowTo(roleARN), none, "Deny", none, true, "deny boundary"},
		{"session", home, allowTo("arn:aws:iam::111122223333:role/other"), "Allow", none, none, true, "refuse resource"},
		// …naming the session: implicit denies of boundary and session policy don't count
		{"session", home, allowTo(session), none, "silent", "silent", true, "allow resource"},
		{"session", home, allowTo(session), "silent", none, none, true, "allow resource"},
		{"session", home, allowTo(session), none, "Deny", none, true, "deny boundary"},
		{"session", home, allowTo(session), none, none, "Deny", true, "deny session"},
		// …naming a user: neither does its boundary's
		{"user", home, allowTo(userARN), none, none, none, true, "allow resource"},
		{"user", home, allowTo(userARN), none, "silent", none, true, "allow resource"},
		{"user", home, allowTo(userID), none, "silent", none, true, "allow resource"},
		{"user", home, allowTo(userARN), none, "Deny", none, true, "deny boundary"},
		// …but a federated session of the user is limited by both, unless named itself
		{"federated", home, allowTo(userARN), none, none, "silent", true, "refuse session"},
		{"federated", home, allowTo(userARN), none, "silent", none, true, "refuse boundary"},
		{"federated", home, allowTo(fedUser), none, "silent", "silent", true, "allow resource"},
		// …naming everyone: limited like a role
		{"session", home, anyone, none, none, none, true, "allow resource"},
		{"session", home, anyone, none, "silent", none, true, "refuse boundary"},
		{"session", home, anyone, none, none, "silent", true, "refuse session"},
		{"user", home, anyone, none, "silent", none, true, "refuse boundary"},
		{"web", home, anyone, none, none, none, true, "allow resource"},
		{"anonymous", home, anyone, none, none, none, true, "allow resource"},
		// a resource policy need not allow in the same account, yet may
		{"session", home, "silent " + home, "Allow", none, none, false, "allow identity"},
		{"session", home, allowTo(roleARN), none, none, none, false, "allow resource"},
		{"session", home, allowTo(home), none, none, none, false, "refuse identity"},
		{"session", home, denyAll, "Allow", none, none, false, "deny resource"},
		// another account's resource: both sides, always
		{"session", abroad, none, "Allow", none, none, false, "refuse resource"},
		{"session", abroad, allowTo(home), "Allow", none, none, true, "allow resource"},
		{"session", abroad, allowTo(home), none, none, none, true, "refuse identity"},
		{"session", abroad, allowTo(roleARN), none, none, none, true, "refuse identity"},
		{"session", abroad, allowTo(roleARN), "Allow", none, none, true, "allow resource"},
		{"session", abroad, allowTo(session), none, none, none, true, "refuse identity"},
		{"session", abroad, allowTo(session), "Allow", "silent", none, true, "refuse boundary"},
		{"session", abroad, allowTo(session), "Allow", none, "silent", true, "refuse session"},
		{"session", abroad, allowTo(session), "Allow", "Allow", "Allow", true, "allow resource"},
		{"session", abroad, anyone, none, none, none, true, "refuse identity"},
		{"session", abroad, allowTo(abroad), "Allow", none, none, true, "refuse resource"},
		{"session", abroad, denyAll, "Allow", none, none, true, "deny resource"},
		{"user", abroad, allowTo(userARN), none, none, none, true, "refuse identity"},
		{"user", abroad, allowTo(userARN), "Allow", none, none, true, "allow resource"},
		// a resource policy whose owner isn't known is another account's
		{"session", "", allowTo(roleARN), none, none, none, true, "refuse identity"},
		// callers without an identity: the resource policy alone, whatever else is passed
		{"web", home, `Allow "Action":"sts:AssumeRole","Principal":{"Federated":"` + provider + `"}`, none, "silent", "silent", true, "allow resource"},
		{"web", home, allowTo(home), "Allow", none, none, true, "refuse resource"},
		{"service", home, `Allow "Action":"sts:AssumeRole","Principal":{"Service":"pods.eks.amazonaws.com"}`, none, none, none, true, "allow resource"},
		{"service", home, `Allow "Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}`, none, none, none, true, "refuse resource"},
		{"web", home, denyAll, none, none, none, true, "deny resource"},
	} {
		trust := c.trust
		if strings.HasPrefix(trust, "silent ") {
			trust = `Allow "Action":"sts:TagSession","Principal":{"AWS":"` + strings.TrimPrefix(trust, "silent ") + `"}`
		}
		p := &policy.Policies{
			Resource: stance(t, trust, policy.Trust), Identity: stance(t, c.identity, policy.Identity), Boundary: stance(t, c.boundary, policy.Identity),
			Session: stance(t, c.sessionPol, policy.SessionUse), RequireResource: c.require, ResourceAccount: c.owner,
		}
		d := policy.Evaluate(&policy.Request{Requester: callers()[c.caller], Action: "sts:AssumeRole", Resource: "arn:aws:iam::111122223333:role/target"}, p)
		effect := map[policy.Effect]string{policy.Allow: "allow", policy.ImplicitDeny: "refuse", policy.ExplicitDeny: "deny"}[d.Effect]
		kind := map[policy.Kind]string{policy.ByResource: "resource", policy.ByIdentity: "identity", policy.ByBoundary: "boundary", policy.BySession: "session"}[d.Kind]
		if got := effect + " " + kind; got != c.want {
			t.Errorf("%s, owner %q, resource %s, identity %s, boundary %s, session %s: %s, want %s (%s)",
				c.caller, c.owner, c.trust, c.identity, c.boundary, c.sessionPol, got, c.want, d.Why())
		}
	}
}

// TestUnions: policies of a kind add up, and a Deny in any of them holds.
func TestUnions(t *testing.T) {
	allow, deny, silent := stance(t, "Allow", policy.Identity)[0], stance(t, "Deny", policy.Identity)[0], stance(t, "silent", policy.Identity)[0]
	empty := policy.Source{ID: "no document"}
	for _, c := range []struct {
		name string
		p    policy.Policies
		want policy.Effect
	}{
		{"identity", policy.Policies{Identity: []policy.Source{silent, empty, allow}}, policy.Allow},
		{"identity, deny last", policy.Policies{Identity: []policy.Source{allow, silent, deny}}, policy.ExplicitDeny},
		{"boundary", policy.Policies{Identity: []policy.Source{allow}, Boundary: []policy.Source{silent, allow}}, policy.Allow},
		{"boundary of nothing", policy.Policies{Identity: []policy.Source{allow}, Boundary: []policy.Source{}}, policy.ImplicitDeny},
		{"boundary without a document", policy.Policies{Identity: []policy.Source{allow}, Boundary: []policy.Source{empty}}, policy.ImplicitDeny},
		{"session", policy.Policies{Identity: []policy.Source{allow}, Session: []policy.Source{silent, allow}}, policy.Allow},
		{"session of nothing", policy.Policies{Identity: []policy.Source{allow}, Session: []policy.Source{}}, policy.ImplicitDeny},
		{"no policies", policy.Policies{}, policy.ImplicitDeny},
	} {
		d := policy.Evaluate(&policy.Request{Requester: callers()["session"], Action: "sts:AssumeRole", Resource: "*"}, &c.p)
		if d.Effect != c.want {
			t.Errorf("%s: %s", c.name, d.Why())
		}
	}
	if (policy.Decision{}).Allowed() {
		t.Error("the zero Decision allows")
	}
}

// TestMisplacedDocuments: an identity policy names no principal; among the resource policies it must not allow everyone.
func TestMisplacedDocuments(t *testing.T) {
	identity, deny := stance(t, "Allow", policy.Identity), stance(t, "Deny", policy.Identity)
	trust := stance(t, `Allow "Action":"sts:AssumeRole","Principal":"*"`, policy.Trust)
	for name, c := range map[string]struct {
		p    policy.Policies
		want policy.Effect
	}{
		"identity policy as trust policy":         {policy.Policies{Resource: identity, ResourceAccount: home, RequireResource: true}, policy.ImplicitDeny},
		"denying identity policy as trust policy": {policy.Policies{Resource: append(deny, trust...), ResourceAccount: home}, policy.ExplicitDeny},
		"trust policy as identity policy":         {policy.Policies{Identity: trust, ResourceAccount: home}, policy.ImplicitDeny},
		"trust policy as boundary":                {policy.Policies{Identity: identity, Boundary: trust, ResourceAccount: home}, policy.ImplicitDeny},
	} {
		d := policy.Evaluate(&policy.Request{Requester: callers()["session"], Action: "sts:AssumeRole", Resource: "*"}, &c.p)
		if d.Effect != c.want {
			t.Errorf("%s: %s", name, d.Why())
		}
	}
}

func TestWhy(t *testing.T) {
	const sub = "oidc.example/id/C1:sub"
	web := trustDoc(`"Sid":"Web","Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{"Federated":"` + provider + `"},
		"Condition":{"StringEquals":{"oidc.example/id/C1:aud":"sts.amazonaws.com","` + sub + `":"system:serviceaccount:a:b"}}`)
	base := keys{"oidc.example/id/C1:aud": "sts.amazonaws.com", sub: "system:serviceaccount:a:b"}
	with := func(name string, value any) keys {
		k := keys{}
		for n, v := range base {
			k[n] = v
		}
		if value == nil {
			delete(k, name)
		} else {
			k[name] = value
		}
		return k
	}
	const no = "no resource-based policy allows sts:AssumeRoleWithWebIdentity: trust policy: statement 1 (Web) did not match: "
	for _, c := range []struct {
		name, caller, action, trust string
		have                        keys
		want                        string
	}{
		{"allowed", "web", "sts:AssumeRoleWithWebIdentity", web, base, "trust policy: statement 1 (Web) allows sts:AssumeRoleWithWebIdentity"},
		{
			"another subject", "web", "sts:AssumeRoleWithWebIdentity", web, with(sub, "system:serviceaccount:a:c"),
			no + `StringEquals oidc.example/id/C1:sub wants "system:serviceaccount:a:b", the request has "system:serviceaccount:a:c"`,
		},
		{
			"no subject", "web", "sts:AssumeRoleWithWebIdentity", web, with(sub, nil),
			no + `StringEquals oidc.example/id/C1:sub wants "system:serviceaccount:a:b", the request has no such key`,
		},
		{
			"two subjects", "web", "sts:AssumeRoleWithWebIdentity", web, with(sub, []string{"x", "y\n"}),
			no + `StringEquals oidc.example/id/C1:sub wants "system:serviceaccount:a:b", the request has "x" or "y\n"`,
		},
		{
			"empty list", "web", "sts:AssumeRoleWithWebIdentity", web, with(sub, none),
			no + `StringEquals oidc.example/id/C1:sub wants "system:serviceaccount:a:b", the request has no value`,
		},
		{
			"another audience comes first", "web", "sts:AssumeRoleWithWebIdentity", web,
			keys{"oidc.example/id/C1:aud": "x"},
			no + `StringEquals oidc.example/id/C1:aud wants "sts.amazonaws.com", the request has "x"`,
		},
		{
			"another caller", "service", "sts:AssumeRoleWithWebIdentity", web, base,
			no + `Principal wants "` + provider + `", the request has "pods.eks.amazonaws.com"`,
		},
		{"no caller", "anonymous", "sts:AssumeRoleWithWebIdentity", web, base, no + `Principal wants "` + provider + `", the request has no principal`},
		{
			"another action", "web", "sts:TagSession", web, base,
			`no resource-based policy allows sts:TagSession: trust policy: statement 1 (Web) did not match: Action wants "sts:assumerolewithwebidentity", the request has "sts:TagSession"`,
		},
		{
			"odd action", "web", "sts:a\nb", web, base,
			`no resource-based policy allows "sts:a\nb": trust policy: statement 1 (Web) did not match: Action wants "sts:assumerolewithwebidentity", the request has "sts:a\nb"`,
		},
		{
			"the statement that came closest", "session", "sts:AssumeRole",
			`{"Statement":[{"Effect":"Allow","Action":"sts:TagSession","Principal":"*"},{"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"AWS":"` + abroad + `"}},
			 {"Effect":"Allow","Action":"sts:Assume*","Principal":{"AWS":["111111111111","222222222222","333333333333","444444444444","555555555555","666666666666"]}}]}`, nil,
			`no resource-based policy allows sts:AssumeRole: trust policy: statement 3 did not match: Principal wants "111111111111" or "222222222222" or "333333333333" or "444444444444" or 2 others, ` +
				`the request has "` + session + `", "` + roleARN + `", unique id "` + roleID + `"`,
		},
		{"denied", "session", "sts:AssumeRole", trustDoc(`"Effect":"Deny","Action":"sts:AssumeRole","Principal":"*"`), nil, `trust policy: statement 1 denies sts:AssumeRole`},
		{
			"denied by a condition", "session", "sts:AssumeRole",
			trustDoc(`"Effect":"Deny","Action":"sts:AssumeRole","Principal":"*","Condition":{"StringNotLike":{"aws:PrincipalTag/team":["${sts:ExternalId}*","b"]}}`),
			keys{"aws:principaltag/team": "red", "sts:ExternalId": "x"},
			`trust policy: statement 1 denies sts:AssumeRole: StringNotLike aws:PrincipalTag/team wants "${sts:ExternalId}*" or "b", the request has "red", ${sts:ExternalId} is "x"`,
		},
		{"nothing", "session", "sts:AssumeRole", trustDoc(`"Effect":"Deny","Action":"sts:TagSession","Principal":"*"`), nil, "no resource-based policy allows sts:AssumeRole"},
		{
			"a long value", "web", "sts:AssumeRoleWithWebIdentity", web, with(sub, strings.Repeat("x", 255)+"é"+strings.Repeat("y", 500)),
			no + `StringEquals oidc.example/id/C1:sub wants "system:serviceaccount:a:b", the request has "` + strings.Repeat("x", 255) + `"…`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &policy.Policies{Resource: resourcePolicy(t, c.trust, policy.Trust), RequireResource: true, ResourceAccount: home}
			d := policy.Evaluate(&policy.Request{Requester: callers()[c.caller], Action: c.action, Context: c.have.context()}, p)
			if diff := cmp.Diff(c.want, d.Why()); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := (policy.Decision{}).Why(); got != "nothing was decided" {
		t.Errorf("zero Decision: %s", got)
	}
}

// TestWhyIdentity: in identity policies, statements about other actions aren't worth naming.
func TestWhyIdentity(t *testing.T) {
	text := `{` + v2012 + `"Statement":[
		{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::a/*","arn:aws:s3:::b/*"]},
		{"Effect":"Allow","NotAction":"s3:*","NotResource":"arn:aws:sqs:us-east-1:1:q"}]}`
	for _, c := range []struct{ action, resource, want string }{
		{"s3:PutObject", "arn:aws:s3:::a/x", "no identity-based policy allows s3:PutObject on arn:aws:s3:::a/x"},
		{"s3:GetObject", "arn:aws:s3:::c/x", `no identity-based policy allows s3:GetObject on arn:aws:s3:::c/x: p: statement 1 did not match: Resource wants "arn:aws:s3:::a/*" or "arn:aws:s3:::b/*", the request has "arn:aws:s3:::c/x"`},
		{"sqs:Send", "arn:aws:sqs:us-east-1:1:q", `no identity-based policy allows sqs:Send on arn:aws:sqs:us-east-1:1:q: p: statement 2 did not match: NotResource wants "arn:aws:sqs:us-east-1:1:q", the request has "arn:aws:sqs:us-east-1:1:q"`},
		{"sqs:Send", "*", "p: statement 2 allows sqs:Send"},
	} {
		d := evaluate(t, &policy.Request{Requester: callers()["session"], Action: c.action, Resource: c.resource}, text)
		if diff := cmp.Diff(c.want, d.Why()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestPublic(t *testing.T) {
	who := callers()["session"]
	allow, deny, silent := stance(t, "Allow", policy.Identity), stance(t, "Deny", policy.Identity), stance(t, "silent", policy.Identity)
	for _, c := range []struct {
		p    policy.Policies
		want string
	}{
		{policy.Policies{Identity: allow}, ""},
		{policy.Policies{Identity: silent}, "because no identity-based policy allows the sts:AssumeRole action"},
		{policy.Policies{Identity: allow, Boundary: silent}, "because no permissions boundary allows the sts:AssumeRole action"},
		{policy.Policies{Identity: allow, Session: silent}, "because no session policy allows the sts:AssumeRole action"},
		{policy.Policies{Identity: allow, RequireResource: true}, "because no resource-based policy allows the sts:AssumeRole action"},
		{policy.Policies{Identity: deny}, "with an explicit deny in an identity-based policy"},
		{policy.Policies{Boundary: deny}, "with an explicit deny in a permissions boundary"},
		{policy.Policies{Session: deny}, "with an explicit deny in a session policy"},
		{policy.Policies{Resource: stance(t, `Deny "Action":"sts:AssumeRole","Principal":"*"`, policy.Trust)}, "with an explicit deny in a resource-based policy"},
	} {
		if got := policy.Evaluate(&policy.Request{Requester: who, Action: "sts:AssumeRole", Resource: "*"}, &c.p).Public(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestSimulatePositions: those IAM's simulator gave for this very document are 1:41 and 1:113.
func TestSimulatePositions(t *testing.T) {
	text := `{"Version": "2012-10-17", "Statement": {"Sid": "", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}}`
	doc, err := policy.Parse(text, policy.Identity)
	if err != nil {
		t.Fatal(err)
	}
	src := policy.Source{ID: "PutOnly", Type: "IAM Policy", Doc: doc}
	got := policy.Simulate(&policy.Request{Action: "s3:PutObject", Resource: "*"}, &policy.Policies{Identity: []policy.Source{src}})
	want := []policy.Match{{Source: src, Start: policy.Position{Line: 1, Column: 41}, End: policy.Position{Line: 1, Column: 113}}}
	if diff := cmp.Diff(want, got.Matches, cmp.Comparer(func(a, b *policy.Document) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if m, ok := got.Statement(); !ok || m != want[0] {
		t.Errorf("Statement = %v, %v", m, ok)
	}
}

func TestSimulate(t *testing.T) {
	parse := func(use policy.Use, statements ...string) []policy.Source {
		return resourcePolicy(t, "{"+v2012+"\n\"Statement\":[\n"+strings.Join(statements, ",\n")+"]}", use)
	}
	identity := parse(policy.Identity,
		`{"Sid":"Get","Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/${aws:username}/*"}`,
		`{"Sid":"Team","Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/Team":"${aws:RequestTag/Team}"}}}`,
		`{"Sid":"Other","Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"StringEquals":{"sqs:never":"asked"}}}`,
		`{"Sid":"Tls","Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`)
	boundary := parse(policy.Identity, `{"Sid":"Bound","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`)
	resource := parse(policy.ResourceUse, `{"Sid":"Bucket","Effect":"Allow","Principal":{"AWS":"`+home+`"},"Action":"s3:*","Resource":"*"}`)
	type result struct {
		Effect   policy.Effect
		Sids     string
		Missing  []string
		Boundary bool
	}
	for _, c := range []struct {
		name, action string
		have         keys
		p            policy.Policies
		want         result
	}{
		{
			"allowed by two", "s3:GetObject",
			keys{"aws:username": "eve", "aws:PrincipalTag/team": "a", "aws:RequestTag/team": "a", "aws:SecureTransport": "true"},
			policy.Policies{Identity: identity},
			result{policy.Allow, "Get Team", nil, true},
		},
		{
			"allowed by one", "s3:GetObject",
			keys{"aws:username": "eve"},
			policy.Policies{Identity: identity},
			result{policy.Allow, "Get", []string{"aws:PrincipalTag/Team", "aws:RequestTag/Team", "aws:SecureTransport"}, true},
		},
		{
			"refused", "s3:PutObject",
			keys{},
			policy.Policies{Identity: identity},
			result{policy.ImplicitDeny, "", []string{"aws:PrincipalTag/Team", "aws:RequestTag/Team", "aws:SecureTransport"}, true},
		},
		{
			"denied", "s3:GetObject",
			keys{"aws:username": "eve", "aws:SecureTransport": "false"},
			policy.Policies{Identity: identity},
			result{policy.ExplicitDeny, "Tls", []string{"aws:PrincipalTag/Team", "aws:RequestTag/Team"}, true},
		},
		{
			"with boundary and resource policy", "s3:GetObject",
			keys{"aws:username": "eve", "aws:SecureTransport": "true", "aws:PrincipalTag/team": "a", "aws:RequestTag/team": "b"},
			policy.Policies{Identity: identity, Boundary: boundary, Resource: resource, ResourceAccount: home},
			result{policy.Allow, "Get Bucket", nil, true},
		},
		{
			"outside the boundary", "s3:GetBucket",
			keys{"aws:username": "eve", "aws:SecureTransport": "true", "aws:PrincipalTag/team": "a", "aws:RequestTag/team": "a"},
			policy.Policies{Identity: identity, Boundary: boundary},
			result{policy.ImplicitDeny, "", nil, false},
		},
	} {
		s := policy.Simulate(&policy.Request{Requester: callers()["session"], Action: c.action, Resource: "arn:aws:s3:::b/eve/x", Context: c.have.context()}, &c.p)
		var sids []string
		for _, m := range s.Matches {
			sids = append(sids, m.Sid)
			if m.Start.Line != m.Index+3 || m.End.Line != m.Start.Line || m.Start.Column != 2 || m.End.Column < 40 {
				t.Errorf("%s: %s from %v to %v", c.name, m.Sid, m.Start, m.End)
			}
		}
		got := result{s.Effect, strings.Join(sids, " "), s.Missing, s.Boundary}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestAllowDoesNotAllocate guards the hot path.
func TestAllowDoesNotAllocate(t *testing.T) {
	p := &policy.Policies{Identity: []policy.Source{{ID: "inline", Doc: tenStatements(t)}}}
	r := &policy.Request{Requester: callers()["session"], Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket-7/x", Context: benchContext()}
	if n := testing.AllocsPerRun(100, func() {
		if d := policy.Evaluate(r, p); !d.Allowed() {
			t.Fatal(d.Why())
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestHostileSizes: work stays linear in documents and texts made to be slow. A quadratic step would take minutes here.
func TestHostileSizes(t *testing.T) {
	long := strings.Repeat("a", 40_000)
	wild := strings.Repeat("a?", 10_000)
	for name, c := range map[string]struct {
		pattern string
		want    bool
	}{
		"stars":          {strings.Repeat("a*", 15_000) + "b", false},
		"question marks": {"*" + wild + "b*", false},
		"both":           {"*" + wild + "*", true},
		"long literal":   {"*" + strings.Repeat("a", 20_000) + "b*", false},
	} {
		if got := condition(t, "StringLike", quoted(c.pattern), keys{"k": long}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for name, text := range map[string]string{
		"many members":     `{` + strings.TrimSuffix(manyMembers(8000), ",") + `}`,
		"many statements":  `{"Statement":[` + strings.TrimSuffix(strings.Repeat(`{"Effect":1},`, 9000), ",") + `]}`,
		"many good ones":   `{` + v2012 + `"Statement":[` + strings.TrimSuffix(strings.Repeat(`{`+ok+`},`, 1700), ",") + `]}`,
		"open brackets":    strings.Repeat("[", 115_000),
		"many bad strings": `{"Statement":{"Action":[` + strings.TrimSuffix(strings.Repeat(`1,`, 60_000), ",") + `]}}`,
	} {
		if _, err := policy.Parse(text, policy.Identity); (err == nil) != (name == "many good ones") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"m%d":0,`, i)
	}
	return b.String()
}
