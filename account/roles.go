package account

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// Role is an IAM role.
type Role struct {
	Name, Path, ARN string
	Trust           string // policy document, JSON as IAM keeps it
	Boundary        string // ARN of the permissions boundary's policy, or ""
	Tags            map[string]string
}

// Roles are those of the account, with their tags; [Account.Policies] has their policies. Their names are unique in the account, whatever their paths.
type Roles struct{ iam *iam.Client }

// Roles reads and changes roles.
func (a *Account) Roles() Roles { return Roles{a.iam} }

// Get is one by its name, nil where it does not exist.
//
// Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
func (r Roles) Get(ctx context.Context, name string) (*Role, error) {
	out, err := r.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if Absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("role %s: %w", name, err)
	}
	return readRole(out.Role)
}

// Each gives every role of the account to f, page by page. Listings have no tags and no boundary.
func (r Roles) Each(ctx context.Context, f func(*Role) error) error {
	pages := iam.NewListRolesPaginator(r.iam, &iam.ListRolesInput{MaxItems: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("the account's roles: %w", err)
		}
		for i := range page.Roles {
			role, err := readRole(&page.Roles[i])
			if err == nil {
				err = f(role)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// readRole undoes IAM's URL encoding of documents.
func readRole(r *types.Role) (*Role, error) {
	trust, err := decodeDocument(r.AssumeRolePolicyDocument)
	if err != nil {
		return nil, fmt.Errorf("trust policy of role %s: %w", aws.ToString(r.RoleName), err)
	}
	out := &Role{
		Name: aws.ToString(r.RoleName), Path: aws.ToString(r.Path), ARN: aws.ToString(r.Arn), Trust: trust, Tags: tagMap(r.Tags),
	}
	if r.PermissionsBoundary != nil {
		out.Boundary = aws.ToString(r.PermissionsBoundary.PermissionsBoundaryArn)
	}
	return out, nil
}

// decodeDocument undoes the encoding of RFC 3986, in which a plus sign is a plus sign.
func decodeDocument(text *string) (string, error) { return url.PathUnescape(aws.ToString(text)) }

func tagMap(tags []types.Tag) map[string]string {
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}

func tagList(tags map[string]string) (out []types.Tag) {
	for key, value := range tags {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	return out
}

// NewRole is what a role is created with.
type NewRole struct {
	Name, Path, Trust, Description string
	Boundary                       string // ARN of a policy, or ""
	Tags                           map[string]string
}

// Create makes a role. The error is a refusal with EntityAlreadyExists where there is one of the name.
func (r Roles) Create(ctx context.Context, n NewRole) (*Role, error) {
	in := &iam.CreateRoleInput{RoleName: &n.Name, AssumeRolePolicyDocument: &n.Trust, Tags: tagList(n.Tags)}
	if n.Path != "" {
		in.Path = &n.Path
	}
	if n.Description != "" {
		in.Description = &n.Description
	}
	if n.Boundary != "" {
		in.PermissionsBoundary = &n.Boundary
	}
	out, err := r.iam.CreateRole(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("role %s: %w", n.Name, err)
	}
	return readRole(out.Role)
}

// EditTrust reads a role's trust policy, and replaces it by what edit makes of it, unless that is the same. IAM has no compare-and-swap: the two calls
// come right after one another, so that nobody's change is lost unless it falls between them.
func (r Roles) EditTrust(ctx context.Context, name string, edit func(document string) (string, error)) error {
	role, err := r.Get(ctx, name)
	if err == nil && role == nil {
		err = fmt.Errorf("role %s does not exist any more", name)
	}
	if err != nil {
		return err
	}
	document, err := edit(role.Trust)
	if err != nil || document == role.Trust {
		return err
	}
	_, err = r.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &name, PolicyDocument: &document})
	if err != nil {
		return fmt.Errorf("trust policy of role %s: %w", name, err)
	}
	return nil
}

// Tag sets tags of a role.
func (r Roles) Tag(ctx context.Context, name string, tags map[string]string) error {
	_, err := r.iam.TagRole(ctx, &iam.TagRoleInput{RoleName: &name, Tags: tagList(tags)})
	return about(err, "tags of role %s", name)
}

// Untag removes tags of a role; those it does not have are no error.
func (r Roles) Untag(ctx context.Context, name string, keys ...string) error {
	_, err := r.iam.UntagRole(ctx, &iam.UntagRoleInput{RoleName: &name, TagKeys: keys})
	return about(err, "tags of role %s", name)
}

// Delete deletes a role that has no policies. That it is gone already is no error.
func (r Roles) Delete(ctx context.Context, name string) error {
	_, err := r.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
	return about(unlessAbsent(err), "role %s", name)
}

// Quotas are the account's that grants run into.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
type Quotas struct {
	Trust    int // characters of a trust policy, white space not counted: 2,048, or up to 4,096 where that was asked for
	Attached int // managed policies of a role: 10, or up to 20
}

// DefaultQuotas are those of an account that asked for no more.
var DefaultQuotas = Quotas{Trust: 2048, Attached: 10}

// Quotas reads them.
func (r Roles) Quotas(ctx context.Context) (Quotas, error) {
	out, err := r.iam.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
	if err != nil {
		return DefaultQuotas, fmt.Errorf("the account's quotas: %w", err)
	}
	found := DefaultQuotas
	if n := out.SummaryMap["AssumeRolePolicySizeQuota"]; n > 0 {
		found.Trust = int(n)
	}
	if n := out.SummaryMap["AttachedPoliciesPerRoleQuota"]; n > 0 {
		found.Attached = int(n)
	}
	return found, nil
}

// about puts before an error what it is about.
func about(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", strings.TrimSpace(fmt.Sprintf(format, args...)), err)
}

func unlessAbsent(err error) error {
	if Absent(err) {
		return nil
	}
	return err
}
