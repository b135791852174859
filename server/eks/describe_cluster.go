package eks

import (
	"context"

	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

type onCluster struct {
	Name string `label:"name" json:"-"`
}

// cluster has what is known of a cluster that AWS does not run.
type cluster struct {
	Name                 string            `json:"name"`
	ARN                  string            `json:"arn"`
	CreatedAt            restjson.Time     `json:"createdAt"`
	Endpoint             string            `json:"endpoint,omitempty"` // of its API server
	CertificateAuthority certificate       `json:"certificateAuthority"`
	Identity             clusterIdentity   `json:"identity"`
	Status               string            `json:"status"`
	ResourcesVPCConfig   vpcConfig         `json:"resourcesVpcConfig"`
	Tags                 map[string]string `json:"tags"`
}

// certificate is what vouches for the API server: PEM, in base64.
type certificate struct {
	Data []byte `json:"data,omitempty"`
}

type clusterIdentity struct {
	OIDC struct {
		Issuer string `json:"issuer"`
	} `json:"oidc"`
}

// vpcConfig is empty: the cluster stands in no VPC. It is there because eksctl and others look into it unasked.
type vpcConfig struct {
	SubnetIDs             []string `json:"subnetIds"`
	SecurityGroupIDs      []string `json:"securityGroupIds"`
	PublicAccessCIDRs     []string `json:"publicAccessCidrs"`
	EndpointPublicAccess  bool     `json:"endpointPublicAccess"`
	EndpointPrivateAccess bool     `json:"endpointPrivateAccess"`
}

type clusterResult struct {
	Cluster cluster `json:"cluster"`
}

func (s *service) describeCluster(_ context.Context, c *restjson.Call, in *onCluster) (*clusterResult, error) {
	found, err := s.cluster(c, in.Name)
	if err != nil {
		return nil, err
	}
	if err := s.authorise(c, "DescribeCluster", found.ARN().String(), access.ResourceTags(found.Tags)); err != nil {
		return nil, err
	}
	return &clusterResult{describe(found)}, nil
}

// describe takes endpoint and CA from the kubeconfig the cluster was registered with, and nothing else of it. What it holds besides is a secret.
func describe(c *store.Cluster) cluster {
	out := cluster{
		Name: c.Name, ARN: c.ARN().String(), CreatedAt: restjson.Time(c.Created), Status: "ACTIVE", Tags: tagMap(c.Tags),
		ResourcesVPCConfig: vpcConfig{SubnetIDs: []string{}, SecurityGroupIDs: []string{}, PublicAccessCIDRs: []string{}},
	}
	out.Identity.OIDC.Issuer = c.Issuer.String()
	if c.Kubeconfig == "" {
		return out
	}
	if endpoint, ca, err := keys.APIServer(c.Kubeconfig); err == nil { // it was read when the cluster was registered
		out.Endpoint, out.CertificateAuthority.Data = endpoint, ca
	}
	return out
}
