package iam

import (
	"context"
	"iter"
	"strings"
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
		if _, exists := store.Read(tx, s.Store.Policies, store.PolicyKey(arn)); exists {
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

// parsePolicyARN reads the ARN of a managed policy.
func parsePolicyARN(arn string) (identity.ARN, error) {
	a, err := identity.ParseARN(arn)
	if err != nil || a.Service() != "iam" || a.Region() != "" || !strings.HasPrefix(a.Resource(), "policy/") || a.ResourceName() == "" {
		return identity.ARN{}, invalidARN().Because(err)
	}
	return a, nil
}

// policyName is the path and the name in the ARN of a managed policy.
func policyName(a identity.ARN) (path, name string) {
	name = a.ResourceName()
	return strings.TrimSuffix(strings.TrimPrefix(a.Resource(), "policy"), name), name
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
		found, ok = s.Store.Policies.Get(store.PolicyKey(arn))
		if !ok || found.ARN().String() != arn {
			found = nil
		}
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
		store.Write(tx, s.Store.Policies, store.PolicyKey(arn), p)
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
	p, ok := store.Read(tx, s.Store.Policies, store.PolicyKey(arn))
	if !ok || p.ARN() != a {
		p = nil
	}
	return p, s.permitPolicy(c, action, arn, p, keys)
}

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

type listPolicies struct {
	Scope             string
	OnlyAttached      bool
	PathPrefix        string
	PolicyUsageFilter string
	page
}

const (
	scopeAll   = "All"
	scopeAWS   = "AWS"
	scopeLocal = "Local"

	usedAsPolicy   = "PermissionsPolicy"
	usedAsBoundary = "PermissionsBoundary"
)

func (in *listPolicies) Validate(v *awsquery.Validator) {
	checkEnum(v, "scope", in.Scope, scopeAll, scopeAWS, scopeLocal)
	optional(v, "pathPrefix", in.PathPrefix, 1, 512, policyPathPattern, isPolicyPath)
	checkEnum(v, "policyUsageFilter", in.PolicyUsageFilter, usedAsPolicy, usedAsBoundary)
	in.check(v)
}

type policyList struct {
	Policies []*managedPolicy
	rest
}

func (s *service) listPolicies(_ context.Context, c *awsquery.Call, in *listPolicies) (*policyList, error) {
	if err := s.authorise(c, "iam:ListPolicies", "*", "policy path "+orDefault(in.PathPrefix, "/"), nil); err != nil {
		return nil, err
	}
	keep := func(p *store.Policy) bool {
		if !under(p.Path, in.PathPrefix) {
			return false
		}
		if !in.OnlyAttached && in.PolicyUsageFilter == "" {
			return true
		}
		shown := s.listedPolicy(p, c.Caller.Account)
		return in.PolicyUsageFilter != usedAsBoundary && shown.AttachmentCount > 0 ||
			in.PolicyUsageFilter != usedAsPolicy && shown.PermissionsBoundaryUsageCount > 0
	}
	found, more, err := take(in.page, s.policiesIn(c, in.Scope, keep))
	if err != nil {
		return nil, err
	}
	out := &policyList{Policies: []*managedPolicy{}, rest: more}
	for _, p := range found {
		out.Policies = append(out.Policies, s.listedPolicy(p, c.Caller.Account))
	}
	return out, nil
}

// policiesIn lists AWS's policies and then the account's. The first letter of a key says which of the two it is of.
func (s *service) policiesIn(c *awsquery.Call, scope string, keep func(*store.Policy) bool) func(string) iter.Seq2[string, *store.Policy] {
	local := records(s.Store.Policies, accountPrefix(c.Caller.Account), keep)
	return func(after string) iter.Seq2[string, *store.Policy] {
		return func(yield func(string, *store.Policy) bool) {
			if scope != scopeLocal && !strings.HasPrefix(after, "l") {
				for _, p := range managedIn(partition(c)) {
					if at := "a" + p.Path + p.Name; at > after && keep(p) && !yield(at, p) {
						return
					}
				}
			}
			if scope == scopeAWS {
				return
			}
			behind, _ := strings.CutPrefix(after, "l")
			if behind == after {
				behind = ""
			}
			for at, p := range local(behind) {
				if !yield("l"+at, p) {
					return
				}
			}
		}
	}
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
		store.Write(tx, s.Store.Policies, store.PolicyKey(in.PolicyArn), nil)
		return nil
	})
}
