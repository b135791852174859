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

// PolicyKey is ACCOUNT/NAME: a managed policy's name is unique in its account whatever its path and case.
func PolicyKey(account, name string) string { return account + "/" + lower(name) }

// PolicyByARN is the managed policy with exactly this ARN, path and case included. There is none for a text that is no policy's ARN, nor for AWS's own.
func (s *Store) PolicyByARN(arn string) (*Policy, bool) {
	p, ok := s.Policies.Get(policyKeyOf(arn))
	return withARN(p, ok, arn)
}

// PolicyByARN is Store.PolicyByARN within the transaction: a copy, compared at commit.
func (tx *Tx) PolicyByARN(arn string) (*Policy, bool) {
	p, ok := Read(tx, tx.store.Policies, policyKeyOf(arn))
	return withARN(p, ok, arn)
}

// policyKeyOf is "", which no record has, for a text that is no policy's ARN.
func policyKeyOf(arn string) string {
	a, err := identity.ParseARN(arn)
	if err != nil || a.Service() != "iam" || !strings.HasPrefix(a.Resource(), "policy/") {
		return ""
	}
	return PolicyKey(string(a.Account()), a.ResourceName())
}

func withARN(p *Policy, ok bool, arn string) (*Policy, bool) {
	if !ok || p.ARN().String() != arn {
		return nil, false
	}
	return p, true
}
