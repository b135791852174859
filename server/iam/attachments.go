package iam

import (
	"context"
	"slices"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

func (s *service) attachmentActions() []awsquery.Action {
	return []awsquery.Action{
		awsquery.NewAction("AttachRolePolicy", func(ctx context.Context, c *awsquery.Call, in *roleAttachment) (*none, error) {
			return nil, attach(ctx, s, s.roles, c, "iam:AttachRolePolicy", in.RoleName, in.PolicyArn)
		}),
		awsquery.NewAction("DetachRolePolicy", func(ctx context.Context, c *awsquery.Call, in *roleAttachment) (*none, error) {
			return nil, s.roles.detach(ctx, c, "iam:DetachRolePolicy", in.RoleName, in.PolicyArn)
		}),
		awsquery.NewAction("ListAttachedRolePolicies", func(_ context.Context, c *awsquery.Call, in *roleAttachmentPage) (*attachedList, error) {
			return s.roles.listAttached(c, "iam:ListAttachedRolePolicies", in.RoleName, in.PathPrefix, in.page)
		}),
		awsquery.NewAction("AttachUserPolicy", func(ctx context.Context, c *awsquery.Call, in *userAttachment) (*none, error) {
			return nil, attach(ctx, s, s.users, c, "iam:AttachUserPolicy", in.UserName, in.PolicyArn)
		}),
		awsquery.NewAction("DetachUserPolicy", func(ctx context.Context, c *awsquery.Call, in *userAttachment) (*none, error) {
			return nil, s.users.detach(ctx, c, "iam:DetachUserPolicy", in.UserName, in.PolicyArn)
		}),
		awsquery.NewAction("ListAttachedUserPolicies", func(_ context.Context, c *awsquery.Call, in *userAttachmentPage) (*attachedList, error) {
			return s.users.listAttached(c, "iam:ListAttachedUserPolicies", in.UserName, in.PathPrefix, in.page)
		}),
	}
}

type roleAttachment struct{ RoleName, PolicyArn string }

func (in *roleAttachment) Validate(v *awsquery.Validator) {
	checkName(v, "roleName", in.RoleName, 64)
	checkARN(v, "policyArn", in.PolicyArn)
}

type userAttachment struct{ UserName, PolicyArn string }

func (in *userAttachment) Validate(v *awsquery.Validator) {
	checkName(v, "userName", in.UserName, 64)
	checkARN(v, "policyArn", in.PolicyArn)
}

type roleAttachmentPage struct {
	RoleName   string
	PathPrefix string
	page
}

func (in *roleAttachmentPage) Validate(v *awsquery.Validator) {
	checkName(v, "roleName", in.RoleName, 64)
	optional(v, "pathPrefix", in.PathPrefix, 1, 512, policyPathPattern, isPolicyPath)
	in.check(v)
}

type userAttachmentPage struct {
	UserName   string
	PathPrefix string
	page
}

func (in *userAttachmentPage) Validate(v *awsquery.Validator) {
	checkName(v, "userName", in.UserName, 64)
	optional(v, "pathPrefix", in.PathPrefix, 1, 512, policyPathPattern, isPolicyPath)
	in.check(v)
}

// attach is idempotent.
func attach[T any](ctx context.Context, s *service, k kind[T], c *awsquery.Call, action, name, arn string) error {
	return k.change(ctx, c, action, name, func(tx *store.Tx, v *T) error {
		if err := s.attachable(tx, c.Caller.Account, asPolicy, arn); err != nil {
			return err
		}
		attached := k.hold(v).attached
		if slices.Contains(*attached, arn) {
			return nil
		}
		*attached = append(*attached, arn)
		return checkAttached(*attached, k.noun)
	}, policyARN(arn), ownBoundary)
}

func checkAttached(attached []string, noun string) error {
	if len(attached) <= maxAttached {
		return nil
	}
	if noun == "role" {
		return limitExceeded("Cannot exceed quota for PoliciesPerRole: %d", maxAttached)
	}
	return limitExceeded("Cannot exceed quota for PoliciesPerUser: %d", maxAttached)
}

// attachment is what a managed policy is to a role or user, as messages name it.
type attachment string

const (
	asPolicy   attachment = "Policy"
	asBoundary attachment = "Scope ARN:"
)

// attachable refuses an ARN that names no managed policy of the account or of AWS. Those of other accounts are refused like those that do not
// exist. Having read the policy, the transaction fails if it is deleted meanwhile.
func (e Env) attachable(tx *store.Tx, account identity.Account, as attachment, arn string) error {
	a, err := parsePolicyARN(arn)
	if err != nil {
		return err
	}
	if _, ok := Managed(arn); ok {
		return nil
	}
	if a.Account() != account {
		return notAttachable(as, arn)
	}
	if _, ok := tx.PolicyByARN(arn); !ok {
		return notAttachable(as, arn)
	}
	return nil
}

func (k kind[T]) detach(ctx context.Context, c *awsquery.Call, action, name, arn string) error {
	return k.change(ctx, c, action, name, func(_ *store.Tx, v *T) error {
		if _, err := parsePolicyARN(arn); err != nil {
			return err
		}
		attached := k.hold(v).attached
		i := slices.Index(*attached, arn)
		if i < 0 {
			return policyNotFound(arn)
		}
		*attached = slices.Delete(*attached, i, i+1)
		return nil
	}, policyARN(arn), ownBoundary)
}

type attachedPolicy struct{ PolicyName, PolicyArn string }

type attachedList struct {
	AttachedPolicies []attachedPolicy
	rest
}

func (k kind[T]) listAttached(c *awsquery.Call, action, name, prefix string, p page) (*attachedList, error) {
	v, err := k.get(c, action, name)
	if err != nil {
		return nil, err
	}
	var shown []attachedPolicy
	for _, arn := range *k.hold(v).attached {
		path, name := policyName(identity.MustARN(arn))
		if under(path, prefix) {
			shown = append(shown, attachedPolicy{name, arn})
		}
	}
	shown, more, err := take(p, listed(shown))
	if err != nil {
		return nil, err
	}
	return &attachedList{shown, more}, nil
}
