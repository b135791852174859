package sts

import (
	"strconv"
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
)

// sessionTags are the tags a new session is asked to have and those it inherits.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
type sessionTags struct {
	asked      identity.Tags
	transitive []string      // keys of asked that later sessions inherit
	inherited  identity.Tags // transitive tags of the calling session; they stay transitive
}

// newSessionTags checks tags that came with a request or in a token, whose texts fit the model, against each other and
// against what the calling session (nil: none) hands down. refusal is what the client is told, "" if all is well.
func newSessionTags(tags identity.Tags, transitive []string, calling *session.Session) (st sessionTags, refusal string) {
	st = sessionTags{asked: tags, transitive: transitive}
	if calling != nil {
		st.inherited = inheritedTags(calling)
	}
	for i, t := range tags {
		if _, twice := tags[:i].Get(t.Key); twice {
			return st, textDuplicateTags
		}
		if len(t.Key) >= 4 && strings.EqualFold(t.Key[:4], "aws:") {
			return st, textReservedTag
		}
		if _, conflict := st.inherited.Get(t.Key); conflict {
			return st, textInheritedTag
		}
	}
	for i, key := range transitive {
		if _, conflict := st.inherited.Get(key); conflict {
			return st, textInheritedTag
		}
		if _, present := tags.Get(key); !present {
			return st, textTransitiveMissing
		}
		if identity.ContainsKey(transitive[:i], key) {
			return st, textDuplicateTags
		}
	}
	return st, ""
}

func inheritedTags(calling *session.Session) identity.Tags {
	var out identity.Tags
	for _, t := range calling.Tags {
		if identity.ContainsKey(calling.TransitiveKeys, t.Key) {
			out = append(out, t)
		}
	}
	return out
}

// any reports whether setting the tags needs sts:TagSession. Inherited ones do as well: it is what makes a pod's tags,
// all of them transitive, fail at the second role when only the first allows the action.
func (st sessionTags) any() bool { return len(st.asked)+len(st.inherited) > 0 }

// tags and transitiveKeys are what the new session seals.
func (st sessionTags) tags() identity.Tags { return st.inherited.With(st.asked) }

func (st sessionTags) transitiveKeys() []string {
	if len(st.inherited) == 0 {
		return st.transitive
	}
	keys := make([]string, 0, len(st.inherited)+len(st.transitive))
	for _, t := range st.inherited {
		keys = append(keys, t.Key)
	}
	return append(keys, st.transitive...)
}

// setKeys puts the condition keys about tags into a request for a role: those asked for, and the role's own, in which an
// inherited tag takes the place of the role's of the same key.
func (st sessionTags) setKeys(keys *policy.Context, role *store.Role) {
	if len(st.asked) > 0 {
		names := make([]string, len(st.asked))
		for i, t := range st.asked {
			names[i] = t.Key
			keys.Set("aws:RequestTag/"+t.Key, t.Value)
		}
		keys.SetMany("aws:TagKeys", names)
	}
	if len(st.transitive) > 0 {
		keys.SetMany("sts:TransitiveTagKeys", st.transitive)
	}
	for _, t := range role.Tags {
		value := t.Value
		if handedDown, ok := st.inherited.Get(t.Key); ok {
			value = handedDown
		}
		keys.Set("aws:ResourceTag/"+t.Key, value)
		keys.Set("iam:ResourceTag/"+t.Key, value)
	}
}

// member is the name of a list's entry in a ValidationError, counted from 1.
func member(list string, i int) string { return list + "." + strconv.Itoa(i+1) + ".member" }
