package iam

import (
	"context"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

func (s *service) inlineActions() []awsquery.Action {
	return []awsquery.Action{
		awsquery.NewAction("PutRolePolicy", func(ctx context.Context, c *awsquery.Call, in *putRolePolicy) (*none, error) {
			return nil, s.roles.putInline(ctx, c, "iam:PutRolePolicy", in.RoleName, in.PolicyName, in.PolicyDocument, maxRoleInline)
		}),
		awsquery.NewAction("GetRolePolicy", func(_ context.Context, c *awsquery.Call, in *rolePolicy) (*shownRolePolicy, error) {
			name, document, err := s.roles.getInline(c, "iam:GetRolePolicy", in.RoleName, in.PolicyName)
			return &shownRolePolicy{name, in.PolicyName, document}, err
		}),
		awsquery.NewAction("ListRolePolicies", func(_ context.Context, c *awsquery.Call, in *rolePage) (*policyNames, error) {
			return s.roles.listInline(c, "iam:ListRolePolicies", in.RoleName, in.page)
		}),
		awsquery.NewAction("DeleteRolePolicy", func(ctx context.Context, c *awsquery.Call, in *rolePolicy) (*none, error) {
			return nil, s.roles.deleteInline(ctx, c, "iam:DeleteRolePolicy", in.RoleName, in.PolicyName)
		}),
		awsquery.NewAction("PutUserPolicy", func(ctx context.Context, c *awsquery.Call, in *putUserPolicy) (*none, error) {
			return nil, s.users.putInline(ctx, c, "iam:PutUserPolicy", in.UserName, in.PolicyName, in.PolicyDocument, maxUserInline)
		}),
		awsquery.NewAction("GetUserPolicy", func(_ context.Context, c *awsquery.Call, in *userPolicy) (*shownUserPolicy, error) {
			name, document, err := s.users.getInline(c, "iam:GetUserPolicy", in.UserName, in.PolicyName)
			return &shownUserPolicy{name, in.PolicyName, document}, err
		}),
		awsquery.NewAction("ListUserPolicies", func(_ context.Context, c *awsquery.Call, in *userPage) (*policyNames, error) {
			return s.users.listInline(c, "iam:ListUserPolicies", in.UserName, in.page)
		}),
		awsquery.NewAction("DeleteUserPolicy", func(ctx context.Context, c *awsquery.Call, in *userPolicy) (*none, error) {
			return nil, s.users.deleteInline(ctx, c, "iam:DeleteUserPolicy", in.UserName, in.PolicyName)
		}),
	}
}

type putRolePolicy struct{ RoleName, PolicyName, PolicyDocument string }

func (in *putRolePolicy) Validate(v *awsquery.Validator) {
	checkName(v, "roleName", in.RoleName, 64)
	checkName(v, "policyName", in.PolicyName, 128)
	checkDocument(v, "policyDocument", in.PolicyDocument)
}

type putUserPolicy struct{ UserName, PolicyName, PolicyDocument string }

func (in *putUserPolicy) Validate(v *awsquery.Validator) {
	checkName(v, "userName", in.UserName, 128)
	checkName(v, "policyName", in.PolicyName, 128)
	checkDocument(v, "policyDocument", in.PolicyDocument)
}

type rolePolicy struct{ RoleName, PolicyName string }

func (in *rolePolicy) Validate(v *awsquery.Validator) {
	checkName(v, "roleName", in.RoleName, 64)
	checkName(v, "policyName", in.PolicyName, 128)
}

type userPolicy struct{ UserName, PolicyName string }

func (in *userPolicy) Validate(v *awsquery.Validator) {
	checkName(v, "userName", in.UserName, 128)
	checkName(v, "policyName", in.PolicyName, 128)
}

type shownRolePolicy struct{ RoleName, PolicyName, PolicyDocument string }

type shownUserPolicy struct{ UserName, PolicyName, PolicyDocument string }

type policyNames struct {
	PolicyNames []string
	rest
}

func (k kind[T]) putInline(ctx context.Context, c *awsquery.Call, action, name, policyName, document string, quota int) error {
	return k.change(ctx, c, action, name, func(_ *store.Tx, v *T) error {
		inline := k.hold(v).inline
		*inline = inline.With(policyName, document)
		if _, err := policy.Parse(document, policy.Identity); err != nil {
			return err
		}
		return checkInline(*inline, k.noun, name, quota)
	}, ownBoundary)
}

// checkInline holds all inline policies of one role or user together to their quota.
func checkInline(inline store.Documents, noun, name string, quota int) error {
	total := 0
	for _, document := range inline {
		total += policy.Size(document.Text)
	}
	if total > quota {
		return limitExceeded("Maximum policy size of %d bytes exceeded for %s %s", quota, noun, name)
	}
	return nil
}

// getInline is the holder's name and the document, percent-encoded.
func (k kind[T]) getInline(c *awsquery.Call, action, name, policyName string) (holderName, document string, err error) {
	v, err := k.get(c, action, name)
	if err != nil {
		return "", "", err
	}
	h := k.hold(v)
	document, ok := h.inline.Get(policyName)
	if !ok {
		return "", "", k.unknownInline(policyName)
	}
	return h.arn.ResourceName(), percentEncode(document), nil
}

func (k kind[T]) unknownInline(policyName string) error {
	return noSuchEntity("The %s policy with name %s cannot be found.", k.noun, policyName)
}

func (k kind[T]) listInline(c *awsquery.Call, action, name string, p page) (*policyNames, error) {
	v, err := k.get(c, action, name)
	if err != nil {
		return nil, err
	}
	names, more, err := take(p, documentNames(*k.hold(v).inline))
	if err != nil {
		return nil, err
	}
	return &policyNames{names, more}, nil
}

func (k kind[T]) deleteInline(ctx context.Context, c *awsquery.Call, action, name, policyName string) error {
	return k.change(ctx, c, action, name, func(_ *store.Tx, v *T) error {
		inline := k.hold(v).inline
		if _, ok := inline.Get(policyName); !ok {
			return k.unknownInline(policyName)
		}
		*inline = inline.Without(policyName)
		return nil
	}, ownBoundary)
}
