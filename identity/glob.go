package identity

import (
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
