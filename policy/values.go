package policy

import (
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
)

// wanted is the list of values beside a condition key, compiled for the operator's family.
type wanted interface {
	// find compares a request's value with all listed ones.
	find(value string, c *Context) verdict
	// resolvable is false when a listed value holds a policy variable without a value.
	resolvable(c *Context) bool
	// templates are the values with variables.
	templates(yield func(*template))
}

// valueError says which of the values can't be one of the operator's, and why.
type valueError struct {
	index  int
	detail string
}

// compileValues compiles a condition's values.
func compileValues(op operator, values []string, variables bool) (wanted, *valueError) {
	switch op.family {
	case stringExact, stringFold, stringLike:
		w := make([]pattern, len(values))
		for i, v := range values {
			p, err := compilePattern(v, patternRules{variables: variables, wildcards: op.family == stringLike})
			if err != nil {
				return nil, &valueError{i, err.Error()}
			}
			w[i] = p
		}
		if op.family == stringFold {
			return foldTexts(w), nil
		}
		return texts(w), nil
	case arnLike:
		w := make(arns, len(values))
		for i, v := range values {
			p, err := compileARN(v, variables)
			if err != nil {
				return nil, &valueError{i, err.Error()}
			}
			if p.whole == nil && !p.any && !strings.HasPrefix(v, "arn:") && !strings.HasPrefix(v, "*") {
				return nil, &valueError{i, strconv.Quote(v) + " is not an ARN"}
			}
			w[i] = p
		}
		return w, nil
	case numeric:
		w, err := compileEach(values, parseNumber, "a number")
		return numbers{op.comparison, w}, err
	case date:
		w, err := compileEach(values, parseInstant, "a date (2006-01-02T15:04:05Z, or seconds since 1970)")
		return instants{op.comparison, w}, err
	case boolean, null:
		w, err := compileEach(values, parseBool, "true or false")
		return bools(w), err
	case binary:
		w, err := compileEach(values, parseBinary, "base64")
		return binaries(w), err
	case ipAddress:
		w, err := compileEach(values, parsePrefix, "an IP address or network")
		return networks(w), err
	}
	return nil, &valueError{0, "unknown operator"}
}

func compileEach[T any](values []string, parse func(string) (T, bool), what string) ([]T, *valueError) {
	out := make([]T, len(values))
	for i, v := range values {
		t, ok := parse(v)
		if !ok {
			return nil, &valueError{i, strconv.Quote(v) + " is not " + what}
		}
		out[i] = t
	}
	return out, nil
}

// texts are compared byte by byte, or as globs.
type texts []pattern

func (w texts) find(value string, c *Context) verdict {
	v := miss
	for i := range w {
		switch w[i].matches(value, c) {
		case hit:
			return hit
		case unresolved:
			v = unresolved
		}
	}
	return v
}

func (w texts) resolvable(c *Context) bool {
	for i := range w {
		if w[i].vars != nil && !w[i].vars.resolvable(c) {
			return false
		}
	}
	return true
}

func (w texts) templates(yield func(*template)) {
	for i := range w {
		if w[i].vars != nil {
			yield(w[i].vars)
		}
	}
}

// foldTexts are compared without regard to case.
type foldTexts []pattern

func (w foldTexts) find(value string, c *Context) verdict {
	v := miss
	for i := range w {
		text := w[i].text
		if w[i].vars != nil {
			var ok bool
			if text, ok = w[i].vars.expand(c); !ok {
				v = unresolved
				continue
			}
		}
		if strings.EqualFold(text, value) {
			return hit
		}
	}
	return v
}

func (w foldTexts) resolvable(c *Context) bool      { return texts(w).resolvable(c) }
func (w foldTexts) templates(yield func(*template)) { texts(w).templates(yield) }

// arns are compared segment by segment. A request value that is no ARN matches "*" only.
type arns []arnPattern

func (w arns) find(value string, c *Context) verdict {
	arn := cutARN(value)
	v := miss
	for i := range w {
		switch w[i].matches(&arn, c) {
		case hit:
			return hit
		case unresolved:
			v = unresolved
		}
	}
	return v
}

func (w arns) resolvable(c *Context) bool {
	for i := range w {
		if t := w[i].template(); t != nil && !t.resolvable(c) {
			return false
		}
	}
	return true
}

func (w arns) templates(yield func(*template)) {
	for i := range w {
		if t := w[i].template(); t != nil {
			yield(t)
		}
	}
}

type numbers struct {
	comparison
	want []number
}

func (numbers) resolvable(*Context) bool  { return true }
func (numbers) templates(func(*template)) {}

func (w numbers) find(value string, _ *Context) verdict {
	have, ok := parseNumber(value)
	if !ok {
		return unreadable
	}
	for _, n := range w.want {
		if w.holds(have.compare(n)) {
			return hit
		}
	}
	return miss
}

type instants struct {
	comparison
	want []instant
}

func (instants) resolvable(*Context) bool  { return true }
func (instants) templates(func(*template)) {}

func (w instants) find(value string, _ *Context) verdict {
	have, ok := parseInstant(value)
	if !ok {
		return unreadable
	}
	for _, t := range w.want {
		if w.holds(have.compare(t)) {
			return hit
		}
	}
	return miss
}

type bools []bool

func (bools) resolvable(*Context) bool  { return true }
func (bools) templates(func(*template)) {}

func (w bools) find(value string, _ *Context) verdict {
	have, ok := parseBool(value)
	if !ok {
		return unreadable
	}
	return verdictOf(w.has(have))
}

func (w bools) has(b bool) bool {
	for _, v := range w {
		if v == b {
			return true
		}
	}
	return false
}

func parseBool(text string) (value, ok bool) {
	switch {
	case strings.EqualFold(text, "true"):
		return true, true
	case strings.EqualFold(text, "false"):
		return false, true
	}
	return false, false
}

// binaries hold decoded bytes.
type binaries []string

func (binaries) resolvable(*Context) bool  { return true }
func (binaries) templates(func(*template)) {}

func (w binaries) find(value string, _ *Context) verdict {
	have, ok := parseBinary(value)
	if !ok {
		return unreadable
	}
	for _, b := range w {
		if b == have {
			return hit
		}
	}
	return miss
}

func parseBinary(text string) (string, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	return string(b), err == nil
}

type networks []netip.Prefix

func (networks) resolvable(*Context) bool  { return true }
func (networks) templates(func(*template)) {}

func (w networks) find(value string, _ *Context) verdict {
	have, err := netip.ParseAddr(value)
	if err != nil || have.Zone() != "" {
		return unreadable
	}
	have = have.Unmap()
	for _, n := range w {
		if n.Contains(have) {
			return hit
		}
	}
	return miss
}

// parsePrefix reads an address or a network; an IPv4 network written as IPv6 is the IPv4 one.
func parsePrefix(text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, false
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, false
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}
