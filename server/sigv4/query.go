package sigv4

import (
	"errors"
	"strings"
)

// Param is one decoded name and value of a query string or a form.
type Param struct{ Name, Value string }

// MaxParams is the largest number of parameters read from a request; IAM's largest call (a simulation) has a few hundred.
const MaxParams = 2000

// The ways in which ParseQuery refuses a text.
var (
	ErrEscape = errors.New("malformed percent-encoding")
	ErrMany   = errors.New("too many parameters")
)

// ParseQuery reads application/x-www-form-urlencoded text, in the order it was sent. Only & separates, + is a space, and every % must begin
// a well-formed escape. The canonical query and the parameters an action sees both come from here, so what was verified and what is
// done cannot differ.
func ParseQuery(text string) ([]Param, error) {
	if text == "" {
		return nil, nil
	}
	n := strings.Count(text, "&") + 1
	if n > MaxParams {
		return nil, ErrMany
	}
	out := make([]Param, 0, n)
	for text != "" {
		var pair string
		pair, text, _ = strings.Cut(text, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		p := Param{}
		var ok1, ok2 bool
		p.Name, ok1 = unescape(name)
		p.Value, ok2 = unescape(value)
		if !ok1 || !ok2 {
			return nil, ErrEscape
		}
		out = append(out, p)
	}
	return out, nil
}

func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, true
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			b.WriteByte(' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			hi, ok1 := unhex(s[i+1])
			lo, ok2 := unhex(s[i+2])
			if !ok1 || !ok2 {
				return "", false
			}
			b.WriteByte(hi<<4 | lo)
			i += 2
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// escape percent-encodes all but RFC 3986's unreserved characters, and the slash where keepSlash is set.
func escape(b *strings.Builder, s string, keepSlash bool) {
	const upper = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		c := s[i]
		if unreserved(c) || c == '/' && keepSlash {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upper[c>>4])
		b.WriteByte(upper[c&15])
	}
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}
