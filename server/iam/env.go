package iam

import (
	"io"
	"maps"
	"slices"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

// Env is what changing the state needs besides a transaction. Its Put functions are declarative: they make a record exactly what a spec says,
// by the same rules as the actions, and return it as it was and as it is. before is nil where it is new; equal contents mean that nothing
// changed and nothing was written. They authorise nobody: that is done by whoever calls them. Errors are *awserr.Error.
type Env struct {
	Store  *store.Store
	Now    func() time.Time
	Random io.Reader
}

// now is the present in whole seconds, which is what IAM's dates have.
func (e Env) now() time.Time { return e.Now().UTC().Truncate(time.Second) }

// checkHolder adds the constraints on what hangs on a role or user, and tells all violations together.
func checkHolder(v *awsquery.Validator, inline map[string]string, attached []string) error {
	for _, name := range slices.Sorted(maps.Keys(inline)) {
		checkName(v, "policyName", name, 128)
		checkDocument(v, "policyDocument", inline[name])
	}
	for _, arn := range attached {
		checkARN(v, "policyArn", arn)
	}
	return v.Err()
}

// checkPolicies holds the rules of everything that hangs on a role or user.
func (e Env) checkPolicies(tx *store.Tx, account identity.Account, h holder, noun, name string, quota int) error {
	if err := checkTagSet(*h.tags); err != nil {
		return err
	}
	for _, document := range *h.inline {
		if _, err := policy.Parse(document.Text, policy.Identity); err != nil {
			return err
		}
	}
	if err := checkInline(*h.inline, noun, name, quota); err != nil {
		return err
	}
	*h.attached = distinct(*h.attached)
	for _, arn := range *h.attached {
		if err := e.attachable(tx, account, asPolicy, arn); err != nil {
			return err
		}
	}
	if *h.boundary != "" {
		if err := e.attachable(tx, account, asBoundary, *h.boundary); err != nil {
			return err
		}
	}
	return checkAttached(*h.attached, noun)
}

func sameHolder(a, b holder) bool {
	return slices.Equal(*a.tags, *b.tags) && slices.Equal(*a.inline, *b.inline) && slices.Equal(*a.attached, *b.attached) && *a.boundary == *b.boundary
}

const defaultPartition = "aws"

func orDefault(value, or string) string {
	if value == "" {
		return or
	}
	return value
}

// accountPrefix is what the keys of an account's records begin with.
func accountPrefix(account identity.Account) string { return string(account) + "/" }
