package assume

import (
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
)

// What a client is told of tags that don't go together, in AWS's words; the last is ours.
const (
	textTransitiveMissing = "The specified transitive tag key must be included in the requested tags."
	textDuplicateTags     = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
	textInheritedTag      = "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag " +
		"key from the calling session."
	textReservedTag = "Tag keys must not begin with aws:, which is reserved."
)

// Tags are the tags a new session is asked to have and those it inherits.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
type Tags struct {
	asked      identity.Tags
	transitive []string      // keys of asked that later sessions inherit
	inherited  identity.Tags // transitive tags of the calling session; they stay transitive
	again      bool          // see SentAgain
}

// SentAgain are the tags with the inherited ones passed along as well, which is how EKS assumes a target role: the trust policy finds them in
// aws:RequestTag, too. The session seals the same.
func (st Tags) SentAgain() Tags {
	st.again = true
	return st
}

// NewTags checks tags that came with a request or in a token, whose texts fit the model, against each other and
// against what the calling session (nil: none) hands down. refusal is what the client is told, "" if all is well.
func NewTags(tags identity.Tags, transitive []string, calling *session.Session) (st Tags, refusal string) {
	st = Tags{asked: tags, transitive: transitive}
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

// Asked are the tags that came with the request itself.
func (st Tags) Asked() identity.Tags { return st.asked }

// any reports whether setting the tags needs sts:TagSession. Inherited ones do as well: it is what makes a pod's tags,
// all of them transitive, fail at the second role when only the first allows the action.
func (st Tags) any() bool { return len(st.asked)+len(st.inherited) > 0 }

// all and transitiveKeys are what the new session seals.
func (st Tags) all() identity.Tags { return st.inherited.With(st.asked) }

func (st Tags) transitiveKeys() []string {
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
func (st Tags) setKeys(keys *policy.Context, role *store.Role) {
	asked, transitive := st.asked, st.transitive
	if st.again {
		asked, transitive = st.all(), st.transitiveKeys()
	}
	if len(asked) > 0 {
		names := make([]string, len(asked))
		for i, t := range asked {
			names[i] = t.Key
			keys.Set("aws:RequestTag/"+t.Key, t.Value)
		}
		keys.SetMany("aws:TagKeys", names)
	}
	if len(transitive) > 0 {
		keys.SetMany("sts:TransitiveTagKeys", transitive)
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
