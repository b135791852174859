package token

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits on every JSON document read here. A token's deepest claim of ours is four levels down.
const (
	maxDepth   = 16
	maxMembers = 128 // of one object; names are compared pairwise, so this bounds the work a hostile document causes
)

// reader reads one JSON document of RFC 8259, strictly and in one pass. encoding/json is not used for documents that decide who somebody
// is: it takes the last of two members of one name, matches names without regard to case and replaces what is not UTF-8.
//
// Strings handed out are parts of the text wherever they hold no escape, so that reading a token copies nothing.
type reader struct {
	text  string
	at    int
	depth int
	names []string // of the objects being read, the innermost object's last
	room  [32]string
}

// read hands a whole document to value, which must consume it.
func read(text string, value func(*reader) error) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("is not UTF-8")
	}
	r := &reader{text: text}
	r.names = r.room[:0]
	if err := value(r); err != nil {
		return err
	}
	if r.next() != 0 || r.at < len(text) {
		return r.fail("something follows the document")
	}
	return nil
}

func (r *reader) fail(format string, args ...any) error {
	return fmt.Errorf("at byte %d: "+format, append([]any{r.at}, args...)...)
}

// next is the first byte behind white space, not consumed; 0 at the end.
func (r *reader) next() byte {
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (r *reader) expect(c byte) error {
	if r.next() != c {
		return r.fail("expected %q", c)
	}
	r.at++
	return nil
}

// object reads an object and calls member behind each name; member must consume the value.
func (r *reader) object(member func(name string) error) error {
	if err := r.enter('{'); err != nil {
		return err
	}
	first := len(r.names)
	for more := r.next() != '}'; more; {
		name, err := r.str()
		if err != nil {
			return err
		}
		if slices.Contains(r.names[first:], name) {
			return r.fail("member %.40q twice in one object", name)
		}
		if len(r.names)-first == maxMembers {
			return r.fail("more than %d members in one object", maxMembers)
		}
		r.names = append(r.names, name)
		if err := r.expect(':'); err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
		if more = r.next() == ','; more {
			r.at++
		}
	}
	r.names = r.names[:first]
	return r.leave('}')
}

// array reads an array and calls element before each value, which element must consume.
func (r *reader) array(element func() error) error {
	if err := r.enter('['); err != nil {
		return err
	}
	for more := r.next() != ']'; more; {
		if err := element(); err != nil {
			return err
		}
		if more = r.next() == ','; more {
			r.at++
		}
	}
	return r.leave(']')
}

func (r *reader) enter(c byte) error {
	if r.depth++; r.depth > maxDepth {
		return r.fail("nested deeper than %d", maxDepth)
	}
	return r.expect(c)
}

func (r *reader) leave(c byte) error {
	r.depth--
	return r.expect(c)
}

// str reads a string.
func (r *reader) str() (string, error) {
	if err := r.expect('"'); err != nil {
		return "", err
	}
	for i := r.at; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '"':
			s := r.text[r.at:i]
			r.at = i + 1
			return s, nil
		case c == '\\':
			return r.escaped(i)
		case c < ' ':
			return "", r.fail("control character in a string")
		}
	}
	return "", r.fail("string without an end")
}

// escaped reads the rest of a string whose first backslash is at i.
func (r *reader) escaped(i int) (string, error) {
	var b strings.Builder
	b.WriteString(r.text[r.at:i])
	for r.at = i; r.at < len(r.text); {
		c := r.text[r.at]
		r.at++
		switch {
		case c == '"':
			return b.String(), nil
		case c < ' ':
			return "", r.fail("control character in a string")
		case c != '\\':
			b.WriteByte(c)
			continue
		}
		if r.at == len(r.text) {
			break
		}
		c = r.text[r.at]
		r.at++
		if c == 'u' {
			char, err := r.unicode()
			if err != nil {
				return "", err
			}
			b.WriteRune(char)
			continue
		}
		n := strings.IndexByte(`"\/bfnrt`, c)
		if n < 0 {
			return "", r.fail("unknown escape")
		}
		b.WriteByte("\"\\/\b\f\n\r\t"[n])
	}
	return "", r.fail("string without an end")
}

// unicode reads what follows \u, with the second half of a surrogate pair.
func (r *reader) unicode() (rune, error) {
	char, err := r.hex4()
	if err != nil || !utf16.IsSurrogate(char) {
		return char, err
	}
	if strings.HasPrefix(r.text[r.at:], `\u`) {
		r.at += 2
		low, err := r.hex4()
		if err != nil {
			return 0, err
		}
		char = utf16.DecodeRune(char, low)
	}
	if char == utf8.RuneError || utf16.IsSurrogate(char) {
		return 0, r.fail("half a surrogate pair")
	}
	return char, nil
}

func (r *reader) hex4() (rune, error) {
	var char rune
	for range 4 {
		if r.at == len(r.text) {
			return 0, r.fail("unfinished escape")
		}
		n := strings.IndexByte("0123456789abcdef", r.text[r.at]|' ')
		if n < 0 || r.text[r.at] < '0' {
			return 0, r.fail("escape is not hexadecimal")
		}
		char = char<<4 | rune(n)
		r.at++
	}
	return char, nil
}

// integer reads a number with no sign, fraction or exponent and at most 15 digits, which every JSON implementation reads alike.
func (r *reader) integer() (int64, error) {
	r.next()
	var n int64
	from := r.at
	for ; r.at < len(r.text) && isDigit(r.text[r.at]); r.at++ {
		if r.at-from == 15 {
			return 0, r.fail("number too large")
		}
		n = n*10 + int64(r.text[r.at]-'0')
	}
	switch {
	case r.at == from:
		return 0, r.fail("expected an integer")
	case r.text[from] == '0' && r.at-from > 1:
		return 0, r.fail("number begins with 0")
	case r.at < len(r.text) && strings.IndexByte(".eE", r.text[r.at]) >= 0:
		return 0, r.fail("number is not written as an integer")
	}
	return n, nil
}

// skip reads any value, as strictly as the rest, and forgets it.
func (r *reader) skip() error {
	switch c := r.next(); {
	case c == '{':
		return r.object(func(string) error { return r.skip() })
	case c == '[':
		return r.array(r.skip)
	case c == '"':
		_, err := r.str()
		return err
	case c == '-' || isDigit(c):
		return r.number()
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(r.text[r.at:], word) {
			r.at += len(word)
			return nil
		}
	}
	return r.fail("expected a value")
}

// number reads any JSON number and forgets it.
func (r *reader) number() error {
	if r.text[r.at] == '-' {
		r.at++
	}
	zero := r.at
	if !r.digits() || r.text[zero] == '0' && r.at-zero > 1 {
		return r.fail("not a number")
	}
	if r.at < len(r.text) && r.text[r.at] == '.' {
		r.at++
		if !r.digits() {
			return r.fail("not a number")
		}
	}
	if r.at < len(r.text) && r.text[r.at]|' ' == 'e' {
		r.at++
		if r.at < len(r.text) && (r.text[r.at] == '+' || r.text[r.at] == '-') {
			r.at++
		}
		if !r.digits() {
			return r.fail("not a number")
		}
	}
	return nil
}

func (r *reader) digits() bool {
	from := r.at
	for r.at < len(r.text) && isDigit(r.text[r.at]) {
		r.at++
	}
	return r.at > from
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
