package webhook

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Finding is something about a pod or its account that its owner should know. Text is one sentence without a full stop.
type Finding struct {
	Reason Reason
	Text   string
}

// What the API server lets through of the warnings of one answer.
//
// Source: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response
const (
	maxWarning  = 256
	maxWarnings = 4096
)

// Warning is the finding as kubectl shows it, at most 256 bytes: the text is cut, its code never.
func (f Finding) Warning() string {
	const before, between, after = "podpass: ", " (", ")"
	room := maxWarning - len(before) - len(between) - len(f.Reason) - len(after)
	return before + clip(printable(f.Text), room) + between + string(f.Reason) + after
}

// Warnings are the findings as warnings, as many as the API server shows.
func Warnings(findings []Finding) []string {
	var warnings []string
	total := 0
	for _, f := range findings {
		w := f.Warning()
		if total += len(w); total > maxWarnings {
			break
		}
		warnings = append(warnings, w)
	}
	return warnings
}

// clip cuts text to at most n bytes, on a character's border.
func clip(text string, n int) string {
	const ellipsis = "..."
	if len(text) <= n {
		return text
	}
	end := n - len(ellipsis)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}

// printable replaces what would break a Warning header: control characters and line ends, which an annotation may hold.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return '?'
		}
		return r
	}, text)
}

// quoted is a user's value in a message: quoted, and not longer than a message can bear.
func quoted(value string) string { return strconv.Quote(clip(value, 100)) }

// named joins names for a message, the first few of many.
func named(names []string) string {
	const shown = 3
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:shown], ", ") + " and " + strconv.Itoa(len(names)-shown) + " more"
}
