package store

import (
	"time"

	"github.com/podpass/podpass/identity"
)

// User is an IAM user, for operators and nodes without another identity.
type User struct {
	Account   identity.Account `json:"account"`
	Partition string           `json:"partition"`
	Path      string           `json:"path"`
	Name      string           `json:"name"`
	ID        string           `json:"id"` // AIDA…
	Tags      identity.Tags    `json:"tags,omitempty"`
	Boundary  string           `json:"boundary,omitempty"`
	Inline    Documents        `json:"inline,omitempty"`
	Attached  []string         `json:"attached,omitempty"`
	Created   time.Time        `json:"created"`
}

// ARN is the user's, with its path.
func (u *User) ARN() identity.ARN { return u.Account.IAM(u.Partition, "user"+u.Path+u.Name) }

// UserKey is ACCOUNT/NAME: a user's name is unique in its account whatever its path and case.
func UserKey(account, name string) string { return account + "/" + lower(name) }

var userIndexes = []index[User]{
	{name: ByID, values: func(u *User, add func(string)) { add(u.ID) }},
	{name: ByPolicy, guarded: true, values: func(u *User, add func(string)) { addPolicies(u.Attached, u.Boundary, add) }},
}
