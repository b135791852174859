package iam

import (
	"slices"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

// ProviderSpec is an OIDC provider as it should be. Which issuers are admitted is decided by whoever parsed the issuer.
type ProviderSpec struct {
	Account     identity.Account
	Partition   string // default "aws"
	Issuer      identity.Issuer
	ClientIDs   []string
	Thumbprints []string
	Tags        identity.Tags
}

// PutProvider makes an OIDC provider what the spec says.
func (e Env) PutProvider(tx *store.Tx, spec ProviderSpec) (before, after *store.Provider, err error) {
	var v awsquery.Validator
	(&createProvider{
		Url: spec.Issuer.String(), ClientIDList: spec.ClientIDs, ThumbprintList: spec.Thumbprints, Tags: shownTags(spec.Tags),
	}).Validate(&v)
	if err := v.Err(); err != nil {
		return nil, nil, err
	}
	made := &store.Provider{
		Account: spec.Account, Partition: orDefault(spec.Partition, defaultPartition), Issuer: spec.Issuer, ClientIDs: distinct(spec.ClientIDs),
		Thumbprints: spec.Thumbprints, Tags: spec.Tags, Created: e.now(),
	}
	if err := checkProvider(made); err != nil {
		return nil, nil, err
	}
	at := store.ProviderKey(made.ARN().String())
	before, found := store.Read(tx, e.Store.Providers, at)
	if !found {
		before = nil
	} else {
		made.Created, made.Partition = before.Created, before.Partition
		if before.Issuer == made.Issuer && slices.Equal(before.ClientIDs, made.ClientIDs) && slices.Equal(before.Thumbprints, made.Thumbprints) &&
			slices.Equal(before.Tags, made.Tags) {
			return before, before, nil
		}
	}
	store.Write(tx, e.Store.Providers, at, made)
	return before, made, nil
}
