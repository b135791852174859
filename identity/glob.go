package identity

import (
	"cmp"
	"fmt"
	"strings"
)

// Glob reports whether a pattern matches the whole of a text: * is any run of characters, also an empty one, and ? any one. It takes time
// linear in the product of their lengths, whatever they hold. (Policies have globs of their own, with rules for ARNs and variables.)
func Glob(pattern, text string) bool {
	star, resume := -1, 0 // where the last * stands, and the text behind what it has taken so far
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// IsGlob reports whether a text holds a wildcard.
func IsGlob(s string) bool { return strings.ContainsAny(s, "*?") }

// Globs name service accounts: each of the two is a name or a glob.
type Globs struct{ Namespace, ServiceAccount string }

// Match reports whether a service account is among those named.
func (g Globs) Match(sa ServiceAccount) bool {
	return Glob(g.Namespace, sa.Namespace) && Glob(g.ServiceAccount, sa.Name)
}

// Wild reports whether one of the two is a glob, so that more than one service account may be named.
func (g Globs) Wild() bool { return IsGlob(g.Namespace) || IsGlob(g.ServiceAccount) }

// Compare is negative where g goes before other, of two that match the same service account. The namespace counts before the service account; in
// each a name goes before a glob, and of two globs the one with more literal characters. What is still equal is decided by the text, the smaller
// first, so that the answer never depends on the order of creation. It is 0 only where both are the same.
func (g Globs) Compare(other Globs) int {
	return cmp.Or(compareGlobs(g.Namespace, other.Namespace), compareGlobs(g.ServiceAccount, other.ServiceAccount),
		strings.Compare(g.Namespace, other.Namespace), strings.Compare(g.ServiceAccount, other.ServiceAccount))
}

func (g Globs) String() string { return g.Namespace + "/" + g.ServiceAccount }

func compareGlobs(a, b string) int {
	if globs := IsGlob(a); globs != IsGlob(b) {
		if globs {
			return 1
		}
		return -1
	}
	return cmp.Compare(literals(b), literals(a))
}

func literals(glob string) int {
	return len(glob) - strings.Count(glob, "*") - strings.Count(glob, "?")
}

// MatchesAll reports whether a glob matches every name.
func MatchesAll(glob string) bool {
	return strings.Trim(glob, "*?") == "" && strings.Contains(glob, "*") && strings.Count(glob, "?") <= 1
}

// CheckGlobs refuses a namespace and a service account's name that are neither names nor globs by which a name could be meant: of the
// characters of names, * and ?, no longer than names, and without a hyphen or dot where no name has one.
func CheckGlobs(namespace, name string) error {
	if !dnsLabel(sampleOf(namespace)) {
		return fmt.Errorf("namespace %q is neither a DNS label (lower-case letters, digits and hyphens, at most 63) nor a glob of one (* and ?)", namespace)
	}
	if _, err := ParseServiceAccount("default", sampleOf(name)); err != nil {
		return fmt.Errorf("service account %q is neither a DNS name (lower-case letters, digits, hyphens and dots, at most 253) nor a glob of one (* and ?)", name)
	}
	return nil
}

// sampleOf is a text that a glob matches.
func sampleOf(glob string) string { return strings.NewReplacer("*", "x", "?", "x").Replace(glob) }
