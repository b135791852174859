package store

import (
	"time"

	"github.com/podpass/podpass/identity"
)

// Role is an IAM role with everything attached to it.
type Role struct {
	Account     identity.Account  `json:"account"`
	Partition   string            `json:"partition"`
	Path        string            `json:"path"`
	Name        string            `json:"name"`
	ID          string            `json:"id"` // AROA…
	Description string            `json:"description,omitempty"`
	MaxSession  int               `json:"maxSession"`          // seconds
	Trust       string            `json:"trust"`               // trust policy as written
	TrustPins   map[string]string `json:"trustPins,omitempty"` // principal ARN -> unique id when saved (policy.Request.Pins)
	Tags        identity.Tags     `json:"tags,omitempty"`
	Boundary    string            `json:"boundary,omitempty"` // policy ARN
	Inline      Documents         `json:"inline,omitempty"`
	Attached    []string          `json:"attached,omitempty"` // policy ARNs, in order of attachment
	Created     time.Time         `json:"created"`
}

// ARN is the role's own; it has the path, which the ARNs of the role's sessions have not.
func (r *Role) ARN() identity.ARN {
	return r.Account.IAM(r.Partition, "role"+r.Path+r.Name)
}

func (r *Role) pack(p *packing) {
	p.share((*string)(&r.Account), &r.Partition, &r.Path, &r.Boundary)
	p.shareAll(r.Attached)
	p.own(&r.Name, &r.ID, &r.Description, &r.Trust)
	p.ownValues(r.TrustPins)
	r.Inline.pack(p)
	p.tags(r.Tags)
}

// RoleKey is ACCOUNT/NAME: a role's name is unique in its account whatever its path and case.
func RoleKey(account, name string) string { return account + "/" + lower(name) }

var roleIndexes = []index[Role]{
	{name: ByID, values: func(r *Role, add func(string)) { add(r.ID) }},
	{name: ByPolicy, guarded: true, values: func(r *Role, add func(string)) { addPolicies(r.Attached, r.Boundary, add) }},
}

// addPolicies is every policy ARN a role or user refers to, once.
func addPolicies(attached []string, boundary string, add func(string)) {
	seen := boundary == ""
	for _, arn := range attached {
		add(arn)
		seen = seen || arn == boundary
	}
	if !seen {
		add(boundary)
	}
}
