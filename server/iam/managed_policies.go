package iam

import (
	"context"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

func (s *service) policyActions() []awsquery.Action {
	return []awsquery.Action{
		awsquery.NewAction("CreatePolicy", s.createPolicy),
		awsquery.NewAction("GetPolicy", s.getPolicy),
		awsquery.NewAction("ListPolicies", s.listPolicies),
		awsquery.NewAction("DeletePolicy", s.deletePolicy),
		awsquery.NewAction("ListEntitiesForPolicy", s.listEntities),
	}
}

type policyResult struct{ Policy *managedPolicy }

// managedPolicy is a managed policy as the wire has it.
type managedPolicy struct {
	PolicyName                    string
	PolicyId                      string
	Arn                           string
	Path                          string
	DefaultVersionId              string
	AttachmentCount               int
	PermissionsBoundaryUsageCount int
	IsAttachable                  bool
	Description                   string
	CreateDate                    time.Time
	UpdateDate                    time.Time
	Tags                          []tag
}

// listedPolicy has neither description nor tags, as on AWS. Uses are counted in the account that asks.
func (s *service) listedPolicy(p *store.Policy, account identity.Account) *managedPolicy {
	arn := p.ARN().String()
	u := usesOf(account, arn, s.Store.Roles.By(store.ByPolicy, arn), s.Store.Users.By(store.ByPolicy, arn))
	return &managedPolicy{
		PolicyName: p.Name, PolicyId: p.ID, Arn: arn, Path: p.Path, DefaultVersionId: p.Default, AttachmentCount: u.attachments(),
		PermissionsBoundaryUsageCount: u.boundaries(), IsAttachable: true, CreateDate: p.Created, UpdateDate: p.Updated,
	}
}

// permitPolicy authorises an action on a managed policy of the caller's account or of AWS, found or nil, and then says whether there is one.
func (s *service) permitPolicy(c *awsquery.Call, action, arn string, found *store.Policy, keys []key) error {
	a, err := parsePolicyARN(arn)
	if err != nil {
		return err
	}
	if a.Account() != c.Caller.Account && a.Account() != awsAccount {
		return s.foreign(c, action, a)
	}
	var h holder
	if found != nil {
		h.tags = &found.Tags
	}
	if err := s.authorise(c, action, arn, "policy "+arn, conditionKeys(h, keys)); err != nil {
		return err
	}
	if found == nil {
		return policyNotFound(arn)
	}
	return nil
}

// policy is a managed policy of the caller's account or of AWS, for an action that only shows it.
func (s *service) policy(c *awsquery.Call, action, arn string) (*store.Policy, error) {
	found, ok := findManaged(arn)
	if !ok {
		found, _ = s.Store.PolicyByARN(arn)
	}
	return found, s.permitPolicy(c, action, arn, found, nil)
}

// changePolicy authorises an action on a policy of the caller's account and writes what do makes of it. AWS's own cannot be changed.
func (s *service) changePolicy(
	ctx context.Context, c *awsquery.Call, action, arn string, do func(tx *store.Tx, p *store.Policy) error, keys ...key,
) error {
	return s.Store.Transact(ctx, func(tx *store.Tx) error {
		p, err := s.readPolicy(tx, c, action, arn, keys)
		if err != nil {
			return err
		}
		if err := do(tx, p); err != nil {
			return err
		}
		store.Write(tx, s.Store.Policies, policyKey(p), p)
		return nil
	})
}

func (s *service) readPolicy(tx *store.Tx, c *awsquery.Call, action, arn string, keys []key) (*store.Policy, error) {
	a, err := parsePolicyARN(arn)
	if err != nil {
		return nil, err
	}
	if a.Account() == awsAccount {
		return nil, s.foreign(c, action, a)
	}
	p, _ := tx.PolicyByARN(arn)
	return p, s.permitPolicy(c, action, arn, p, keys)
}

func policyKey(p *store.Policy) string { return store.PolicyKey(string(p.Account), p.Name) }

type policyRef struct{ PolicyArn string }

func (in *policyRef) Validate(v *awsquery.Validator) { checkARN(v, "policyArn", in.PolicyArn) }

type policyPage struct {
	PolicyArn string
	page
}

func (in *policyPage) Validate(v *awsquery.Validator) {
	checkARN(v, "policyArn", in.PolicyArn)
	in.check(v)
}

func (s *service) getPolicy(_ context.Context, c *awsquery.Call, in *policyRef) (*policyResult, error) {
	p, err := s.policy(c, "iam:GetPolicy", in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := s.listedPolicy(p, c.Caller.Account)
	out.Description, out.Tags = p.Description, some(shownTags(p.Tags))
	return &policyResult{out}, nil
}

func (s *service) deletePolicy(ctx context.Context, c *awsquery.Call, in *policyRef) (*none, error) {
	return nil, s.Store.Transact(ctx, func(tx *store.Tx) error {
		p, err := s.readPolicy(tx, c, "iam:DeletePolicy", in.PolicyArn, nil)
		if err != nil {
			return err
		}
		users := store.ReadBy(tx, s.Store.Users, store.ByPolicy, in.PolicyArn)
		if len(store.ReadBy(tx, s.Store.Roles, store.ByPolicy, in.PolicyArn))+len(users) > 0 {
			return deleteConflict("Cannot delete a policy attached to entities.")
		}
		if len(p.Versions) > 1 {
			return deleteConflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. " +
				"The default version is deleted with the policy.")
		}
		store.Write(tx, s.Store.Policies, policyKey(p), nil)
		return nil
	})
}
