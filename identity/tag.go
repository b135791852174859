package identity

import "strings"

// Tag is one key and value. Keys compare without regard to case and keep the case they were written in; values are
// case-sensitive.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
type Tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// Tags is a list of tags in the order they were given.
type Tags []Tag

// Get is the value of a key, compared without regard to case.
func (t Tags) Get(key string) (string, bool) {
	for i := range t {
		if strings.EqualFold(t[i].Key, key) {
			return t[i].Value, true
		}
	}
	return "", false
}

// With is t overlaid by over: a key of over replaces the same key of t, whatever its case. Neither is changed.
func (t Tags) With(over Tags) Tags {
	if len(over) == 0 {
		return t
	}
	out := make(Tags, 0, len(t)+len(over))
	for _, tag := range t {
		if _, replaced := over.Get(tag.Key); !replaced {
			out = append(out, tag)
		}
	}
	return append(out, over...)
}

// Without is t less the keys named, compared without regard to case.
func (t Tags) Without(keys []string) Tags {
	out := make(Tags, 0, len(t))
	for _, tag := range t {
		if !ContainsKey(keys, tag.Key) {
			out = append(out, tag)
		}
	}
	return out
}

// ContainsKey reports whether keys holds a tag key, compared without regard to case.
func ContainsKey(keys []string, key string) bool {
	for _, k := range keys {
		if strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}
