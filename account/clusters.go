package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
)

// Cluster is what EKS, or a podpass server, knows of a cluster.
type Cluster struct {
	Name, ARN, Issuer string
	Endpoint          string // of its API server; "" where it is not known
	Version           string // of Kubernetes, "1.31"; "" where AWS does not run it
	PlatformVersion   string // "eks.4"; "" where AWS does not run it
	VPC               string // "" where AWS does not run it
	Subnets           []string
	PublicEndpoint    bool
	PrivateEndpoint   bool
	AutoMode          bool // the Pod Identity agent is built in
	Outpost           bool // a local cluster on Outposts
}

// Clusters are the clusters of the account and region.
type Clusters struct{ eks *eks.Client }

// Clusters reads clusters.
func (a *Account) Clusters() Clusters { return Clusters{a.eks} }

// ErrNoCluster says that the account has no such cluster in its region.
var ErrNoCluster = errors.New("the account has no such cluster in this region")

// Describe is one cluster by its name. The error is ErrNoCluster where there is none.
//
// Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html
func (c Clusters) Describe(ctx context.Context, name string) (*Cluster, error) {
	out, err := c.eks.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &name})
	if Refused(err, "ResourceNotFoundException") {
		return nil, fmt.Errorf("%w: %s", ErrNoCluster, name)
	}
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	return readCluster(out.Cluster), nil
}

// Find is the cluster with an issuer, which names a cluster as nothing else does. The one named hint is looked at first. The error is ErrNoCluster
// where there is none.
func (c Clusters) Find(ctx context.Context, hint, issuer string) (*Cluster, error) {
	if hint != "" {
		found, err := c.Describe(ctx, hint)
		if err == nil && found.Issuer == issuer {
			return found, nil
		}
		if err != nil && !errors.Is(err, ErrNoCluster) && !Denied(err) {
			return nil, err
		}
	}
	denied := 0
	pages := eks.NewListClustersPaginator(c.eks, &eks.ListClustersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("the account's clusters: %w", err)
		}
		for _, name := range page.Clusters {
			if name == hint {
				continue
			}
			found, err := c.Describe(ctx, name)
			if Denied(err) {
				denied++ // it may still be another one
				continue
			}
			if errors.Is(err, ErrNoCluster) {
				continue // deleted since
			}
			if err != nil {
				return nil, err
			}
			if found.Issuer == issuer {
				return found, nil
			}
		}
	}
	if denied > 0 {
		return nil, fmt.Errorf("%w that may be looked at: %d may not (eks:DescribeCluster), and no other has the issuer %s", ErrNoCluster, denied, issuer)
	}
	return nil, fmt.Errorf("%w: none has the issuer %s", ErrNoCluster, issuer)
}

func readCluster(c *types.Cluster) *Cluster {
	out := &Cluster{
		Name: aws.ToString(c.Name), ARN: aws.ToString(c.Arn), Endpoint: aws.ToString(c.Endpoint), Version: aws.ToString(c.Version),
		PlatformVersion: aws.ToString(c.PlatformVersion), Outpost: c.OutpostConfig != nil,
	}
	if c.Identity != nil && c.Identity.Oidc != nil {
		out.Issuer = aws.ToString(c.Identity.Oidc.Issuer)
	}
	if v := c.ResourcesVpcConfig; v != nil {
		out.VPC, out.Subnets, out.PublicEndpoint, out.PrivateEndpoint = aws.ToString(v.VpcId), v.SubnetIds, v.EndpointPublicAccess, v.EndpointPrivateAccess
	}
	out.AutoMode = c.ComputeConfig != nil && aws.ToBool(c.ComputeConfig.Enabled)
	return out
}
