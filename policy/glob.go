package policy

import (
	"strings"
	"unicode/utf8"
)

// Wildcards stand in a compiled pattern as bytes that no UTF-8 text holds, so a literal "*" (from "${*}", or the value of a policy
// variable) is never one.
const (
	star     = "\xff" // any run of characters, also an empty one, across "/" and ":"
	starByte = '\xff'
	question = '\xfe' // one character
)

// wildcards turns "*" and "?" into their bytes.
func wildcards(text string) string {
	if strings.IndexByte(text, '*') < 0 && strings.IndexByte(text, '?') < 0 {
		return text
	}
	b := []byte(text)
	for i, c := range b {
		switch c {
		case '*':
			b[i] = starByte
		case '?':
			b[i] = question
		}
	}
	return string(b)
}

// holdsWildcardByte tells that text isn't UTF-8 and would be mistaken for a pattern.
func holdsWildcardByte(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] >= question {
			return true
		}
	}
	return false
}

// glob is a compiled pattern. The shapes nearly all patterns have are told apart at Parse.
type glob struct {
	text  string
	shape globShape
}

type globShape uint8

const (
	exact  globShape = iota
	prefix           // text then anything
	anything
	general
)

func compileGlob(text string) glob {
	n := len(text)
	switch {
	case strings.IndexByte(text, question) >= 0:
		return glob{text, general}
	case strings.IndexByte(text, starByte) < 0:
		return glob{text, exact}
	case strings.Count(text, star) == n:
		return glob{text, anything}
	case strings.IndexByte(text, starByte) == n-1:
		return glob{text[:n-1], prefix}
	}
	return glob{text, general}
}

func (g glob) match(s string) bool {
	switch g.shape {
	case exact:
		return s == g.text
	case prefix:
		return strings.HasPrefix(s, g.text)
	case anything:
		return true
	}
	return matchGlob(g.text, s)
}

// matchGlob matches a pattern between its stars, chunk by chunk and leftmost first: a chunk once placed never needs to move, so there is
// no backtracking and time is linear in len(s), for long chunks with "?" times a 64th of their length.
func matchGlob(p, s string) bool {
	i := strings.IndexByte(p, starByte)
	if i < 0 {
		n, ok := matchChunk(p, s)
		return ok && n == len(s)
	}
	n, ok := matchChunk(p[:i], s)
	if !ok {
		return false
	}
	p, s = p[i+1:], s[n:]
	for {
		i = strings.IndexByte(p, starByte)
		if i < 0 {
			return matchTail(p, s)
		}
		if n, ok = findChunk(p[:i], s); !ok {
			return false
		}
		p, s = p[i+1:], s[n:]
	}
}

// matchChunk matches a chunk at the start of s and says how much of s it took.
func matchChunk(chunk, s string) (taken int, ok bool) {
	at := 0
	for i := 0; i < len(chunk); i++ {
		if at >= len(s) {
			return 0, false
		}
		switch {
		case chunk[i] == question:
			_, n := utf8.DecodeRuneInString(s[at:])
			at += n
		case chunk[i] == s[at]:
			at++
		default:
			return 0, false
		}
	}
	return at, true
}

// findChunk finds a chunk's leftmost place in s and says where it ends.
func findChunk(chunk, s string) (end int, ok bool) {
	if strings.IndexByte(chunk, question) < 0 {
		i := strings.Index(s, chunk)
		return i + len(chunk), i >= 0
	}
	if len(chunk) > shortChunk {
		return findLong(chunk, s)
	}
	for i := 0; i <= len(s); i++ {
		if n, ok := matchChunk(chunk, s[i:]); ok {
			return i + n, true
		}
	}
	return 0, false
}

// shortChunk is the length from which a chunk with "?" is worth the set-up of findLong.
const shortChunk = 64

// findLong is findChunk for long chunks with "?". A policy may hold 100,000 characters of "a?a?a?" and its author may also choose the text,
// so trying every place is not an option. This is the shift-and algorithm: bit j of state says that the chunk's first j+1 characters end
// here.
func findLong(chunk, s string) (end int, ok bool) {
	var characters []rune
	for at := 0; at < len(chunk); {
		r, n := rune(-1), 1
		if chunk[at] != question {
			r, n = utf8.DecodeRuneInString(chunk[at:])
		}
		characters = append(characters, r)
		at += n
	}
	words := (len(characters) + 63) / 64
	places := make(map[rune][]int32) // of each character; of "?" at -1
	for j, r := range characters {
		places[r] = append(places[r], int32(j))
	}
	// Frequent characters get a bit mask, the others keep their list: neither is longer than words, and there are at most 64 masks.
	masks := map[rune][]uint64{-1: make([]uint64, words)}
	for r, at := range places {
		if r < 0 || len(at) > words {
			mask := make([]uint64, words)
			for _, j := range at {
				mask[j/64] |= 1 << (j % 64)
			}
			masks[r], places[r] = mask, nil
		}
	}
	wild := masks[-1]
	last := len(characters) - 1
	state, shifted := make([]uint64, words), make([]uint64, words)
	for at := 0; at < len(s); {
		r, n := utf8.DecodeRuneInString(s[at:])
		if r == utf8.RuneError && n == 1 {
			r = -1 // not UTF-8: only "?" takes it
		}
		at += n
		carry := uint64(1)
		for w := range state {
			shifted[w] = state[w]<<1 | carry
			carry = state[w] >> 63
			state[w] = shifted[w] & wild[w]
		}
		for w, m := range masks[r] {
			state[w] |= shifted[w] & m
		}
		for _, j := range places[r] {
			state[j/64] |= shifted[j/64] & (1 << (j % 64))
		}
		if state[last/64]>>(last%64)&1 == 1 {
			return at, true
		}
	}
	return 0, false
}

// matchTail matches the last chunk at the end of s.
func matchTail(chunk, s string) bool {
	for len(chunk) > 0 {
		if len(s) == 0 {
			return false
		}
		c := chunk[len(chunk)-1]
		switch {
		case c == question:
			_, n := utf8.DecodeLastRuneInString(s)
			s = s[:len(s)-n]
		case c == s[len(s)-1]:
			s = s[:len(s)-1]
		default:
			return false
		}
		chunk = chunk[:len(chunk)-1]
	}
	return true
}

// matchFold matches a lower-case pattern without regard to the case of s. It is for actions, which are at most 128 bytes of ASCII.
func matchFold(p, s string) bool {
	i, j := 0, 0
	back, mark := -1, 0 // behind the last star, and where its run ends so far
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == starByte:
			i++
			back, mark = i, j
		case i < len(p) && (p[i] == question || p[i] == lower(s[j])):
			i++
			j++
		case back >= 0:
			mark++
			i, j = back, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == starByte {
		i++
	}
	return i == len(p)
}
