package store

import (
	"time"

	"github.com/podpass/podpass/identity"
)

// Meta is what holds for the whole installation, written once at its first start.
type Meta struct {
	Management identity.Account `json:"management"` // the first account, whose administrators rule the installation
	Partition  string           `json:"partition,omitempty"`
	Region     string           `json:"region,omitempty"`
	IssuerBase string           `json:"issuerBase,omitempty"` // URL below which the issuers of hosted clusters stand
	Created    time.Time        `json:"created"`
}

// MetaKey is the key of the one Meta record.
const MetaKey = "installation"

// Management is the account that rules the installation, "" before the first start, when none does.
func (s *Store) Management() identity.Account {
	if meta, ok := s.Meta.Get(MetaKey); ok {
		return meta.Management
	}
	return ""
}

// Manages reports whether an account is that one.
func (s *Store) Manages(account identity.Account) bool {
	return account != "" && account == s.Management()
}
