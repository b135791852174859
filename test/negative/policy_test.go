package negative

import (
	"strconv"
	"strings"
)

const goodPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`

// bad is a policy document and what is wrong with it.
type bad struct{ name, document, why string }

// edited is a document with its first old replaced.
func edited(document, old, new string) string { return strings.Replace(document, old, new, 1) }

// malformed are documents that are a policy of no kind.
func malformed() []bad {
	extra := func(element string) string { return edited(goodPolicy, `"Effect"`, element+`,"Effect"`) }
	return []bad{
		{"no JSON", `not JSON at all`, "expected a value"},
		{"cut off", goodPolicy[:len(goodPolicy)-1], "expected a comma or }"},
		{"text behind", goodPolicy + "{}", "text behind the document"},
		{"a list", "[" + goodPolicy + "]", "a policy is an object"},
		{"unknown version", edited(goodPolicy, "2012-10-17", "2013-10-17"), "Version is"},
		{"no statement", `{"Version":"2012-10-17"}`, "no Statement"},
		{"unknown element", extra(`"Extra":1`), `unknown element "Extra"`},
		{"Effect twice", extra(`"Effect":"Deny"`), `duplicate "Effect"`},
		{"unknown effect", edited(goodPolicy, "Allow", "Permit"), "Effect is"},
		{"effect in capitals", edited(goodPolicy, "Allow", "ALLOW"), "Effect is"},
		{"Action and NotAction", extra(`"NotAction":"s3:x"`), "both Action and NotAction"},
		{"action without vendor", edited(goodPolicy, "s3:GetObject", "GetObject"), "prefaced by a vendor"},
		{"unknown operator", extra(`"Condition":{"StringSame":{"aws:username":"a"}}`), `unknown condition operator "StringSame"`},
		{"condition a list", extra(`"Condition":[]`), "Condition is an object"},
		{"nested a hundred deep", edited(goodPolicy, `"*"`, strings.Repeat("[", 100)+strings.Repeat("]", 100)), "nested too deeply"},
		{"a principal", extra(`"Principal":"*"`), "should not specify a principal"},
	}
}

// identityPolicies: what PutRolePolicy and CreatePolicy must not take in.
func identityPolicies(w *world) []probe {
	documents := append(malformed(),
		bad{"no resource", edited(goodPolicy, `,"Resource":"*"`, ""), "must contain resources"},
		bad{"a resource that is no ARN", edited(goodPolicy, `"*"`, `"bucket"`), "must be in ARN format"},
		bad{"the version of 2008", edited(goodPolicy, "2012-10-17", "2008-10-17"), "version 2012-10-17 or greater"},
		bad{
			"one Sid twice", `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"s3:x","Resource":"*"},` +
				`{"Sid":"a","Effect":"Allow","Action":"s3:y","Resource":"*"}]}`, "must be unique",
		},
	)
	var out []probe
	for i, d := range documents {
		name := "bad" + strconv.Itoa(i)
		out = append(out,
			w.badPolicy(d, "inline, ", w.iam("PutRolePolicy", "RoleName", "reader", "PolicyName", name, "PolicyDocument", d.document)),
			w.badPolicy(d, "managed, ", w.iam("CreatePolicy", "PolicyName", name, "PolicyDocument", d.document)))
	}
	return out
}

// trustPolicies: what CreateRole and UpdateAssumeRolePolicy must not take in.
func trustPolicies(w *world) []probe {
	good := w.Trust("shop/web")
	to := func(principal string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}]}`
	}
	var out []probe
	for i, d := range []bad{
		{"no JSON", "not JSON at all", "expected a value"},
		{"an identity policy", goodPolicy, "prohibited field Resource"},
		{"no principal", edited(to("1"), `"Principal":1,`, ""), "Missing required field Principal"},
		{"a resource", edited(good, `"Effect"`, `"Resource":"*","Effect"`), "prohibited field Resource"},
		{"principal an empty string", to(`""`), "Invalid principal"},
		{"principal of an unknown kind", to(`{"Kubernetes":"shop/web"}`), `unknown kind of principal "Kubernetes"`},
		{"principal with a wildcard inside", to(`{"AWS":"arn:aws:iam::111122223333:role/*"}`), "Invalid principal"},
		{"principal a group", to(`{"AWS":"arn:aws:iam::111122223333:group/g"}`), "Invalid principal"},
		{"principal of 11 digits", to(`{"AWS":"11112222333"}`), "Invalid principal"},
		{"principal a role that isn't there", to(`{"AWS":"arn:aws:iam::111122223333:role/nobody"}`), "Invalid principal"},
		{"a provider as an AWS principal", to(`{"AWS":"` + w.ProviderARN() + `"}`), "Invalid principal"},
		{"an action of another service", edited(to(`"*"`), "sts:AssumeRole", "s3:GetObject"), "STS AssumeRole actions"},
		{"unknown operator", edited(good, "StringEquals", "StringEqual"), `unknown condition operator "StringEqual"`},
		{"one condition key twice", edited(to(`"*"`), `"Action"`, `"Condition":{"StringEquals":{"a:b":"x","a:b":"y"}},"Action"`), `duplicate "a:b"`},
	} {
		out = append(out,
			w.badPolicy(d, "new, ", w.iam("CreateRole", "RoleName", "bad"+strconv.Itoa(i), "AssumeRolePolicyDocument", d.document)),
			w.badPolicy(d, "changed, ", w.iam("UpdateAssumeRolePolicy", "RoleName", "reader", "PolicyDocument", d.document)))
	}
	long := bad{"longer than a trust policy may be", edited(good, `"Effect"`, `"Sid":"`+strings.Repeat("a", 4096)+`","Effect"`), "quota"}
	return append(out, w.badPolicy(long, "", w.iam("UpdateAssumeRolePolicy", "RoleName", "reader", "PolicyDocument", long.document)).as("LimitExceeded", 409))
}

// sessionPolicies: what an exchange must not be limited by.
func sessionPolicies(w *world) []probe {
	good := w.sign(w.claims())
	var out []probe
	for _, d := range malformed() {
		out = append(out, w.badPolicy(d, "", w.exchange(good, "Policy", d.document)))
	}
	long := bad{"2,049 characters", goodPolicy + strings.Repeat(" ", 2049-len(goodPolicy)), "'policy'"}
	out = append(out, w.badPolicy(long, "", w.exchange(good, "Policy", long.document)).as("ValidationError", 400))
	for i := range out {
		out[i].secrets = secretsOf(good)
	}
	return out
}
