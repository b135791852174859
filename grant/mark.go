package grant

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
)

// What marks as ours what a grant has made.
const (
	createdBy   = "podpass.io/created-by" // tag of roles, providers and associations, annotation of service accounts
	createdHere = "grant"
	grantedRole = "podpass.io/granted-role-arn" // annotation: the role-arn annotation with this value is ours

	roleAnnotation     = "eks.amazonaws.com/role-arn"
	audienceAnnotation = "eks.amazonaws.com/audience"
)

// Annotations are those that grants write to service accounts.
func Annotations() []string { return []string{createdBy, grantedRole, roleAnnotation} }

// ID names the grant of one service account of one cluster, in marks that others read as well: 16 hexadecimal digits.
type ID string

// NewID derives it. The issuer, and not the name, tells one cluster from another.
func NewID(issuer string, of identity.ServiceAccount) ID {
	return ID(digest(issuer + "\n" + of.Subject()))[:16]
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Statements of ours begin with this. A Sid is letters and digits only.
const (
	sidPrefix = "PodpassGrant"
	// wrapped, behind the id, says that Statement was one object before our statement made it a list. It stands in the document itself, so that whoever
	// removes our last statement can give the document back as it was.
	wrapped = "Wrapped"
	// revoked begins the Sid of what stands in place of our statement where it is a document's only one: it denies everybody.
	revoked = "PodpassRevoked"
)

func (id ID) sid() string { return sidPrefix + string(id) }

// owns reports whether a statement is this grant's: its Sid is the id, then how it admits (a role may be had by both mechanisms for a while), then perhaps
// wrapped. No id is the beginning of another.
func (id ID) owns(s policy.Statement) bool { return strings.HasPrefix(s.Sid, id.sid()) }

// ours reports whether a statement is any grant's.
func ours(s policy.Statement) bool { return strings.HasPrefix(s.Sid, sidPrefix) }

// inlineName is what the role calls an inline policy of the grant.
func (id ID) inlineName(name string) string { return id.inlinePrefix() + name }

func (id ID) inlinePrefix() string { return "podpass-" + string(id) + "-" }

// attachedTag is the role's tag that lists which attached policies the grant has attached, by the first digits of their ARNs' digests: a tag's value
// has no room for the ARNs. It is written before they are attached.
func (id ID) attachedTag() string { return "podpass.io/attached-" + string(id) }

// attachedOf are the marks of managed policies in the tag.
func attachedOf(tags map[string]string, id ID) map[string]bool {
	out := map[string]bool{}
	for _, mark := range strings.Fields(tags[id.attachedTag()]) {
		out[mark] = true
	}
	return out
}

func attachedMark(arn string) string { return digest(arn)[:8] }

func attachedValue(marks map[string]bool) string {
	return strings.Join(slices.Sorted(maps.Keys(marks)), " ")
}

// attachedByOthers reports whether another grant of the role has attached the policy, too.
func attachedByOthers(tags map[string]string, id ID, arn string) bool {
	for key := range tags {
		other, ok := strings.CutPrefix(key, "podpass.io/attached-")
		if ok && ID(other) != id && attachedOf(tags, ID(other))[attachedMark(arn)] {
			return true
		}
	}
	return false
}
