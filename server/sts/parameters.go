package sts

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/token"
)

// The constraints of the API model, in its own words, which are part of the answer to a value that breaks one.
//
// Source: the STS API model of 2011-06-15.
const (
	patternName     = `[\w+=,.@-]*`
	patternExternal = `[\w+=,.@:\/-]*`
	patternSerial   = `[\w+=/:,.@-]*`
	patternDigits   = `[\d]*`
	patternWord     = `[\w]*`
	patternPolicy   = `[\u0009\u000A\u000D\u0020-\u00FF]+`
	patternARN      = `[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`
	patternTagKey   = `[\p{L}\p{Z}\p{N}_.:/=+\-@]+`
	patternTagValue = `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`
	maxTags         = 50
	maxPolicyARNs   = 10
	maxPolicyText   = 2048 // characters
)

// policyDescriptor names a managed session policy.
type policyDescriptor struct {
	ARN string `query:"arn"`
}

// tag is one session tag as a request has it.
type tag struct {
	Key   string
	Value string
}

func validateRole(v *awsquery.Validator, roleARN, sessionName string) {
	if v.Required("roleArn", roleARN != ""); roleARN != "" {
		v.Length("roleArn", roleARN, 20, 2048)
		v.Pattern("roleArn", roleARN, patternARN, isARNText)
	}
	if v.Required("roleSessionName", sessionName != ""); sessionName != "" {
		v.Length("roleSessionName", sessionName, 2, 64)
		v.Pattern("roleSessionName", sessionName, patternName, isName)
	}
}

// validateToken never repeats the value: a token stands in no answer and no log.
func validateToken(v *awsquery.Validator, raw string) {
	if v.Required("webIdentityToken", raw != ""); raw != "" {
		v.SecretLength("webIdentityToken", raw, 4, token.MaxSize)
	}
}

func validateSessionPolicies(v *awsquery.Validator, inline string, arns []policyDescriptor) {
	if inline != "" {
		v.Length("policy", inline, 1, maxPolicyText)
		v.Pattern("policy", inline, patternPolicy, isPolicyText)
	}
	v.Count("policyArns", len(arns), 0, maxPolicyARNs)
	for i, p := range arns {
		field := member("policyArns", i) + ".arn"
		v.Length(field, p.ARN, 20, 2048)
		v.Pattern(field, p.ARN, patternARN, isARNText)
	}
}

// validateTags applies the model's limits. Those of meaning (duplicates, inherited keys) are assume.NewTags'.
func validateTags(v *awsquery.Validator, tags []tag, transitive []string) {
	v.Count("tags", len(tags), 0, maxTags)
	for i, t := range tags {
		v.Length(member("tags", i)+".key", t.Key, 1, 128)
		v.Pattern(member("tags", i)+".key", t.Key, patternTagKey, isTagText)
		v.Length(member("tags", i)+".value", t.Value, 0, 256)
		v.Pattern(member("tags", i)+".value", t.Value, patternTagValue, isTagText)
	}
	v.Count("transitiveTagKeys", len(transitive), 0, maxTags)
	for i, key := range transitive {
		v.Length(member("transitiveTagKeys", i), key, 1, 128)
		v.Pattern(member("transitiveTagKeys", i), key, patternTagKey, isTagText)
	}
}

func validateMFA(v *awsquery.Validator, serial, code string) {
	if serial != "" {
		v.Length("serialNumber", serial, 9, 256)
		v.Pattern("serialNumber", serial, patternSerial, func(s string) bool { return only(s, "+=/:,.@-") })
	}
	if code != "" {
		v.Length("tokenCode", code, 6, 6)
		v.Pattern("tokenCode", code, patternDigits, func(s string) bool { return strings.Trim(s, "0123456789") == "" })
	}
}

// member is the name of a list's entry in a ValidationError, counted from 1.
func member(list string, i int) string { return list + "." + strconv.Itoa(i+1) + ".member" }

// parseRoleARN reads the ARN of a role; its error is AWS's for any other text.
func parseRoleARN(text string) (identity.ARN, error) {
	arn, err := identity.ParseRoleARN(text)
	if err != nil {
		return arn, awserr.Validation(text + " is invalid").Because(err)
	}
	return arn, nil
}

// only reports whether s is made of ASCII letters, digits, underscores and the characters of extra.
func only(s, extra string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && strings.IndexByte(extra, c) < 0 {
			return false
		}
	}
	return true
}

func isName(s string) bool { return only(s, "+=,.@-") }

func isTagText(s string) bool {
	for _, r := range s {
		if !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r) {
			return false
		}
	}
	return true
}

func isPolicyText(s string) bool {
	for _, r := range s {
		if r != '\t' && r != '\n' && r != '\r' && (r < ' ' || r > 0xff) {
			return false
		}
	}
	return true
}

func isARNText(s string) bool {
	for _, r := range s {
		ok := r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= '~' || r == 0x85 || r >= 0xa0 && r != unicode.ReplacementChar
		if !ok {
			return false
		}
	}
	return true
}
