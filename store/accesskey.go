package store

import (
	"time"

	"github.com/podpass/podpass/identity"
)

// AccessKey is a user's long-term key. Its key is its id.
type AccessKey struct {
	ID      string           `json:"id"` // AKIA…
	Account identity.Account `json:"account"`
	User    string           `json:"user"`
	UserID  string           `json:"userId"`
	Secret  string           `json:"secret"`
	Active  bool             `json:"active"`
	Created time.Time        `json:"created"`
}

// String names the key and keeps its secret out of logs.
func (k AccessKey) String() string { return k.ID }

// GoString is String, for %#v.
func (k AccessKey) GoString() string { return k.ID }

var accessKeyIndexes = []index[AccessKey]{
	{name: ByUser, guarded: true, values: func(k *AccessKey, add func(string)) { add(k.UserID) }},
}
