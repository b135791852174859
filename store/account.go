package store

import (
	"time"

	"github.com/podpass/podpass/identity"
)

// Account is hosted here. (Upstream accounts come with Pod Identity.) Its key is its 12-digit id.
type Account struct {
	ID      identity.Account `json:"id"`
	Name    string           `json:"name,omitempty"`
	Created time.Time        `json:"created"`
}
