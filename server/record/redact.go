package record

import (
	"strings"

	"github.com/podpass/podpass/audit"
)

// What stands in an event for what looks like a secret.
const hidden = "(token)"

const (
	jsonStart = `eyJ` // what base64 makes of {", with which every JWT and each of its first two parts begins
	leastJWT  = 20    // bytes; a shorter one has given nothing away
	longest   = 256   // bytes of base64 in one run: no word is as long, every session token is
)

// redact takes out of an event what a client put where it doesn't belong: a token in place of a role, an action or a path would otherwise
// come on record. Names that a request was checked to have (roles, sessions, clusters) stay as they are: nobody must hide behind one that looks
// like a token.
func redact(e *audit.Event) {
	for _, text := range []*string{&e.Reason, &e.Action, &e.UserAgent} {
		*text = withoutTokens(*text)
	}
}

// withoutTokens replaces JWTs, whole or in part, and long base64.
func withoutTokens(text string) string {
	if len(text) < longest && !strings.Contains(text, jsonStart) {
		return text
	}
	var out strings.Builder
	for text != "" {
		run := strings.IndexFunc(text, func(r rune) bool { return !isBase64(r) })
		if run < 0 {
			run = len(text)
		}
		out.WriteString(withoutToken(text[:run]))
		text = text[run:]
		plain := strings.IndexFunc(text, isBase64)
		if plain < 0 {
			plain = len(text)
		}
		out.WriteString(text[:plain])
		text = text[plain:]
	}
	return out.String()
}

// withoutToken hides the token in a run of base64 characters, from where it begins to the end.
func withoutToken(run string) string {
	if at := strings.Index(run, jsonStart); at >= 0 && len(run)-at >= leastJWT {
		return run[:at] + hidden
	}
	if len(run) >= longest {
		return hidden
	}
	return run
}

// isBase64 takes both alphabets, their padding, and the dots between a JWT's parts.
func isBase64(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("+/=-_.", r)
}
