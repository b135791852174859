package sts_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/token"
)

// What a request may ask of the session, and what is checked of it.
func TestWebIdentityParameters(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "reader", Trusts: []string{"shop/web"}, Allows: []string{"*"}})
	s.AddRole(t, podpasstest.Role{Name: "long", Trusts: []string{"shop/web"}, MaxSession: 7200})
	own := s.AddPolicy(t, podpasstest.Account, "only-me", podpasstest.Allow("sts:GetCallerIdentity"))
	raw := s.Token(t, "shop", "web")
	const nameConstraint = `failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`

	type input = sts.AssumeRoleWithWebIdentityInput
	for _, tc := range []struct {
		name string
		with func(*input)
		want refusal // zero: accepted
	}{
		{name: "nothing more", with: func(*input) {}},
		{
			name: "session name with a colon", with: func(in *input) { in.RoleSessionName = aws.String("Session1:2") },
			want: validation("1 validation error detected: Value 'Session1:2' at 'roleSessionName' " + nameConstraint),
		},
		{
			name: "session name with a slash and in one character", with: func(in *input) { in.RoleSessionName = aws.String("/") },
			want: validation("2 validation errors detected: Value '/' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2; " +
				"Value '/' at 'roleSessionName' " + nameConstraint),
		},
		{
			name: "session name of 65", with: func(in *input) { in.RoleSessionName = aws.String(strings.Repeat("n", 65)) },
			want: validation("1 validation error detected: Value '" + strings.Repeat("n", 65) + "' at 'roleSessionName' failed to satisfy constraint: Member must have length less than or equal to 64"),
		},
		{
			name: "a token longer than any is not repeated", with: func(in *input) { in.WebIdentityToken = aws.String(strings.Repeat("t", 20001)) },
			want: validation("1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length less than or equal to 20000"),
		},
		{
			name: "899 seconds", with: func(in *input) { in.DurationSeconds = aws.Int32(899) },
			want: validation("1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"),
		},
		{name: "900 seconds", with: func(in *input) { in.DurationSeconds = aws.Int32(900) }},
		{
			name: "43201 seconds", with: func(in *input) { in.DurationSeconds = aws.Int32(43201) },
			want: validation("1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"),
		},
		{
			name: "more than the role's hour", with: func(in *input) { in.DurationSeconds = aws.Int32(3601) },
			want: validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
		},
		{name: "the role's two hours", with: func(in *input) {
			in.RoleArn, in.DurationSeconds = aws.String(podpasstest.RoleARN("long")), aws.Int32(7200)
		}},
		{
			name: "more than the role's two hours", with: func(in *input) {
				in.RoleArn, in.DurationSeconds = aws.String(podpasstest.RoleARN("long")), aws.Int32(7201)
			},
			want: validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
		},
		{
			name: "the role's maximum is nobody's business", with: func(in *input) {
				in.WebIdentityToken, in.DurationSeconds = aws.String(s.Token(t, "shop", "other")), aws.Int32(43200)
			},
			want: notAuthorised(),
		},
		{
			name: "provider id", with: func(in *input) { in.ProviderId = aws.String("www.amazon.com") },
			want: validation("ProviderId is for OAuth 2.0 access tokens and must be absent with an OpenID Connect token."),
		},
		{name: "inline session policy", with: func(in *input) { in.Policy = aws.String(podpasstest.Allow("s3:GetObject")) }},
		{
			name: "session policy that is no JSON", with: func(in *input) { in.Policy = aws.String("{") },
			want: refusal{"MalformedPolicyDocument", 400, "This policy contains invalid Json"},
		},
		{
			name: "session policy of 2,049 characters", with: func(in *input) {
				in.Policy = aws.String(podpasstest.Allow("s3:GetObject") + strings.Repeat(" ", 2049-len(podpasstest.Allow("s3:GetObject"))))
			},
			want: validation("1 validation error detected: Value '" +
				podpasstest.Allow("s3:GetObject") + strings.Repeat(" ", 2048-len(podpasstest.Allow("s3:GetObject"))) +
				"' at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048"),
		},
		{name: "managed session policy", with: func(in *input) { in.PolicyArns = []types.PolicyDescriptorType{{Arn: &own}} }},
		{
			name: "managed session policy of another account", with: func(in *input) {
				in.PolicyArns = []types.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::444455556666:policy/only-me")}}
			},
			want: validation("arn:aws:iam::444455556666:policy/only-me is invalid"),
		},
		{
			name: "managed session policy that isn't there", with: func(in *input) {
				in.PolicyArns = []types.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::111122223333:policy/nothing")}}
			},
			want: validation("arn:aws:iam::111122223333:policy/nothing is invalid"),
		},
		{
			name: "a role as session policy", with: func(in *input) {
				in.PolicyArns = []types.PolicyDescriptorType{{Arn: aws.String(podpasstest.RoleARN("reader"))}}
			},
			want: validation(podpasstest.RoleARN("reader") + " is invalid"),
		},
		{
			name: "eleven managed session policies", with: func(in *input) {
				for range 11 {
					in.PolicyArns = append(in.PolicyArns, types.PolicyDescriptorType{Arn: &own})
				}
			},
			want: validation("1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10"),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := &input{RoleArn: aws.String(podpasstest.RoleARN("reader")), RoleSessionName: aws.String("web"), WebIdentityToken: &raw}
			tc.with(in)
			out, err := s.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(context.Background(), in)
			got := refusalOf(t, err)
			got.Message, _, _ = strings.Cut(got.Message, " (line ") // the position is ours, behind AWS's text
			diff(t, "refusal", tc.want, got)
			if err != nil {
				return
			}
			asked := time.Duration(aws.ToInt32(in.DurationSeconds)) * time.Second
			if asked == 0 {
				asked = time.Hour
			}
			if left := time.Until(aws.ToTime(out.Credentials.Expiration)); left > asked || left < asked-time.Minute {
				t.Errorf("the session lasts %v, want %v", left, asked)
			}
			if passed := in.Policy != nil || in.PolicyArns != nil; passed != (packed(out) != nil) {
				t.Errorf("PackedPolicySize is %v", packed(out))
			}
			diff(t, "caller", "arn:aws:sts::111122223333:assumed-role/"+strings.TrimPrefix(*in.RoleArn, podpasstest.RoleARN(""))+"/web", identityOf(t, s, out.Credentials))
		})
	}
}

// A session policy takes away, and never gives.
func TestSessionPolicyLimits(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "reader", Trusts: []string{"shop/web"}, Allows: []string{"sts:GetAccessKeyInfo"}})
	raw := s.Token(t, "shop", "web")
	for policy, allowed := range map[string]bool{
		"": true, podpasstest.Allow("sts:GetAccessKeyInfo"): true, podpasstest.Allow("s3:*"): false,
	} {
		in := &sts.AssumeRoleWithWebIdentityInput{RoleArn: aws.String(podpasstest.RoleARN("reader")), RoleSessionName: aws.String("web"), WebIdentityToken: &raw}
		if policy != "" {
			in.Policy = &policy
		}
		out, err := s.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.STS(podpasstest.Issued(out.Credentials)).GetAccessKeyInfo(context.Background(), &sts.GetAccessKeyInfoInput{AccessKeyId: out.Credentials.AccessKeyId})
		if (err == nil) != allowed {
			t.Errorf("under session policy %q GetAccessKeyInfo says %v", policy, err)
		}
	}
}

func TestMinimumSessionTokenSize(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "reader", Trusts: []string{"shop/web"}})
	for _, size := range []string{"0", "2000", "4096"} {
		out := post(t, s, form{
			"Action": "AssumeRoleWithWebIdentity", "RoleArn": podpasstest.RoleARN("reader"), "RoleSessionName": "web",
			"WebIdentityToken": s.Token(t, "shop", "web"), "MinimumSessionTokenSize": size,
		})
		if out.status != 200 {
			t.Fatalf("size %s: %d %s", size, out.status, out.body)
		}
		token := element(out.body, "SessionToken")
		if len(token) > 4096 || len(token) < atoi(t, size) || len(token) != atoi(t, element(out.body, "SessionTokenSize")) {
			t.Errorf("asked for at least %s bytes: the token has %d and is told to have %s", size, len(token), element(out.body, "SessionTokenSize"))
		}
	}
	out := post(t, s, form{
		"Action": "AssumeRoleWithWebIdentity", "RoleArn": podpasstest.RoleARN("reader"), "RoleSessionName": "web",
		"WebIdentityToken": s.Token(t, "shop", "web"), "MinimumSessionTokenSize": "4097",
	})
	if out.status != 400 || element(out.body, "Code") != "ValidationError" {
		t.Errorf("4097 is answered with %d %s", out.status, out.body)
	}
}

// Tags and a source identity that the token's issuer set.
func TestTokenSessionClaims(t *testing.T) {
	s := podpasstest.Start(t)
	host := strings.TrimPrefix(s.Issuer, "http://")
	trust := func(actions, conditions string) string {
		return document(`{"Effect":"Allow","Principal":{"Federated":"` + s.ProviderARN() + `"},"Action":` + actions +
			`,"Condition":{"StringEquals":{"` + host + `:sub":"system:serviceaccount:shop:web"` + conditions + `}}}`)
	}
	const web, tags, source = `"sts:AssumeRoleWithWebIdentity"`, `"sts:TagSession"`, `"sts:SetSourceIdentity"`
	team := []token.Tag{{Key: "Team", Value: "red"}, {Key: "Tier", Value: "1"}}

	for _, tc := range []struct {
		name    string
		trust   string
		options []podpasstest.TokenOption
		want    refusal
	}{
		{name: "tags allowed", trust: trust("["+web+","+tags+"]", ""), options: []podpasstest.TokenOption{podpasstest.Tags(team, "Team")}},
		{
			name: "tags not allowed", trust: trust(web, ""), options: []podpasstest.TokenOption{podpasstest.Tags(team)},
			want: accessDenied("Not authorized to perform sts:TagSession"),
		},
		{name: "tag asked for", trust: trust("["+web+","+tags+"]", `,"aws:RequestTag/team":"red"`), options: []podpasstest.TokenOption{podpasstest.Tags(team)}},
		{name: "tag asked for and absent", trust: trust("["+web+","+tags+"]", `,"aws:RequestTag/team":"red"`), want: notAuthorised()},
		{
			name: "tag asked for with another value", trust: trust("["+web+","+tags+"]", `,"aws:RequestTag/team":"blue"`),
			options: []podpasstest.TokenOption{podpasstest.Tags(team)}, want: notAuthorised(),
		},
		{
			name: "transitive keys asked for", trust: document(`{"Effect":"Allow","Principal":{"Federated":"` + s.ProviderARN() + `"},"Action":["sts:TagSession",` + web +
				`],"Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["Team","Tier"]},"ForAnyValue:StringEquals":{"sts:TransitiveTagKeys":"Team"}}}`),
			options: []podpasstest.TokenOption{podpasstest.Tags(team, "Team")},
		},
		{
			name: "one key in two spellings", trust: trust("["+web+","+tags+"]", ""),
			options: []podpasstest.TokenOption{podpasstest.Tags([]token.Tag{{Key: "Team", Value: "a"}, {Key: "team", Value: "b"}})},
			want:    invalidToken("Duplicate tag keys found. Please note that Tag keys are case insensitive."),
		},
		{
			name: "transitive key without a tag", trust: trust("["+web+","+tags+"]", ""), options: []podpasstest.TokenOption{podpasstest.Tags(team, "Other")},
			want: invalidToken("The specified transitive tag key must be included in the requested tags."),
		},
		{
			name: "reserved key", trust: trust("["+web+","+tags+"]", ""), options: []podpasstest.TokenOption{podpasstest.Tags([]token.Tag{{Key: "AWS:x", Value: "a"}})},
			want: invalidToken("Tag keys must not begin with aws:, which is reserved."),
		},
		{
			name: "key with a bad character", trust: trust("["+web+","+tags+"]", ""), options: []podpasstest.TokenOption{podpasstest.Tags([]token.Tag{{Key: "a*", Value: "a"}})},
			want: invalidToken("The token's session tag keys must be 1 to 128 letters, digits, spaces or _.:/=+-@ characters."),
		},
		{
			name: "value of 257", trust: trust("["+web+","+tags+"]", ""),
			options: []podpasstest.TokenOption{podpasstest.Tags([]token.Tag{{Key: "a", Value: strings.Repeat("v", 257)}})},
			want:    invalidToken("The token's session tag values must be at most 256 letters, digits, spaces or _.:/=+-@ characters."),
		},
		{name: "source identity allowed", trust: trust("["+web+","+source+"]", `,"sts:SourceIdentity":"alice"`), options: []podpasstest.TokenOption{podpasstest.SourceIdentity("alice")}},
		{
			name: "source identity not allowed", trust: trust(web, ""), options: []podpasstest.TokenOption{podpasstest.SourceIdentity("alice")},
			want: accessDenied("Not authorized to perform sts:SetSourceIdentity"),
		},
		{
			name: "source identity of one letter", trust: trust("["+web+","+source+"]", ""), options: []podpasstest.TokenOption{podpasstest.SourceIdentity("a")},
			want: invalidToken("The token's source identity must be 2 to 64 letters, digits or _+=,.@- characters."),
		},
		{name: "amr asked for", trust: document(`{"Effect":"Allow","Principal":{"Federated":"` + s.ProviderARN() + `"},"Action":` + web +
			`,"Condition":{"ForAnyValue:StringLike":{"` + host + `:amr":"*mfa*"}}}`), options: []podpasstest.TokenOption{func(c *token.Claims) { c.AMR = []string{"pwd", "mfa"} }}},
		{name: "amr asked for and absent", trust: document(`{"Effect":"Allow","Principal":{"Federated":"` + s.ProviderARN() + `"},"Action":` + web +
			`,"Condition":{"ForAnyValue:StringLike":{"` + host + `:amr":"*mfa*"}}}`), want: notAuthorised()},
		{name: "session name asked for", trust: trust(web, `,"sts:RoleSessionName":"web"`)},
		{name: "another session name asked for", trust: trust(web, `,"sts:RoleSessionName":"admin"`), want: notAuthorised()},
		{name: "a tag of the role's own", trust: trust(web, `,"aws:ResourceTag/Env":"test","iam:ResourceTag/env":"test"`)},
		{name: "another region", trust: trust(web, `,"aws:RequestedRegion":"us-east-1"`), want: notAuthorised()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			role := s.AddRole(t, podpasstest.Role{Name: "r", Trust: tc.trust, Tags: identity.Tags{{Key: "Env", Value: "test"}}})
			raw := s.Token(t, "shop", "web", tc.options...)
			out, err := s.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(context.Background(), &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: aws.String(role.ARN().String()), RoleSessionName: aws.String("web"), WebIdentityToken: &raw,
			})
			diff(t, "refusal", tc.want, refusalOf(t, err))
			if err != nil {
				return
			}
			claims := s.Claims("", "", tc.options...)
			diff(t, "source identity", claims.SourceIdentity, aws.ToString(out.SourceIdentity))
			if (packed(out) != nil) != (len(claims.Tags) > 0) {
				t.Errorf("PackedPolicySize is %v with %d tags", packed(out), len(claims.Tags))
			}
			sealed, _, err := s.Store.Ring().Open(aws.ToString(out.Credentials.AccessKeyId), aws.ToString(out.Credentials.SessionToken))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range claims.Tags {
				if got, _ := sealed.Tags.Get(want.Key); got != want.Value {
					t.Errorf("tag %s is sealed as %q, want %q", want.Key, got, want.Value)
				}
			}
			diff(t, "sealed transitive keys", claims.TransitiveKeys, sealed.TransitiveKeys)
			diff(t, "sealed source identity", claims.SourceIdentity, sealed.SourceIdentity)
			diff(t, "sealed subject", "system:serviceaccount:shop:web", sealed.Subject)
			diff(t, "sealed cluster", podpasstest.Cluster, sealed.Cluster)
		})
	}
}

// A provider may be named with several audiences; the one that decides is what policies and the answer see.
func TestAudience(t *testing.T) {
	s := podpasstest.Start(t)
	host := strings.TrimPrefix(s.Issuer, "http://")
	s.AddProvider(t, podpasstest.Account, s.Issuer, "sts.amazonaws.com", "second")
	s.AddRole(t, podpasstest.Role{Name: "r", Trust: document(`{"Effect":"Allow","Principal":{"Federated":"` + s.ProviderARN() +
		`"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"` + host + `:aud":"second"}}}`)})
	for _, tc := range []struct {
		name     string
		audience []string
		want     refusal
	}{
		{"the one asked for", []string{"second"}, refusal{}},
		{"the one asked for among unknown ones", []string{"vault", "second"}, refusal{}},
		{"the first known one counts", []string{"sts.amazonaws.com", "second"}, notAuthorised()},
		{"another known one", []string{"sts.amazonaws.com"}, notAuthorised()},
		{"an unknown one", []string{"vault"}, invalidToken("Incorrect token audience")},
		{"other letters", []string{"Second"}, invalidToken("Incorrect token audience")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			raw := s.Token(t, "shop", "web", podpasstest.Audience(tc.audience...))
			out, err := s.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(context.Background(), &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: aws.String(podpasstest.RoleARN("r")), RoleSessionName: aws.String("web"), WebIdentityToken: &raw,
			})
			diff(t, "refusal", tc.want, refusalOf(t, err))
			if err == nil {
				diff(t, "audience", "second", aws.ToString(out.Audience))
			}
		})
	}
}
