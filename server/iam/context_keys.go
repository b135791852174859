package iam

import (
	"context"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/awsquery"
)

type customContextKeys struct{ PolicyInputList []string }

func (in *customContextKeys) Validate(v *awsquery.Validator) {
	v.Required("policyInputList", len(in.PolicyInputList) > 0)
	checkDocuments(v, "policyInputList", in.PolicyInputList)
}

type contextKeyNames struct{ ContextKeyNames []string }

func (s *service) getCustomContextKeys(_ context.Context, c *awsquery.Call, in *customContextKeys) (*contextKeyNames, error) {
	if err := s.authorise(c, "iam:GetContextKeysForCustomPolicy", "*", "*", nil); err != nil {
		return nil, err
	}
	given, err := s.inputs("PolicyInputList", in.PolicyInputList)
	if err != nil {
		return nil, err
	}
	return namesOf(given), nil
}

type principalContextKeys struct {
	PolicySourceArn string
	PolicyInputList []string
}

func (in *principalContextKeys) Validate(v *awsquery.Validator) {
	checkARN(v, "policySourceArn", in.PolicySourceArn)
	checkDocuments(v, "policyInputList", in.PolicyInputList)
}

func (s *service) getPrincipalContextKeys(_ context.Context, c *awsquery.Call, in *principalContextKeys) (*contextKeyNames, error) {
	subject, err := s.subject(c, "iam:GetContextKeysForPrincipalPolicy", in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	own, err := s.sourcesOf(subject, nil)
	if err != nil {
		return nil, err
	}
	given, err := s.inputs("PolicyInputList", in.PolicyInputList)
	if err != nil {
		return nil, err
	}
	return namesOf(append(own, given...)), nil
}

// namesOf are the keys of all documents, each once.
func namesOf(sources []policy.Source) *contextKeyNames {
	var names []string
	for _, source := range sources {
		names = append(names, source.Doc.ContextKeys()...)
	}
	return &contextKeyNames{some(distinct(names))}
}
