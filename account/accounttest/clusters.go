package accounttest

import (
	"encoding/base64"
	"slices"
	"time"
)

// Cluster is one of EKS's, or one that is registered with it. The zero value of what AWS always has is something plausible.
type Cluster struct {
	Name            string
	Region          string // "" is Region
	Issuer          string // "" is one of EKS's own, by the cluster's name; "none" is none
	Endpoint        string // "" is one of EKS's own
	CA              []byte // PEM
	Version         string // "" is 1.33
	PlatformVersion string // "" is eks.1
	Status          string // "" is ACTIVE
	VPC             string // "" is one that no Network has
	Subnets         []string
	SecurityGroup   string // of the cluster itself; "" is one
	Private         bool   // its endpoint cannot be reached from outside the VPC
	PrivateAccess   bool   // its endpoint can be reached from inside the VPC by its private address
	PublicCIDRs     []string
	AutoMode        bool
	Outpost         bool
	Tags            map[string]string
}

// ARN of the cluster.
func (c Cluster) ARN() string {
	return "arn:aws:eks:" + orElse(c.Region, Region) + ":" + Account + ":cluster/" + c.Name
}

// ServeClusters has EKS answer for clusters, in place of those before, and whatever is behind has: of every region, those that are in it.
func (s *Server) ServeClusters(clusters ...Cluster) {
	s.t.Helper()
	in := func(c *Call) (out []Cluster) {
		for _, one := range clusters {
			if orElse(one.Region, Region) == c.Region {
				out = append(out, one)
			}
		}
		return out
	}
	s.On("eks", "DescribeCluster", func(c *Call) (Values, error) {
		name, here := c.Input.String("name"), in(c)
		i := slices.IndexFunc(here, func(one Cluster) bool { return one.Name == name })
		if i < 0 {
			return nil, &Error{Code: "ResourceNotFoundException", Message: "No cluster found for name: " + name + "."}
		}
		return Values{"cluster": here[i].values()}, nil
	})
	s.On("eks", "ListClusters", func(c *Call) (Values, error) {
		names := []string{}
		for _, one := range in(c) {
			names = append(names, one.Name)
		}
		page, next, err := pageOf(names, c.Input["maxResults"], maxClusters, c.Input.String("nextToken"))
		if err != nil {
			return nil, &Error{Code: "InvalidParameterException", Message: err.Error()}
		}
		out := Values{"clusters": page}
		if next != "" {
			out["nextToken"] = next
		}
		return out, nil
	})
}

// maxClusters of a page, where the call does not say.
//
// Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_ListClusters.html
const maxClusters = 100

// id is in the host names of EKS clusters and their issuers: 32 digits, which the fake makes of the name.
func (c Cluster) id() string {
	const digits = "0123456789ABCDEF"
	out := make([]byte, 32)
	for i := range out {
		out[i] = digits[(int(c.Name[i%len(c.Name)])+i*7)%len(digits)]
	}
	return string(out)
}

func (c Cluster) values() Values {
	region := orElse(c.Region, Region)
	out := Values{
		"name": c.Name, "arn": c.ARN(), "version": orElse(c.Version, "1.33"), "platformVersion": orElse(c.PlatformVersion, "eks.1"),
		"status": orElse(c.Status, "ACTIVE"), "createdAt": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		"endpoint": orElse(c.Endpoint, "https://"+c.id()+".gr7."+region+".eks.amazonaws.com"),
		"roleArn":  "arn:aws:iam::" + Account + ":role/eks-cluster",
		"resourcesVpcConfig": Values{
			"vpcId": orElse(c.VPC, "vpc-0123456789abcdef0"), "subnetIds": c.Subnets, "securityGroupIds": []string{}, "clusterSecurityGroupId": orElse(c.SecurityGroup, "sg-0123456789abcdef0"),
			"endpointPublicAccess": !c.Private, "endpointPrivateAccess": c.Private || c.PrivateAccess, "publicAccessCidrs": c.PublicCIDRs,
		},
		"kubernetesNetworkConfig": Values{"ipFamily": "ipv4", "serviceIpv4Cidr": "172.20.0.0/16", "elasticLoadBalancing": Values{"enabled": c.AutoMode}},
		"certificateAuthority":    Values{"data": base64.StdEncoding.EncodeToString(c.CA)},
		"accessConfig":            Values{"authenticationMode": "API_AND_CONFIG_MAP"},
		"computeConfig":           Values{"enabled": c.AutoMode},
		"storageConfig":           Values{"blockStorage": Values{"enabled": c.AutoMode}},
		"tags":                    c.Tags,
	}
	if c.Issuer != "none" {
		out["identity"] = Values{"oidc": Values{"issuer": orElse(c.Issuer, "https://oidc.eks."+region+".amazonaws.com/id/"+c.id())}}
	}
	if c.AutoMode {
		out["computeConfig"] = Values{"enabled": true, "nodePools": []string{"general-purpose", "system"}, "nodeRoleArn": "arn:aws:iam::" + Account + ":role/eks-node"}
	}
	if c.Outpost {
		out["outpostConfig"] = Values{
			"outpostArns":              []string{"arn:aws:outposts:" + region + ":" + Account + ":outpost/op-0123456789abcdef0"},
			"controlPlaneInstanceType": "m5.large",
		}
	}
	return out
}
