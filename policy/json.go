package policy

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// node is a JSON value and where it stands. The standard decoder can't be used here: it lets duplicate keys through and doesn't say
// where a value began, which AWS's simulator and every helpful error message need.
type node struct {
	kind       byte   // one of { [ " 0 t n for object, array, string, number, boolean, null
	name       string // of an object's member
	nameAt     int
	text       string
	start, end int
	nodes      []node // members or items
}

// values are the items of node i of a list of nodes, or that node alone if it is no array.
func values(nodes []node, i int) []node {
	if nodes[i].kind == '[' {
		return nodes[i].nodes
	}
	return nodes[i : i+1]
}

// maxDepth is one more than the deepest value the grammar has: {"Statement":[{"Condition":{"StringEquals":{"k":["v"]}}}]}.
const maxDepth = 8

type scanner struct {
	text  string
	at    int
	err   *fault
	stack []node // of the objects and arrays being read
}

// fault is a mistake at an offset.
type fault struct {
	at     int
	detail string
}

func scanJSON(text string) (node, *fault) {
	s := &scanner{text: text, stack: make([]node, 0, 8)}
	if i := invalidUTF8(text); i >= 0 {
		return node{}, &fault{i, "not UTF-8"}
	}
	s.space()
	n := s.value(0)
	s.space()
	if s.err == nil && s.at < len(text) {
		s.fail("text behind the document")
	}
	return n, s.err
}

func invalidUTF8(text string) int {
	if utf8.ValidString(text) {
		return -1
	}
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			return i
		}
	}
	return 0
}

func (s *scanner) fail(detail string) {
	if s.err == nil {
		s.err = &fault{s.at, detail}
	}
	s.at = len(s.text)
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scanner) value(depth int) (n node) {
	if depth > maxDepth {
		s.fail("nested too deeply")
		return n
	}
	n.start = s.at
	switch c := s.peek(); {
	case c == '{':
		n.kind = '{'
		n.nodes = s.object(depth)
	case c == '[':
		n.kind = '['
		n.nodes = s.array(depth)
	case c == '"':
		n.kind = '"'
		n.text = s.str()
	case c == '-' || '0' <= c && c <= '9':
		n.kind = '0'
		n.text = s.number()
	case c == 't':
		n.kind, n.text = 't', s.word("true")
	case c == 'f':
		n.kind, n.text = 't', s.word("false")
	case c == 'n':
		n.kind, n.text = 'n', s.word("null")
	case s.at >= len(s.text):
		s.fail("the document ends too early")
	default:
		s.fail("expected a value")
	}
	n.end = s.at
	return n
}

func (s *scanner) object(depth int) []node {
	s.at++
	s.space()
	if s.peek() == '}' {
		s.at++
		return nil
	}
	mark := len(s.stack)
	var names map[string]bool
	for s.err == nil {
		at := s.at
		if s.peek() != '"' {
			s.fail("expected a quoted name")
			return nil
		}
		name := s.str()
		if s.err == nil && seen(name, s.stack[mark:], &names) {
			s.at = at
			s.fail("duplicate " + strconv.Quote(name))
		}
		s.space()
		if s.peek() != ':' {
			s.fail("expected a colon")
			return nil
		}
		s.at++
		s.space()
		n := s.value(depth + 1)
		n.name, n.nameAt = name, at
		s.stack = append(s.stack, n)
		if !s.more('}') {
			return s.pop(mark)
		}
	}
	return nil
}

// more reads what stands behind a member: a comma, or the end of the object or array.
func (s *scanner) more(end byte) bool {
	s.space()
	switch s.peek() {
	case ',':
		s.at++
		s.space()
		return true
	case end:
		s.at++
	default:
		s.fail("expected a comma or " + string(end))
	}
	return false
}

// pop takes what an object or array pushed.
func (s *scanner) pop(mark int) []node {
	nodes := slices.Clone(s.stack[mark:])
	s.stack = s.stack[:mark]
	return nodes
}

// seen tells a duplicate name. Policies have few names in an object, hostile documents thousands: those get a map.
func seen(name string, members []node, names *map[string]bool) bool {
	const few = 16
	if len(members) < few {
		for i := range members {
			if members[i].name == name {
				return true
			}
		}
		return false
	}
	if *names == nil {
		*names = make(map[string]bool, 2*few)
		for i := range members {
			(*names)[members[i].name] = true
		}
	}
	dup := (*names)[name]
	(*names)[name] = true
	return dup
}

func (s *scanner) array(depth int) []node {
	s.at++
	s.space()
	if s.peek() == ']' {
		s.at++
		return nil
	}
	mark := len(s.stack)
	for s.err == nil {
		n := s.value(depth + 1)
		s.stack = append(s.stack, n)
		if !s.more(']') {
			return s.pop(mark)
		}
	}
	return nil
}

func (s *scanner) word(w string) string {
	if !strings.HasPrefix(s.text[s.at:], w) {
		s.fail("expected a value")
		return ""
	}
	s.at += len(w)
	return w
}

func (s *scanner) number() string {
	start := s.at
	if s.peek() == '-' {
		s.at++
	}
	whole := s.at
	if !s.digits() || s.text[whole] == '0' && s.at > whole+1 {
		s.fail("malformed number")
		return ""
	}
	if s.peek() == '.' {
		s.at++
		if !s.digits() {
			s.fail("malformed number")
			return ""
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.at++
		if c := s.peek(); c == '+' || c == '-' {
			s.at++
		}
		if !s.digits() {
			s.fail("malformed number")
			return ""
		}
	}
	return s.text[start:s.at]
}

func (s *scanner) digits() bool {
	start := s.at
	for '0' <= s.peek() && s.peek() <= '9' {
		s.at++
	}
	return s.at > start
}

// str reads a string. Without escapes, as nearly always, it is a piece of the document and costs no memory.
func (s *scanner) str() string {
	s.at++
	start := s.at
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[start : s.at-1]
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			s.fail("control character in a string")
			return ""
		default:
			s.at++
		}
	}
	s.fail("string without its end")
	return ""
}

func (s *scanner) escaped(start int) string {
	b := []byte(s.text[start:s.at])
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return string(b)
		case c < ' ':
			s.fail("control character in a string")
			return ""
		case c != '\\':
			b = append(b, c)
			s.at++
		case s.at+1 < len(s.text) && s.text[s.at+1] == 'u':
			b = utf8.AppendRune(b, s.unicode())
		case s.at+1 < len(s.text):
			i := strings.IndexByte(`"\/bfnrt`, s.text[s.at+1])
			if i < 0 {
				s.fail("unknown escape")
				return ""
			}
			b = append(b, "\"\\/\b\f\n\r\t"[i])
			s.at += 2
		default:
			s.at++
		}
	}
	s.fail("string without its end")
	return ""
}

// unicode reads \uXXXX, or the two of a surrogate pair. Half a pair is refused: it has no UTF-8.
func (s *scanner) unicode() rune {
	r := s.hex()
	if utf16.IsSurrogate(r) {
		low := rune(-1)
		if strings.HasPrefix(s.text[s.at:], `\u`) {
			low = s.hex()
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			s.fail("half a surrogate pair")
		}
	}
	return r
}

func (s *scanner) hex() rune {
	if s.at+6 <= len(s.text) {
		if v, err := strconv.ParseUint(s.text[s.at+2:s.at+6], 16, 16); err == nil {
			s.at += 6
			return rune(v)
		}
	}
	s.fail("malformed \\u escape")
	return 0
}
