package iam

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/podpass/podpass/server/awsquery"
)

// The patterns as the API model writes them, for messages; the functions below decide.
const (
	namePattern        = `[\w+=,.@-]+`
	pathPattern        = `(\u002F)|(\u002F[\u0021-\u007E]+\u002F)`
	pathPrefixPattern  = `\u002F[\u0021-\u007F]*`
	policyPathPattern  = `((/[A-Za-z0-9\.,\+@=_-]+)*)/`
	documentPattern    = `[\u0009\u000A\u000D\u0020-\u00FF]+`
	descriptionPattern = `[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*`
	tagKeyPattern      = `[\p{L}\p{Z}\p{N}_.:/=+\-@]+`
	tagValuePattern    = `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`
	versionPattern     = `v[1-9][0-9]*(\.[A-Za-z0-9-]*)?`
	idPattern          = `[\w]+`
)

func all(s string, ok func(rune) bool) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !ok(r) }) < 0
}

func wordRune(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func isName(s string) bool {
	return all(s, func(r rune) bool { return wordRune(r) || strings.ContainsRune("+=,.@-", r) })
}

func isID(s string) bool { return all(s, wordRune) }

func isPath(s string) bool {
	return s == "/" || len(s) > 2 && s[0] == '/' && s[len(s)-1] == '/' && all(s, func(r rune) bool { return r > ' ' && r <= '~' })
}

func isPathPrefix(s string) bool {
	return strings.HasPrefix(s, "/") && all(s, func(r rune) bool { return r > ' ' && r <= 0x7f })
}

func isPolicyPath(s string) bool {
	return isPath(s) && !strings.Contains(s, "//") &&
		all(s, func(r rune) bool { return r == '/' || wordRune(r) || strings.ContainsRune(".,+@=-", r) })
}

func isDocument(s string) bool {
	return all(s, func(r rune) bool { return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xff })
}

func isDescription(s string) bool {
	return isDocument(s) && all(s, func(r rune) bool { return r <= '~' || r >= 0xa1 })
}

func isTagText(s string) bool {
	return all(s, func(r rune) bool {
		return unicode.In(r, unicode.L, unicode.Z, unicode.N) || strings.ContainsRune("_.:/=+-@", r)
	})
}

func isVersion(s string) bool {
	number, rest, suffixed := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	n, err := strconv.Atoi(number)
	return strings.HasPrefix(s, "v") && err == nil && n > 0 && strconv.Itoa(n) == number &&
		(!suffixed || all(rest, func(r rune) bool { return r == '-' || r != '_' && wordRune(r) }))
}

// text is a required parameter.
func text(v *awsquery.Validator, field, value string, min, max int, pattern string, ok func(string) bool) {
	v.Required(field, value != "")
	optional(v, field, value, min, max, pattern, ok)
}

// optional is a parameter whose empty text means that it is absent.
func optional(v *awsquery.Validator, field, value string, min, max int, pattern string, ok func(string) bool) {
	if value == "" {
		return
	}
	v.Length(field, value, min, max)
	if ok != nil {
		v.Pattern(field, value, pattern, ok)
	}
}

func checkName(v *awsquery.Validator, field, value string, max int) {
	text(v, field, value, 1, max, namePattern, isName)
}

func checkARN(v *awsquery.Validator, field, value string) { text(v, field, value, 20, 2048, "", nil) }

func checkPath(v *awsquery.Validator, field, value string) {
	optional(v, field, value, 1, 512, pathPattern, isPath)
}

func checkDocument(v *awsquery.Validator, field, value string) {
	text(v, field, value, 1, 131072, documentPattern, isDocument)
}

func checkDescription(v *awsquery.Validator, value string) {
	optional(v, "description", value, 0, 1000, descriptionPattern, isDescription)
}

// checkEnum is an enumeration; the empty text is absent.
func checkEnum(v *awsquery.Validator, field, value string, values ...string) {
	if value != "" {
		v.Enum(field, value, values...)
	}
}

func checkTags(v *awsquery.Validator, tags []tag) {
	v.Count("tags", len(tags), 0, maxTags)
	for i, t := range tags {
		at := "tags." + strconv.Itoa(i+1) + ".member."
		text(v, at+"key", t.Key, 1, 128, tagKeyPattern, isTagText)
		optional(v, at+"value", t.value(), 0, 256, tagValuePattern, isTagText)
	}
}

func checkTagKeys(v *awsquery.Validator, names []string) {
	v.Count("tagKeys", len(names), 0, maxTags)
	for _, name := range names {
		text(v, "tagKeys", name, 1, 128, tagKeyPattern, isTagText)
	}
}
