package account

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Network is what EC2 says of regions and networks. A podpass server has no EC2: every call fails there, with a refusal of the action.
type Network struct{ ec2 *ec2.Client }

// Network reads regions and networks.
func (a *Account) Network() Network { return Network{a.ec2} }

// Region is whether an account may use a region.
type Region struct {
	Name  string
	OptIn bool // it has to be opted into, as every region since 2019
	In    bool // it can be used: opted into, or in need of no opting in
}

// Region asks about one. The error names it where the partition has no such region.
//
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html
func (n Network) Region(ctx context.Context, name string) (*Region, error) {
	out, err := n.ec2.DescribeRegions(ctx, &ec2.DescribeRegionsInput{RegionNames: []string{name}, AllRegions: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("region %s: %w", name, err)
	}
	if len(out.Regions) != 1 {
		return nil, fmt.Errorf("region %s: EC2 told of %d regions", name, len(out.Regions))
	}
	state := aws.ToString(out.Regions[0].OptInStatus)
	return &Region{Name: name, OptIn: state != "opt-in-not-required", In: state == "opt-in-not-required" || state == "opted-in"}, nil
}

// WithoutDefaultRoute are those of a VPC's subnets whose traffic has no way out: their route table (the VPC's main one where they have none of their own)
// has no default route.
//
// Source: https://docs.aws.amazon.com/vpc/latest/userguide/RouteTables.html
func (n Network) WithoutDefaultRoute(ctx context.Context, vpc string, subnets []string) ([]string, error) {
	main, own := false, map[string]bool{} // whether the table has a default route
	pages := ec2.NewDescribeRouteTablesPaginator(n.ec2, &ec2.DescribeRouteTablesInput{Filters: ofVPC(vpc)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("route tables of %s: %w", vpc, err)
		}
		for _, table := range page.RouteTables {
			out := slices.ContainsFunc(table.Routes, isDefault)
			for _, a := range table.Associations {
				if aws.ToBool(a.Main) {
					main = out
				} else if subnet := aws.ToString(a.SubnetId); subnet != "" {
					own[subnet] = out
				}
			}
		}
	}
	var closed []string
	for _, subnet := range subnets {
		out, explicit := own[subnet]
		if !explicit {
			out = main
		}
		if !out {
			closed = append(closed, subnet)
		}
	}
	return closed, nil
}

// isDefault leaves out a blackhole, which is what is left of a NAT gateway that was deleted.
func isDefault(r types.Route) bool {
	return (aws.ToString(r.DestinationCidrBlock) == "0.0.0.0/0" || aws.ToString(r.DestinationIpv6CidrBlock) == "::/0") && r.State != types.RouteStateBlackhole
}

// Endpoints are the names of the services that a VPC has an available endpoint for, such as com.amazonaws.eu-west-1.sts.
//
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpoints.html
func (n Network) Endpoints(ctx context.Context, vpc string) ([]string, error) {
	var out []string
	pages := ec2.NewDescribeVpcEndpointsPaginator(n.ec2, &ec2.DescribeVpcEndpointsInput{Filters: ofVPC(vpc)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("endpoints of %s: %w", vpc, err)
		}
		for _, e := range page.VpcEndpoints {
			if e.State == types.StateAvailable || string(e.State) == "available" { // the API says it in either case
				out = append(out, aws.ToString(e.ServiceName))
			}
		}
	}
	return out, nil
}

func ofVPC(vpc string) []types.Filter {
	return []types.Filter{{Name: aws.String("vpc-id"), Values: []string{vpc}}}
}
