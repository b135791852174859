package store

import (
	"strings"
	"time"

	"github.com/podpass/podpass/identity"
)

// Policy is a managed policy. AWS's own (account "aws") are not stored.
type Policy struct {
	Account     identity.Account `json:"account"`
	Partition   string           `json:"partition"`
	Path        string           `json:"path"`
	Name        string           `json:"name"`
	ID          string           `json:"id"` // ANPA…
	Description string           `json:"description,omitempty"`
	Tags        identity.Tags    `json:"tags,omitempty"`
	Versions    []PolicyVersion  `json:"versions"` // oldest first
	Default     string           `json:"default"`  // "v1"
	Next        int              `json:"next"`     // number of the next version; never reused
	Created     time.Time        `json:"created"`
	Updated     time.Time        `json:"updated"`
}

// PolicyVersion is one of a managed policy's documents.
type PolicyVersion struct {
	ID       string    `json:"id"` // "v1"
	Document string    `json:"document"`
	Created  time.Time `json:"created"`
}

// ARN is the policy's, with its path.
func (p *Policy) ARN() identity.ARN { return p.Account.IAM(p.Partition, "policy"+p.Path+p.Name) }

// PolicyKey is ACCOUNT/path/name of a managed policy's ARN, without regard to case; "", which no record has, for any other text.
func PolicyKey(arn string) string {
	a, err := identity.ParseARN(arn)
	if err != nil || a.Service() != "iam" || a.Account() == "" {
		return ""
	}
	name, ok := strings.CutPrefix(a.Resource(), "policy/")
	if !ok || name == "" {
		return ""
	}
	return string(a.Account()) + "/" + lower(name)
}
