package agent

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/token"
)

// exportVersion is of the form below. An agent that finds another one starts with an empty cache, as it would without a hand-over.
const exportVersion = 1

type exported struct {
	Version int             `json:"version"`
	Entries []exportedEntry `json:"entries"`
	// RoleEntries are those of roles that pods name. They stand apart for agents that know of none: to them they would look like an association's.
	RoleEntries []exportedRoleEntry `json:"roleEntries,omitempty"`
	// Revision is how far the associations of Cluster were followed: all that happened up to it is in the entries. 0: nobody knows
	Revision int64  `json:"revision,omitempty"`
	Cluster  string `json:"cluster,omitempty"`
	// Gone are the uids of deleted pods, whose tokens are refused.
	Gone []string `json:"gone,omitempty"`
}

// exportedEntry is an entry; what is not here is read from the token again.
type exportedEntry struct {
	Token           string    `json:"token"`
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken"`
	AccountID       string    `json:"accountId"`
	Expiration      time.Time `json:"expiration"`
	AssociationID   string    `json:"associationId,omitempty"`
	Endpoint        string    `json:"endpoint,omitempty"`
	Issued          time.Time `json:"issued"`
	Asked           bool      `json:"asked"`
	Stale           bool      `json:"stale,omitempty"`
}

// exportedRoleEntry is an entry of a role that a pod named.
type exportedRoleEntry struct {
	Role identity.ARN `json:"role"`
	exportedEntry
}

// Export is the cache, for the agent that takes over. It holds tokens and secret keys: memory and a private socket only.
func (a *Agent) Export() ([]byte, error) {
	out := exported{Version: exportVersion, Entries: []exportedEntry{}}
	now := a.cfg.Now()
	a.mu.Lock()
	out.Revision, out.Cluster = a.followed, a.cfg.Cluster
	a.gone.each(func(uid string, _ struct{}) { out.Gone = append(out.Gone, uid) })
	a.entries.each(func(_ digest, e *entry) {
		if !e.usable(now) {
			return
		}
		c := e.credentials
		x := exportedEntry{
			e.token, c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.AccountID, c.Expiration, c.AssociationID, c.Endpoint, e.issued, e.asked, e.stale,
		}
		if e.role.IsZero() {
			out.Entries = append(out.Entries, x)
		} else {
			out.RoleEntries = append(out.RoleEntries, exportedRoleEntry{e.role, x})
		}
	})
	a.mu.Unlock()
	return json.Marshal(out)
}

// Import takes over another agent's cache. What is there already and was obtained later stays. Entries are believed: the other agent verified
// them. Those this agent would not serve (another issuer, another audience) are left out. FollowAssociations goes on where the other was.
func (a *Agent) Import(data []byte) error {
	var in exported
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("cache of another agent: %T at some byte of %d", err, len(data)) // its text could quote a secret
	}
	if in.Version != exportVersion {
		return fmt.Errorf("cache of another agent is of version %d, not %d", in.Version, exportVersion)
	}
	for _, uid := range in.Gone {
		a.ForgetPod(uid)
	}
	for i := range in.Entries {
		if err := a.take(identity.ARN{}, &in.Entries[i]); err != nil {
			return fmt.Errorf("entry %d of another agent's cache: %w", i, err)
		}
	}
	for i := range in.RoleEntries {
		x := &in.RoleEntries[i]
		if _, _, ok := identity.RoleName(x.Role); !ok {
			return fmt.Errorf("entry %d of another agent's cache is of a role that is none", i)
		}
		if err := a.take(x.Role, &x.exportedEntry); err != nil {
			return fmt.Errorf("entry %d, of a role, of another agent's cache: %w", i, err)
		}
	}
	a.mu.Lock()
	if a.followed == 0 && in.Cluster == a.cfg.Cluster {
		a.followed = in.Revision
	}
	a.mu.Unlock()
	a.poke()
	return nil
}

func (a *Agent) take(role identity.ARN, x *exportedEntry) error {
	t, err := token.Parse(x.Token)
	if err != nil {
		return err
	}
	k, refused := a.read(t)
	if refused != nil {
		return nil
	}
	c := k.claim(role)
	if a.fits(&c) != nil {
		return nil
	}
	e := &entry{
		claim: c, token: x.Token, issued: x.Issued, asked: x.Asked, stale: x.Stale,
		credentials: &Credentials{x.AccessKeyID, x.SecretAccessKey, x.SessionToken, x.AccountID, x.Expiration, x.AssociationID, x.Endpoint},
	}
	if !e.usable(a.cfg.Now()) {
		return nil
	}
	e.schedule(a.cfg.MaxRetention, a.cfg.Jitter)
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, gone := a.gone.get(k.podUID); gone {
		return nil
	}
	if old, ok := a.entries.get(c.slot); ok && !old.issued.Before(e.issued) {
		return nil
	}
	a.known.put(sha256.Sum256([]byte(x.Token)), k)
	a.entries.put(c.slot, e)
	return nil
}
