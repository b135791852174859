package account

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// Policies are those of roles.
type Policies struct{ iam *iam.Client }

// Policies reads and changes the policies of roles.
func (a *Account) Policies() Policies { return Policies{a.iam} }

// Attached are the ARNs of a role's managed policies.
func (p Policies) Attached(ctx context.Context, role string) (arns []string, err error) {
	pages := iam.NewListAttachedRolePoliciesPaginator(p.iam, &iam.ListAttachedRolePoliciesInput{RoleName: &role})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, about(err, "policies attached to role %s", role)
		}
		for _, policy := range page.AttachedPolicies {
			arns = append(arns, aws.ToString(policy.PolicyArn))
		}
	}
	return arns, nil
}

// Exists reports whether there is a managed policy.
func (p Policies) Exists(ctx context.Context, arn string) (bool, error) {
	_, err := p.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
	if Absent(err) {
		return false, nil
	}
	return err == nil, about(err, "policy %s", arn)
}

// Attach attaches a managed policy; one that is attached already stays so.
func (p Policies) Attach(ctx context.Context, role, arn string) error {
	_, err := p.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: &role, PolicyArn: &arn})
	return about(err, "policy %s of role %s", arn, role)
}

// Detach detaches one. That it is not attached is no error.
func (p Policies) Detach(ctx context.Context, role, arn string) error {
	_, err := p.iam.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &role, PolicyArn: &arn})
	return about(unlessAbsent(err), "policy %s of role %s", arn, role)
}

// Inline are the names of a role's inline policies.
func (p Policies) Inline(ctx context.Context, role string) (names []string, err error) {
	pages := iam.NewListRolePoliciesPaginator(p.iam, &iam.ListRolePoliciesInput{RoleName: &role})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, about(err, "inline policies of role %s", role)
		}
		names = append(names, page.PolicyNames...)
	}
	return names, nil
}

// Document is an inline policy's, "" where there is none of the name.
func (p Policies) Document(ctx context.Context, role, name string) (string, error) {
	out, err := p.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
	if Absent(err) {
		return "", nil
	}
	if err != nil {
		return "", about(err, "inline policy %s of role %s", name, role)
	}
	return decodeDocument(out.PolicyDocument)
}

// Put makes an inline policy so.
func (p Policies) Put(ctx context.Context, role, name, document string) error {
	_, err := p.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &name, PolicyDocument: &document})
	return about(err, "inline policy %s of role %s", name, role)
}

// Delete deletes an inline policy. That it is gone already is no error.
func (p Policies) Delete(ctx context.Context, role, name string) error {
	_, err := p.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: &name})
	return about(unlessAbsent(err), "inline policy %s of role %s", name, role)
}
