package sts_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
)

const (
	assume    = "sts:AssumeRole"
	tag       = "sts:TagSession"
	setSource = "sts:SetSourceIdentity"
)

func notAllowed(caller, action, role string) refusal {
	return accessDenied("User: " + caller + " is not authorized to perform: " + action + " on resource: " + role)
}

// Who may assume whose role: the sides that must allow, in one account and across two.
func TestAssumeRoleTrust(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddAccount(t, other)
	const (
		alice     = "arn:aws:iam::111122223333:user/alice"
		root      = "arn:aws:iam::111122223333:root"
		elsewhere = "arn:aws:iam::444455556666:role/r"
	)
	here := podpasstest.RoleARN("r")
	deny := document(`{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}`)
	for _, tc := range []struct {
		name    string
		account identity.Account // of the role
		trust   string
		policy  string // alice's
		want    refusal
	}{
		{name: "trust names the user: its policies need not allow", trust: podpasstest.TrustAWS([]string{alice})},
		{name: "trust names the user, who is denied", trust: podpasstest.TrustAWS([]string{alice}), policy: deny, want: notAllowed(alice, assume, here)},
		{name: "trust names the account: its policies decide, and allow", trust: podpasstest.TrustAWS([]string{root}), policy: podpasstest.Allow(assume)},
		{name: "trust names the account, nothing allows", trust: podpasstest.TrustAWS([]string{root}), want: notAllowed(alice, assume, here)},
		{name: "trust names the account by its number", trust: podpasstest.TrustAWS([]string{"111122223333"}), policy: podpasstest.Allow(assume)},
		{name: "trust names another account", trust: podpasstest.TrustAWS([]string{"444455556666"}), policy: podpasstest.Allow(assume), want: notAllowed(alice, assume, here)},
		{name: "policies alone never suffice", trust: podpasstest.TrustAWS([]string{"444455556666"}), policy: podpasstest.Allow("*"), want: notAllowed(alice, assume, here)},
		{name: "trust allows another action", trust: podpasstest.TrustAWS([]string{alice}, "sts:TagSession"), want: notAllowed(alice, assume, here)},
		{name: "across accounts with both sides", account: other, trust: podpasstest.TrustAWS([]string{root}), policy: podpasstest.Allow(assume)},
		{name: "across accounts the trusted user needs its own side too", account: other, trust: podpasstest.TrustAWS([]string{alice}), want: notAllowed(alice, assume, elsewhere)},
		{name: "across accounts without trust", account: other, trust: podpasstest.TrustAWS([]string{"444455556666"}), policy: podpasstest.Allow(assume), want: notAllowed(alice, assume, elsewhere)},
		{
			name:  "a statement that denies beats one that allows",
			trust: document(`{"Effect":"Allow","Principal":{"AWS":"`+alice+`"},"Action":"sts:AssumeRole"}`, `{"Sid":"No","Effect":"Deny","Principal":"*","Action":"sts:*"}`),
			want:  notAllowed(alice, assume, here),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			key := s.AddUser(t, podpasstest.Account, "alice", tc.policy)
			role := s.AddRole(t, podpasstest.Role{Account: tc.account, Name: "r", Trust: tc.trust})
			before := s.Audit.Len()
			out, err := s.STS(key).AssumeRole(context.Background(), &sts.AssumeRoleInput{
				RoleArn: aws.String(role.ARN().String()), RoleSessionName: aws.String("s1"),
			})
			diff(t, "refusal", tc.want, refusalOf(t, err))
			events := s.Audit.Since(before)
			if err != nil {
				refusedEvent(t, events, "AccessDenied", "sts:AssumeRole: ", "")
				return
			}
			diff(t, "assumed role", role.Account.AssumedRole("aws", "r", "s1").String(), identityOf(t, s, out.Credentials))
			diff(t, "assumed role id", role.ID+":s1", aws.ToString(out.AssumedRoleUser.AssumedRoleId))
			e := events[0]
			diff(t, "audit event", audit.Event{
				Time: e.Time, RequestID: e.RequestID, SourceIP: e.SourceIP, UserAgent: e.UserAgent, SessionID: e.SessionID,
				Service: "sts", Action: "AssumeRole", Outcome: audit.Allowed, Account: string(role.Account), Caller: alice, CallerKey: key.AccessKeyID,
				Role: role.ARN().String(), SessionName: "s1", Statement: "trust policy of " + role.ARN().String() + ", statement 1",
				AccessKeyID: aws.ToString(out.Credentials.AccessKeyId), Expires: aws.ToTime(out.Credentials.Expiration),
			}, e)
		})
	}
}

// A missing role, a missing account and an untrusting role are answered alike; the audit event tells them apart.
func TestAssumeRoleTellsNothing(t *testing.T) {
	s := podpasstest.Start(t)
	const alice = "arn:aws:iam::111122223333:user/alice"
	key := s.AddUser(t, podpasstest.Account, "alice", podpasstest.Allow(assume))
	s.AddRole(t, podpasstest.Role{Name: "closed", Trust: podpasstest.TrustAWS([]string{"111122223333"}, tag)})
	for arn, reason := range map[string]string{
		podpasstest.RoleARN("closed"):           "trust policy",
		podpasstest.RoleARN("nothing"):          "there is no role " + podpasstest.RoleARN("nothing"),
		"arn:aws:iam::999999999999:role/closed": "account 999999999999 is not hosted here",
	} {
		before := s.Audit.Len()
		_, err := s.STS(key).AssumeRole(context.Background(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("s1"), DurationSeconds: aws.Int32(43200)})
		diff(t, arn, notAllowed(alice, assume, arn), refusalOf(t, err))
		refusedEvent(t, s.Audit.Since(before), "AccessDenied", reason, "")
	}
}

// Conditions and parameters of a user's request.
func TestAssumeRoleParameters(t *testing.T) {
	s := podpasstest.Start(t)
	const alice = "arn:aws:iam::111122223333:user/alice"
	key := s.AddUser(t, podpasstest.Account, "alice", "")
	here := podpasstest.RoleARN("r")
	trust := func(condition string, actions ...string) string {
		return document(`{"Effect":"Allow","Principal":{"AWS":"` + alice + `"},"Action":["sts:AssumeRole","` + strings.Join(append(actions, tag), `","`) + `"]` + condition + `}`)
	}
	external := trust(`,"Condition":{"StringEquals":{"sts:ExternalId":"us-west-2/1/c1/shop/web"}}`)
	tags := func(pairs ...string) []types.Tag {
		var out []types.Tag
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		return out
	}
	parameter := func(message string) refusal { return refusal{"InvalidParameterValue", 400, message} }

	type input = sts.AssumeRoleInput
	for _, tc := range []struct {
		name  string
		trust string
		with  func(*input)
		want  refusal
	}{
		{name: "external id given", trust: external, with: func(in *input) { in.ExternalId = aws.String("us-west-2/1/c1/shop/web") }},
		{name: "external id missing", trust: external, want: notAllowed(alice, assume, here)},
		{name: "another external id", trust: external, with: func(in *input) { in.ExternalId = aws.String("us-west-2/1/c1/shop/db") }, want: notAllowed(alice, assume, here)},
		{
			name: "external id with a space", with: func(in *input) { in.ExternalId = aws.String("a b") },
			want: validation(`1 validation error detected: Value 'a b' at 'externalId' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@:\/-]*`),
		},
		{name: "tags", with: func(in *input) { in.Tags, in.TransitiveTagKeys = tags("Team", "red", "Tier", ""), []string{"team"} }},
		{
			name: "tags without TagSession", trust: podpasstest.TrustAWS([]string{alice}), with: func(in *input) { in.Tags = tags("Team", "red") },
			want: notAllowed(alice, tag, here),
		},
		{
			name: "transitive key not among the tags", with: func(in *input) { in.Tags, in.TransitiveTagKeys = tags("Team", "red"), []string{"Tier"} },
			want: parameter("The specified transitive tag key must be included in the requested tags."),
		},
		{
			name: "transitive key and no tags", with: func(in *input) { in.TransitiveTagKeys = []string{"Tier"} },
			want: parameter("The specified transitive tag key must be included in the requested tags."),
		},
		{
			name: "one key in two spellings", with: func(in *input) { in.Tags = tags("Team", "red", "TEAM", "blue") },
			want: parameter("Duplicate tag keys found. Please note that Tag keys are case insensitive."),
		},
		{
			name: "one transitive key twice", with: func(in *input) { in.Tags, in.TransitiveTagKeys = tags("Team", "red"), []string{"Team", "team"} },
			want: parameter("Duplicate tag keys found. Please note that Tag keys are case insensitive."),
		},
		{
			name: "key of 129", with: func(in *input) { in.Tags = tags(strings.Repeat("k", 129), "v") },
			want: validation("1 validation error detected: Value '" + strings.Repeat("k", 129) + "' at 'tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal to 128"),
		},
		{
			name: "value with a star", with: func(in *input) { in.Tags = tags("Team", "*") },
			want: validation(`1 validation error detected: Value '*' at 'tags.1.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*`),
		},
		{
			name: "51 tags", with: func(in *input) {
				for i := range 51 {
					in.Tags = append(in.Tags, tags("k"+string(rune('A'+i/26))+string(rune('A'+i%26)), "v")...)
				}
			},
			want: validation("1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"),
		},
		{
			name: "more tags than a session token holds", with: func(in *input) {
				for i := range 50 {
					in.Tags = append(in.Tags, tags("k"+string(rune('A'+i/26))+string(rune('A'+i%26)), random(t, 256))...)
				}
			},
			want: refusal{Code: "PackedPolicyTooLarge", Status: 400},
		},
		{name: "tag required", trust: trust(`,"Condition":{"StringEquals":{"aws:RequestTag/Team":"red"}}`), with: func(in *input) { in.Tags = tags("team", "red") }},
		{name: "tag required and another given", trust: trust(`,"Condition":{"StringEquals":{"aws:RequestTag/Team":"red"}}`), with: func(in *input) { in.Tags = tags("team", "Red") }, want: notAllowed(alice, assume, here)},
		{name: "source identity", trust: trust("", setSource), with: func(in *input) { in.SourceIdentity = aws.String("alice") }},
		{name: "source identity without the action", trust: trust(""), with: func(in *input) { in.SourceIdentity = aws.String("alice") }, want: notAllowed(alice, setSource, here)},
		{
			name: "reserved source identity", trust: trust("", setSource), with: func(in *input) { in.SourceIdentity = aws.String("aws:alice") },
			want: validation(`1 validation error detected: Value 'aws:alice' at 'sourceIdentity' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`),
		},
		{
			name: "a second factor", with: func(in *input) {
				in.SerialNumber, in.TokenCode = aws.String("arn:aws:iam::111122223333:mfa/alice"), aws.String("123456")
			},
			want: accessDenied("MultiFactorAuthentication failed with invalid MFA one time pass code."),
		},
		{
			name: "provided context", with: func(in *input) {
				in.ProvidedContexts = []types.ProvidedContext{{ProviderArn: aws.String("arn:aws:iam::aws:contextProvider/IdentityCenter"), ContextAssertion: aws.String("abcd")}}
			},
			want: validation("ProvidedContexts are not supported."),
		},
		{
			name: "more than the role's maximum", with: func(in *input) { in.DurationSeconds = aws.Int32(3601) },
			want: validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
		},
		{
			name: "role is an assumed role", with: func(in *input) { in.RoleArn = aws.String("arn:aws:sts::111122223333:assumed-role/r/s1") },
			want: validation("arn:aws:sts::111122223333:assumed-role/r/s1 is invalid"),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.trust == "" {
				tc.trust = trust("")
			}
			s.AddRole(t, podpasstest.Role{Name: "r", Trust: tc.trust})
			in := &input{RoleArn: &here, RoleSessionName: aws.String("s1")}
			if tc.with != nil {
				tc.with(in)
			}
			out, err := s.STS(key).AssumeRole(context.Background(), in)
			got := refusalOf(t, err)
			if tc.want.Code == "PackedPolicyTooLarge" {
				if !strings.HasPrefix(got.Message, "Packed size of session tags consumes ") || !strings.HasSuffix(got.Message, "% of allotted space.") {
					t.Errorf("message is %q", got.Message)
				}
				got.Message = ""
			}
			diff(t, "refusal", tc.want, got)
			if err == nil {
				diff(t, "source identity", aws.ToString(in.SourceIdentity), aws.ToString(out.SourceIdentity))
			}
		})
	}
}

// A chain of roles: the cap of an hour, tags that are handed down, and the source identity that stays.
func TestRoleChaining(t *testing.T) {
	s := podpasstest.Start(t)
	everyone := podpasstest.TrustAWS([]string{"111122223333"}, assume, tag, setSource)
	s.AddRole(t, podpasstest.Role{Name: "first", Trust: everyone, Allows: []string{"sts:*"}, MaxSession: 43200, Tags: identity.Tags{{Key: "OfRole", Value: "first"}}})
	s.AddRole(t, podpasstest.Role{Name: "second", Trust: everyone, Allows: []string{"sts:*"}, MaxSession: 43200, Tags: identity.Tags{{Key: "team", Value: "second"}, {Key: "Env", Value: "prod"}}})
	alice := s.AddUser(t, podpasstest.Account, "alice", podpasstest.Allow("sts:*"))
	ctx := context.Background()
	first, err := s.STS(alice).AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: aws.String(podpasstest.RoleARN("first")), RoleSessionName: aws.String("one"), DurationSeconds: aws.Int32(43200),
		Tags:              []types.Tag{{Key: aws.String("Team"), Value: aws.String("red")}, {Key: aws.String("Passing"), Value: aws.String("x")}},
		TransitiveTagKeys: []string{"Team"}, SourceIdentity: aws.String("alice"),
	})
	if err != nil {
		t.Fatal(err)
	}
	chained := s.STS(podpasstest.Issued(first.Credentials))
	const caller = "arn:aws:sts::111122223333:assumed-role/first/one"
	const conflict = "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."
	second := podpasstest.RoleARN("second")
	trusting := func(condition string, actions ...string) string {
		return document(`{"Effect":"Allow","Principal":{"AWS":"` + podpasstest.RoleARN("first") + `"},"Action":["` + strings.Join(actions, `","`) + `"],"Condition":{` + condition + `}}`)
	}

	for _, tc := range []struct {
		name  string
		trust string
		with  func(*sts.AssumeRoleInput)
		want  refusal
	}{
		{name: "an hour", with: func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3600) }},
		{
			name: "more than an hour", with: func(in *sts.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) },
			want: validation("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."),
		},
		{
			name: "an inherited key again", with: func(in *sts.AssumeRoleInput) {
				in.Tags, in.TransitiveTagKeys = []types.Tag{{Key: aws.String("TEAM"), Value: aws.String("blue")}}, []string{"TEAM"}
			},
			want: refusal{"InvalidParameterValue", 400, conflict},
		},
		{name: "a key that was not transitive", with: func(in *sts.AssumeRoleInput) {
			in.Tags = []types.Tag{{Key: aws.String("Passing"), Value: aws.String("y")}}
		}},
		{name: "inherited tags need TagSession too", trust: trusting("", assume, setSource), want: notAllowed(caller, tag, second)},
		{name: "an inherited source identity needs its action too", trust: trusting("", assume, tag), want: notAllowed(caller, setSource, second)},
		{name: "the source identity again", with: func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("alice") }},
		{
			name: "another source identity", with: func(in *sts.AssumeRoleInput) { in.SourceIdentity = aws.String("bob") },
			want: notAllowed(caller, setSource, second),
		},
		{name: "principal tag", trust: trusting(`"StringEquals":{"aws:PrincipalTag/Team":"red","aws:PrincipalTag/OfRole":"first","aws:PrincipalTag/Passing":"x"}`, assume, tag, setSource)},
		{name: "inherited tag in place of the role's", trust: trusting(`"StringEquals":{"aws:ResourceTag/Team":"red","aws:ResourceTag/Env":"prod"}`, assume, tag, setSource)},
		{name: "the role's own is hidden", trust: trusting(`"StringEquals":{"aws:ResourceTag/team":"second"}`, assume, tag, setSource), want: notAllowed(caller, assume, second)},
		{name: "inherited is not requested", trust: trusting(`"Null":{"aws:RequestTag/Team":"true","aws:TagKeys":"true"}`, assume, tag, setSource)},
		{name: "source identity of caller and session", trust: trusting(`"StringEquals":{"aws:SourceIdentity":"alice","sts:SourceIdentity":"alice"}`, assume, tag, setSource)},
		{name: "the role's ARN, not the session's", trust: trusting(`"ArnEquals":{"aws:PrincipalArn":"`+podpasstest.RoleARN("first")+`"}`, assume, tag, setSource)},
		{name: "exactly this session", trust: podpasstest.TrustAWS([]string{caller}, assume, tag, setSource)},
		{name: "another session", trust: podpasstest.TrustAWS([]string{caller + "2"}, assume, tag, setSource), want: notAllowed(caller, assume, second)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.trust == "" {
				tc.trust = everyone
			}
			s.AddRole(t, podpasstest.Role{Name: "second", Trust: strings.Replace(tc.trust, `,"Condition":{}`, "", 1), Tags: identity.Tags{{Key: "team", Value: "second"}, {Key: "Env", Value: "prod"}}})
			in := &sts.AssumeRoleInput{RoleArn: &second, RoleSessionName: aws.String("two")}
			if tc.with != nil {
				tc.with(in)
			}
			out, err := chained.AssumeRole(ctx, in)
			diff(t, "refusal", tc.want, refusalOf(t, err))
			if err != nil {
				return
			}
			sealed, _, err := s.Store.Ring().Open(aws.ToString(out.Credentials.AccessKeyId), aws.ToString(out.Credentials.SessionToken))
			if err != nil {
				t.Fatal(err)
			}
			want := identity.Tags{{Key: "Team", Value: "red"}}
			for _, tag := range in.Tags {
				want = append(want, identity.Tag{Key: *tag.Key, Value: *tag.Value})
			}
			diff(t, "tags of the second session", want, sealed.Tags)
			diff(t, "its transitive keys", []string{"Team"}, sealed.TransitiveKeys)
			diff(t, "its source identity", "alice", sealed.SourceIdentity)
			diff(t, "chained", true, sealed.Chained)
			if left := time.Until(aws.ToTime(out.Credentials.Expiration)); left > time.Hour {
				t.Errorf("a chained session lasts %v", left)
			}
		})
	}
}

// Trust in a role ends with that role, even if another of its name comes.
func TestTrustIsPinned(t *testing.T) {
	s := podpasstest.Start(t)
	ctx := context.Background()
	s.AddRole(t, podpasstest.Role{Name: "first", Trusts: []string{"shop/web"}, Allows: []string{assume}})
	s.AddRole(t, podpasstest.Role{Name: "second", Trust: podpasstest.TrustAWS([]string{podpasstest.RoleARN("first")})})
	try := func() error {
		_, err := s.WebIdentity(t, "first", s.Token(t, "shop", "web")).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(podpasstest.RoleARN("second")), RoleSessionName: aws.String("s1")})
		return err
	}
	if err := try(); err != nil {
		t.Fatal(err)
	}
	s.DeleteRole(t, podpasstest.Account, "first")
	s.AddRole(t, podpasstest.Role{Name: "first", Trusts: []string{"shop/web"}, Allows: []string{assume}})
	if got := refusalOf(t, try()); got.Code != "AccessDenied" {
		t.Errorf("the role of the same name is answered with %+v", got)
	}
}
