package iam

import (
	"slices"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

// PolicySpec is a managed policy as it should be.
type PolicySpec struct {
	Account     identity.Account
	Partition   string // default "aws"
	Path        string // default "/"
	Name        string
	Description string // of a new policy; it can't be changed
	Document    string
	Tags        identity.Tags
}

// PutPolicy makes a managed policy's default version what the spec says. Only a document that differs makes a new version; where there are five,
// the oldest that isn't the default goes.
func (e Env) PutPolicy(tx *store.Tx, spec PolicySpec) (before, after *store.Policy, err error) {
	spec = spec.complete()
	var v awsquery.Validator
	(&createPolicy{
		PolicyName: spec.Name, Path: spec.Path, PolicyDocument: spec.Document, Description: spec.Description, Tags: shownTags(spec.Tags),
	}).Validate(&v)
	if err := v.Err(); err != nil {
		return nil, nil, err
	}
	if err := checkTagSet(spec.Tags); err != nil {
		return nil, nil, err
	}
	if err := checkManaged(spec.Document); err != nil {
		return nil, nil, err
	}
	at := store.PolicyKey(string(spec.Account), spec.Name)
	before, found := store.Read(tx, e.Store.Policies, at)
	if !found {
		made := &store.Policy{
			Account: spec.Account, Partition: spec.Partition, Path: spec.Path, Name: spec.Name, Description: spec.Description, Tags: spec.Tags, Next: 1,
		}
		if made.ID, err = identity.NewUniqueID(e.Random, identity.PrefixPolicy, spec.Account); err != nil {
			return nil, nil, err
		}
		made.Created = e.addVersion(made, spec.Document, true).Created
		store.Write(tx, e.Store.Policies, at, made)
		return nil, made, nil
	}
	if err := sameName("policy", before.Path, before.Name, spec.Path, spec.Name); err != nil {
		return nil, nil, err
	}
	if before.Description != spec.Description && spec.Description != "" {
		return nil, nil, unmodifiable("The description of policy %s cannot be changed. Delete the policy first, or leave its description.", before.Name)
	}
	made := *before
	made.Versions, made.Tags = slices.Clone(before.Versions), spec.Tags
	if i, err := versionAt(before, before.Default); err != nil || before.Versions[i].Document != spec.Document {
		if len(made.Versions) >= maxPolicyVersions {
			oldest := slices.IndexFunc(made.Versions, func(v store.PolicyVersion) bool { return v.ID != made.Default })
			made.Versions = slices.Delete(made.Versions, oldest, oldest+1)
		}
		e.addVersion(&made, spec.Document, true)
	} else if slices.Equal(before.Tags, made.Tags) {
		return before, before, nil
	}
	store.Write(tx, e.Store.Policies, at, &made)
	return before, &made, nil
}

// checkManaged refuses what cannot be a managed policy's document.
func checkManaged(document string) error {
	if _, err := policy.Parse(document, policy.Identity); err != nil {
		return err
	}
	if policy.Size(document) > maxPolicySize {
		return limitExceeded("Cannot exceed quota for PolicySize: %d", maxPolicySize)
	}
	return nil
}

// complete fills in the defaults.
func (p PolicySpec) complete() PolicySpec {
	p.Partition, p.Path = orDefault(p.Partition, defaultPartition), orDefault(p.Path, "/")
	return p
}

func (p PolicySpec) arn() identity.ARN { return p.Account.IAM(p.Partition, "policy"+p.Path+p.Name) }
