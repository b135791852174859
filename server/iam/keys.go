package iam

import (
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/access"
)

// key sets condition keys of one request; h is what it is about, with zero fields where it does not exist.
//
// Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
type key func(k *policy.Context, h holder)

// conditionKeys gathers the keys of a request about h, whose tags every action sees.
func conditionKeys(h holder, keys []key) *policy.Context {
	k := new(policy.Context)
	if h.tags != nil {
		for _, t := range *h.tags {
			k.Set("aws:ResourceTag/"+t.Key, t.Value)
			k.Set("iam:ResourceTag/"+t.Key, t.Value)
		}
	}
	for _, set := range keys {
		set(k, h)
	}
	return k
}

// requestTags are the tags a request would set.
func requestTags(tags identity.Tags) key {
	return func(k *policy.Context, _ holder) { access.SetRequestTags(k, tags) }
}

// requestTagKeys are the keys of the tags a request would remove.
func requestTagKeys(names []string) key {
	return func(k *policy.Context, _ holder) { k.SetMany("aws:TagKeys", names) }
}

// policyARN is the managed policy a request would attach or detach.
func policyARN(arn string) key {
	return func(k *policy.Context, _ holder) { k.Set("iam:PolicyARN", arn) }
}

// newBoundary is the permissions boundary a request would set.
func newBoundary(arn string) key {
	return func(k *policy.Context, _ holder) {
		if arn != "" {
			k.Set("iam:PermissionsBoundary", arn)
		}
	}
}

// ownBoundary is the permissions boundary of the role or user whose policies a request would change.
func ownBoundary(k *policy.Context, h holder) {
	if h.boundary != nil {
		newBoundary(*h.boundary)(k, h)
	}
}
