package iam

import (
	"context"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

type createPolicy struct {
	PolicyName     string
	Path           string
	PolicyDocument string
	Description    string
	Tags           []tag
}

func (in *createPolicy) Validate(v *awsquery.Validator) {
	checkName(v, "policyName", in.PolicyName, 128)
	optional(v, "path", in.Path, 1, 512, policyPathPattern, isPolicyPath)
	checkDocument(v, "policyDocument", in.PolicyDocument)
	optional(v, "description", in.Description, 0, 1000, "", nil)
	checkTags(v, in.Tags)
}

func (s *service) createPolicy(ctx context.Context, c *awsquery.Call, in *createPolicy) (*policyResult, error) {
	spec := PolicySpec{
		Account: c.Caller.Account, Partition: partition(c), Path: in.Path, Name: in.PolicyName, Description: in.Description,
		Document: in.PolicyDocument, Tags: fromWire(in.Tags),
	}.complete()
	arn := spec.arn().String()
	if err := s.authorise(c, "iam:CreatePolicy", arn, "policy "+spec.Name, conditionKeys(holder{}, []key{requestTags(spec.Tags)})); err != nil {
		return nil, err
	}
	var made *store.Policy
	err := s.Store.Transact(ctx, func(tx *store.Tx) error {
		if _, exists := store.Read(tx, s.Store.Policies, store.PolicyKey(string(spec.Account), spec.Name)); exists {
			return policyExists(spec.Name)
		}
		_, after, err := s.PutPolicy(tx, spec)
		made = after
		return err
	})
	if err != nil {
		return nil, err
	}
	out := s.listedPolicy(made, c.Caller.Account)
	out.Tags = shownTags(made.Tags)
	return &policyResult{out}, nil
}
