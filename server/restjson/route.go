package restjson

import (
	"net/url"
	"strings"
)

// pattern is a route's path in segments: "/clusters/{name}/rotate". A segment in braces takes any one non-empty segment.
type pattern []string

func parsePattern(path string) pattern { return strings.Split(strings.TrimPrefix(path, "/"), "/") }

// match compares a pattern with the segments of an escaped path. Only the labels are unescaped, so that an encoded slash inside an ARN
// doesn't become a path separator.
func (p pattern) match(segments []string) (labels map[string]string, ok bool) {
	if len(p) != len(segments) {
		return nil, false
	}
	for i, want := range p {
		if !isLabel(want) && want != segments[i] {
			return nil, false
		}
	}
	for i, want := range p {
		if !isLabel(want) {
			continue
		}
		value, err := url.PathUnescape(segments[i])
		if err != nil || value == "" {
			return nil, false
		}
		if labels == nil {
			labels = make(map[string]string, 2)
		}
		labels[want[1:len(want)-1]] = value
	}
	return labels, true
}

func isLabel(segment string) bool { return len(segment) > 2 && segment[0] == '{' }

// entry is an action with the service it belongs to.
type entry struct {
	service *Service
	action  *Action
}

// find returns the action for a method and an escaped path.
func (h *handler) find(method, escapedPath string) (entry, map[string]string, bool) {
	segments := strings.Split(strings.TrimPrefix(escapedPath, "/"), "/")
	for _, e := range h.entries {
		if e.action.method != method {
			continue
		}
		if labels, ok := e.action.pattern.match(segments); ok {
			return e, labels, true
		}
	}
	return entry{}, nil, false
}
