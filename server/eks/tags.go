package eks

import (
	"maps"
	"slices"

	"github.com/podpass/podpass/identity"
)

// tagList is a map of tags in a fixed order, so that the same tags are equal.
func tagList(tags map[string]string) identity.Tags {
	var list identity.Tags
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, identity.Tag{Key: k, Value: tags[k]})
	}
	return list
}

// tagMap is never nil: the services write {} where there are no tags.
func tagMap(tags identity.Tags) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}
