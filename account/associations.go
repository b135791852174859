package account

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/podpass/podpass/identity"
)

// Association is a Pod Identity association.
type Association struct {
	ID, ARN            string
	ServiceAccount     identity.ServiceAccount
	Role, TargetRole   string // ARNs; no target role is ""
	DisableSessionTags bool
	Owner              string // ARN of the add-on it belongs to, or ""
	Tags               map[string]string
}

// Associations are the Pod Identity associations of clusters.
type Associations struct{ eks *eks.Client }

// Associations reads and changes associations.
func (a *Account) Associations() Associations { return Associations{a.eks} }

// Get is the one of a service account, nil where there is none. A listing has no roles, so it takes two calls.
//
// Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_ListPodIdentityAssociations.html
func (s Associations) Get(ctx context.Context, cluster string, of identity.ServiceAccount) (*Association, error) {
	out, err := s.eks.ListPodIdentityAssociations(ctx, &eks.ListPodIdentityAssociationsInput{
		ClusterName: &cluster, Namespace: &of.Namespace, ServiceAccount: &of.Name,
	})
	if err != nil {
		return nil, fmt.Errorf("association of %s in cluster %s: %w", of, cluster, err)
	}
	for _, one := range out.Associations {
		return s.describe(ctx, cluster, aws.ToString(one.AssociationId))
	}
	return nil, nil
}

// IDs are those of a whole cluster, page by page: one call for a hundred.
func (s Associations) IDs(ctx context.Context, cluster string) (map[identity.ServiceAccount]string, error) {
	out := map[identity.ServiceAccount]string{}
	pages := eks.NewListPodIdentityAssociationsPaginator(s.eks, &eks.ListPodIdentityAssociationsInput{ClusterName: &cluster, MaxResults: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("associations of cluster %s: %w", cluster, err)
		}
		for _, one := range page.Associations {
			out[identity.ServiceAccount{Namespace: aws.ToString(one.Namespace), Name: aws.ToString(one.ServiceAccount)}] = aws.ToString(one.AssociationId)
		}
	}
	return out, nil
}

func (s Associations) describe(ctx context.Context, cluster, id string) (*Association, error) {
	out, err := s.eks.DescribePodIdentityAssociation(ctx, &eks.DescribePodIdentityAssociationInput{ClusterName: &cluster, AssociationId: &id})
	if Absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("association %s of cluster %s: %w", id, cluster, err)
	}
	return readAssociation(out.Association), nil
}

// Create makes one. The error is a refusal with ResourceInUseException where the service account has one. The same token again is the same request.
func (s Associations) Create(ctx context.Context, cluster string, a Association, token string) (*Association, error) {
	in := &eks.CreatePodIdentityAssociationInput{
		ClusterName: &cluster, Namespace: &a.ServiceAccount.Namespace, ServiceAccount: &a.ServiceAccount.Name, RoleArn: &a.Role, Tags: a.Tags,
		ClientRequestToken: &token,
	}
	if a.TargetRole != "" {
		in.TargetRoleArn = &a.TargetRole
	}
	if a.DisableSessionTags {
		in.DisableSessionTags = &a.DisableSessionTags
	}
	out, err := s.eks.CreatePodIdentityAssociation(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("association of %s in cluster %s: %w", a.ServiceAccount, cluster, err)
	}
	return readAssociation(out.Association), nil
}

// Delete deletes one. That it is gone already is no error.
func (s Associations) Delete(ctx context.Context, cluster, id string) error {
	_, err := s.eks.DeletePodIdentityAssociation(ctx, &eks.DeletePodIdentityAssociationInput{ClusterName: &cluster, AssociationId: &id})
	return about(unlessAbsent(err), "association %s of cluster %s", id, cluster)
}

func readAssociation(a *types.PodIdentityAssociation) *Association {
	return &Association{
		ID: aws.ToString(a.AssociationId), ARN: aws.ToString(a.AssociationArn),
		ServiceAccount: identity.ServiceAccount{Namespace: aws.ToString(a.Namespace), Name: aws.ToString(a.ServiceAccount)},
		Role:           aws.ToString(a.RoleArn), TargetRole: aws.ToString(a.TargetRoleArn), DisableSessionTags: aws.ToBool(a.DisableSessionTags),
		Owner: aws.ToString(a.OwnerArn), Tags: a.Tags,
	}
}
