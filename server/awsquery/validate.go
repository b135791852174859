package awsquery

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/record"
)

// Validator collects constraint violations and reports them together, in AWS's words. Fields are named as AWS names them: with a small
// first letter, members of lists as 'tags.1.member.key'.
type Validator struct{ violations []string }

// maxEcho is how much of a refused value is repeated to the caller, in bytes.
const maxEcho = 2048

// Length wants min to max characters.
func (v *Validator) Length(field, value string, min, max int) {
	v.length(field, "'"+record.Clip(value, maxEcho)+"' ", utf8.RuneCountInString(value), min, max)
}

// SecretLength is Length for a value that must not be repeated: a token, a password.
func (v *Validator) SecretLength(field, value string, min, max int) {
	v.length(field, "", utf8.RuneCountInString(value), min, max)
}

// Count wants a list of min to max members.
func (v *Validator) Count(field string, n, min, max int) { v.length(field, "", n, min, max) }

func (v *Validator) length(field, shown string, n, min, max int) {
	switch {
	case n < min:
		v.violation(shown, field, "have length greater than or equal to "+strconv.Itoa(min))
	case n > max:
		v.violation(shown, field, "have length less than or equal to "+strconv.Itoa(max))
	}
}

// Pattern wants ok(value); pattern is the regular expression of AWS's API model and only told, never run.
func (v *Validator) Pattern(field, value, pattern string, ok func(string) bool) {
	if !ok(value) {
		v.violation("'"+record.Clip(value, maxEcho)+"' ", field, "satisfy regular expression pattern: "+pattern)
	}
}

// Range wants min to max.
func (v *Validator) Range(field string, value, min, max int) {
	shown := "'" + strconv.Itoa(value) + "' "
	switch {
	case value < min:
		v.violation(shown, field, "have value greater than or equal to "+strconv.Itoa(min))
	case value > max:
		v.violation(shown, field, "have value less than or equal to "+strconv.Itoa(max))
	}
}

// Required wants the parameter present.
func (v *Validator) Required(field string, present bool) {
	if !present {
		v.violation("null ", field, "not be null")
	}
}

// Enum wants one of the values.
func (v *Validator) Enum(field, value string, values ...string) {
	for _, one := range values {
		if value == one {
			return
		}
	}
	v.violation("'"+record.Clip(value, maxEcho)+"' ", field, "satisfy enum value set: ["+strings.Join(values, ", ")+"]")
}

func (v *Validator) violation(shown, field, must string) {
	v.violations = append(v.violations, "Value "+shown+"at '"+field+"' failed to satisfy constraint: Member must "+must)
}

// Err is nil, or the ValidationError that says everything that was found.
func (v *Validator) Err() error {
	switch n := len(v.violations); n {
	case 0:
		return nil
	case 1:
		return awserr.Validation("1 validation error detected: " + v.violations[0])
	default:
		return awserr.Validation(strconv.Itoa(n) + " validation errors detected: " + strings.Join(v.violations, "; "))
	}
}
