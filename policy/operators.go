package policy

import "strings"

// verdict of comparing one request value with the values a condition lists.
type verdict uint8

const (
	miss       verdict = iota
	hit                // one of them matches
	unresolved         // none matches, and one holds a policy variable without a value
	unreadable         // the request's value isn't of the operator's type
)

func verdictOf(matches bool) verdict {
	if matches {
		return hit
	}
	return miss
}

// family is the type an operator compares in.
type family uint8

const (
	_ family = iota // unknown: refused
	stringExact
	stringFold
	stringLike
	numeric
	date
	boolean
	binary
	ipAddress
	arnLike
	null
)

// comparison of ordered values.
type comparison uint8

const (
	equal comparison = iota
	less
	lessEqual
	greater
	greaterEqual
)

// operator is one of the condition operators with its prefix and suffix.
type operator struct {
	family     family
	comparison comparison
	negated    bool // NotEquals and the like: holds when none of the listed values matches
	ifExists   bool
	set        quantifier
}

type quantifier uint8

const (
	single quantifier = iota
	forAll
	forAny
)

// parseOperator knows all operators; ok is false for any other name, which Parse refuses: a condition nobody can evaluate must
// neither allow nor make a Deny vanish.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func parseOperator(name string) (op operator, ok bool) {
	var set quantifier
	if rest, found := strings.CutPrefix(name, "ForAllValues:"); found {
		name, set = rest, forAll
	} else if rest, found := strings.CutPrefix(name, "ForAnyValue:"); found {
		name, set = rest, forAny
	}
	name, ifExists := strings.CutSuffix(name, "IfExists")
	if op, ok = baseOperator(name); !ok {
		return op, false
	}
	if op.family == null && (ifExists || set != single) {
		return op, false // Null asks for existence itself
	}
	op.ifExists, op.set = ifExists, set
	return op, true
}

func baseOperator(name string) (operator, bool) {
	switch name {
	case "StringEquals":
		return operator{family: stringExact}, true
	case "StringNotEquals":
		return operator{family: stringExact, negated: true}, true
	case "StringEqualsIgnoreCase":
		return operator{family: stringFold}, true
	case "StringNotEqualsIgnoreCase":
		return operator{family: stringFold, negated: true}, true
	case "StringLike":
		return operator{family: stringLike}, true
	case "StringNotLike":
		return operator{family: stringLike, negated: true}, true
	case "Bool":
		return operator{family: boolean}, true
	case "BinaryEquals":
		return operator{family: binary}, true
	case "IpAddress":
		return operator{family: ipAddress}, true
	case "NotIpAddress":
		return operator{family: ipAddress, negated: true}, true
	case "ArnEquals", "ArnLike":
		return operator{family: arnLike}, true
	case "ArnNotEquals", "ArnNotLike":
		return operator{family: arnLike, negated: true}, true
	case "Null":
		return operator{family: null}, true
	}
	if rest, ok := strings.CutPrefix(name, "Numeric"); ok {
		return orderedOperator(numeric, rest)
	}
	if rest, ok := strings.CutPrefix(name, "Date"); ok {
		return orderedOperator(date, rest)
	}
	return operator{}, false
}

func orderedOperator(f family, name string) (operator, bool) {
	switch name {
	case "Equals":
		return operator{family: f}, true
	case "NotEquals":
		return operator{family: f, negated: true}, true
	case "LessThan":
		return operator{family: f, comparison: less}, true
	case "LessThanEquals":
		return operator{family: f, comparison: lessEqual}, true
	case "GreaterThan":
		return operator{family: f, comparison: greater}, true
	case "GreaterThanEquals":
		return operator{family: f, comparison: greaterEqual}, true
	}
	return operator{}, false
}

// holds says whether order, of the request's value to the policy's, satisfies the comparison.
func (c comparison) holds(order int) bool {
	switch c {
	case less:
		return order < 0
	case lessEqual:
		return order <= 0
	case greater:
		return order > 0
	case greaterEqual:
		return order >= 0
	}
	return order == 0
}
