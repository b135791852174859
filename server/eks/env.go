package eks

import (
	"io"
	"slices"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
)

// Env is what changing the state needs besides a transaction, as the iam package's. It authorises nobody.
type Env struct {
	Store  *store.Store
	Now    func() time.Time
	Random io.Reader
}

// AssociationSpec says what an association should be.
type AssociationSpec struct {
	Cluster            *store.Cluster // as it was when the caller was authorised
	Namespace          string         // a name, or beyond AWS a glob
	ServiceAccount     string         // likewise
	RoleARN            string
	TargetRoleARN      string // "": none
	DisableSessionTags bool
	Policy             string // session policy; "": none
	Tags               identity.Tags
	ClientToken        string // kept with a new association
}

// PutAssociation makes the one association of the spec's service account what the spec says, and returns it as it was, nil where it is new, and
// as it is. Equal contents mean that nothing was written. Errors are *awserr.Error, of the codes of CreatePodIdentityAssociation.
func (e Env) PutAssociation(tx *store.Tx, spec AssociationSpec) (before, after *store.Association, err error) {
	roles, err := spec.check()
	if err != nil {
		return nil, nil, err
	}
	if err := stillThere(tx, e.Store, spec.Cluster); err != nil {
		return nil, nil, err
	}
	if err := e.checkRoles(tx, spec.Cluster, roles); err != nil {
		return nil, nil, err
	}
	now := e.Now().UTC()
	before, found := store.Read(tx, e.Store.Associations, spec.key())
	if found && spec.describes(before) {
		return before, before, nil
	}
	after = &store.Association{
		Cluster: spec.Cluster.Name, Namespace: spec.Namespace, ServiceAccount: spec.ServiceAccount, RoleARN: spec.RoleARN,
		TargetRoleARN: spec.TargetRoleARN, DisableSessionTags: spec.DisableSessionTags, Policy: spec.Policy, Tags: spec.Tags, Modified: now,
	}
	if found {
		after.ID, after.Created, after.ClientToken = before.ID, before.Created, before.ClientToken
	} else {
		before, after.Created, after.ClientToken = nil, now, spec.ClientToken
		if after.ID, err = newID(e.Random); err != nil {
			return nil, nil, err
		}
	}
	store.Write(tx, e.Store.Associations, spec.key(), after)
	return before, after, nil
}

func (spec *AssociationSpec) key() string {
	return store.AssociationKey(spec.Cluster.Name, spec.Namespace, spec.ServiceAccount)
}

// describes reports whether an association of the spec's service account is as the spec says.
func (spec *AssociationSpec) describes(a *store.Association) bool {
	return a.RoleARN == spec.RoleARN && a.TargetRoleARN == spec.TargetRoleARN && a.DisableSessionTags == spec.DisableSessionTags &&
		a.Policy == spec.Policy && slices.Equal(a.Tags, spec.Tags)
}

// stillThere makes the transaction depend on the cluster: one that is deregistered meanwhile gets no associations.
func stillThere(tx *store.Tx, s *store.Store, c *store.Cluster) error {
	if now, ok := store.Read(tx, s.Clusters, c.Name); !ok || now.Account != c.Account {
		return noCluster(c.Name)
	}
	return nil
}

// newID is a- and 17 characters. A byte that would favour some of the 36 is thrown away.
func newID(random io.Reader) (string, error) {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	id := append(make([]byte, 0, idLength), idPrefix...)
	var b [1]byte
	for len(id) < idLength {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return "", err
		}
		if int(b[0]) < 256/len(alphabet)*len(alphabet) {
			id = append(id, alphabet[int(b[0])%len(alphabet)])
		}
	}
	return string(id), nil
}

const (
	idPrefix = "a-"
	idLength = len(idPrefix) + 17
)

// isID reports whether an id has the form of an association's.
func isID(id string) bool {
	if len(id) != idLength || id[:len(idPrefix)] != idPrefix {
		return false
	}
	for _, c := range []byte(id[len(idPrefix):]) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
