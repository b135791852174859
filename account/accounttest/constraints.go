package accounttest

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// violation is a constraint of the model that a value breaks.
type violation struct {
	at      string // "tags.1.member.key", as IAM writes it
	value   any
	missing bool
	must    string // "have length less than or equal to 64"
}

// String is as IAM and STS say it.
func (v violation) String() string {
	shown := ""
	switch value := v.value.(type) {
	case nil:
		shown = "null "
	case string, int, float64:
		shown = fmt.Sprintf("'%v' ", value)
	}
	return "Value " + shown + "at '" + v.at + "' failed to satisfy constraint: Member must " + v.must
}

// violations are what a value of the model's own types breaks: required members, values of enums, lengths and ranges, patterns.
func (m *model) violations(shapeName string, value any, at string) (out []violation) {
	s := m.Shapes[shapeName]
	broken := func(must string, args ...any) {
		out = append(out, violation{at: at, value: value, must: fmt.Sprintf(must, args...)})
	}
	size, what := 0.0, "length"
	switch value := value.(type) {
	case nil:
		return nil // of a list, where conform has told of it
	case string:
		size = float64(utf8.RuneCountInString(value))
		if len(s.Enum) > 0 && !m.has(s.Enum, value) {
			broken("satisfy enum value set: [%s]", strings.Join(s.Enum, ", "))
		}
		if !matches(s.Pattern, value) {
			broken("satisfy regular expression pattern: %s", s.Pattern)
		}
	case int:
		size, what = float64(value), "value"
	case []byte:
		size = float64(len(value))
	case []any:
		size = float64(len(value))
		for i, one := range value {
			out = append(out, m.violations(s.Member.Shape, one, fmt.Sprintf("%s.%d.member", at, i+1))...)
		}
	case Values:
		if s.Type == "structure" {
			return append(out, m.structure(s, value, at)...)
		}
		size = float64(len(value))
		for key, one := range value {
			out = append(out, m.violations(s.Key.Shape, key, at+".key")...)
			out = append(out, m.violations(s.Value.Shape, one, at+"."+key+".member")...)
		}
	default:
		return nil
	}
	if s.Min != nil && size < *s.Min {
		broken("have %s greater than or equal to %d", what, int(math.Ceil(*s.Min)))
	}
	if s.Max != nil && size > *s.Max {
		broken("have %s less than or equal to %d", what, int(*s.Max))
	}
	return out
}

func (m *model) structure(s *shape, value Values, at string) (out []violation) {
	inner := func(member string) string {
		return strings.TrimPrefix(at+"."+strings.ToLower(member[:1])+member[1:], ".")
	}
	for _, name := range s.Required {
		if value[name] == nil {
			out = append(out, violation{at: inner(name), missing: true, must: "not be null"})
		}
	}
	for _, name := range sorted(value) {
		out = append(out, m.violations(s.Members[name].Shape, value[name], inner(name))...)
	}
	return out
}

// has compares without case for EC2, which answers "available" where its model has "Available".
func (m *model) has(enum []string, value string) bool {
	if m.Metadata.Protocol == protocolEC2 {
		return slices.ContainsFunc(enum, func(one string) bool { return strings.EqualFold(one, value) })
	}
	return slices.Contains(enum, value)
}

var javaEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

// matches takes patterns, which are Java's, for the whole value. What Go has no syntax for, one lookahead in IAM's model, holds.
func matches(pattern, value string) bool {
	if pattern == "" {
		return true
	}
	compiled, err := regexp.Compile(`\A(?:` + javaEscape.ReplaceAllString(pattern, `\x{$1}`) + `)\z`)
	return err != nil || compiled.MatchString(value)
}

// refusal of an input, nil where nothing is broken. EC2 and the JSON services stop at the first.
func (s *service) refusal(m *model, broken []violation) *Error {
	if len(broken) == 0 {
		return nil
	}
	first := broken[0]
	switch {
	case m.Metadata.Protocol == protocolEC2 && first.missing:
		return &Error{Code: "MissingParameter", Message: "The request must contain the parameter " + first.at}
	case m.Metadata.Protocol == protocolEC2:
		return &Error{Code: s.invalid, Message: fmt.Sprintf("Value (%v) for parameter %s is invalid. It must %s.", first.value, first.at, first.must)}
	case m.Metadata.Protocol != protocolQuery:
		return &Error{Code: s.invalid, Message: first.String()}
	}
	texts := make([]string, len(broken))
	for i, one := range broken {
		texts[i] = one.String()
	}
	plural := "s"
	if len(broken) == 1 {
		plural = ""
	}
	return &Error{Code: s.invalid, Message: fmt.Sprintf("%d validation error%s detected: %s", len(broken), plural, strings.Join(texts, "; "))}
}
