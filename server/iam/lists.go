package iam

import (
	"slices"
)

// some makes an empty list one that is written.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// distinct keeps the first of equal values.
func distinct(values []string) []string {
	var out []string
	for _, v := range values {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
