package accounttest

import "strings"

// Network is what EC2 has of an account, in every region.
type Network struct {
	Regions     []NetworkRegion
	VPCs        []VPC
	Subnets     []Subnet
	RouteTables []RouteTable
	Endpoints   []Endpoint

	PageSize int // of lists, where a call does not say; 0 is no pages
}

// NetworkRegion is one of the partition's.
type NetworkRegion struct {
	Name  string
	OptIn string // "opted-in", "not-opted-in"; "" is "opt-in-not-required"
}

// VPC is a network.
type VPC struct {
	ID, CIDR string // CIDR "" is 10.0.0.0/16
	Default  bool
	Tags     map[string]string
}

// Subnet is a part of a VPC in one zone.
type Subnet struct {
	ID, VPC    string
	Zone, CIDR string // "" is the first zone of Region, and 10.0.0.0/24
	Public     bool   // what is launched in it gets a public address
	Tags       map[string]string
}

// RouteTable is where the traffic of subnets goes.
type RouteTable struct {
	ID, VPC string
	Main    bool     // for subnets that have none of their own
	Subnets []string // that have this one of their own
	Routes  []Route
}

// Route is an entry of a route table.
type Route struct {
	To        string // CIDR of either family, or a prefix list, pl-…
	Via       string // "local", or an id: igw-, eigw-, nat-, vgw-, tgw-, pcx-, eni-, vpce-
	Blackhole bool   // its target is gone
}

// Endpoint is a VPC's way to a service that does not leave AWS.
type Endpoint struct {
	ID, VPC, Service string   // Service is "com.amazonaws.us-west-2.sts"
	State            string   // "" is "available", in the case in which EC2 answers it
	Subnets          []string // of an interface endpoint
	RouteTables      []string // of a gateway endpoint
}

func (r NetworkRegion) values() Values {
	state := r.OptIn
	if state == "" {
		state = "opt-in-not-required"
	}
	return Values{"RegionName": r.Name, "Endpoint": "ec2." + r.Name + ".amazonaws.com", "OptInStatus": state}
}

func (v VPC) values() Values {
	return Values{
		"VpcId": v.ID, "CidrBlock": orElse(v.CIDR, "10.0.0.0/16"), "IsDefault": v.Default, "State": "available", "OwnerId": Account,
		"InstanceTenancy": "default", "DhcpOptionsId": "dopt-0123456789abcdef0", "Tags": tags(v.Tags),
	}
}

func (s Subnet) values() Values {
	return Values{
		"SubnetId": s.ID, "VpcId": s.VPC, "AvailabilityZone": orElse(s.Zone, Region+"a"), "CidrBlock": orElse(s.CIDR, "10.0.0.0/24"),
		"MapPublicIpOnLaunch": s.Public, "State": "available", "OwnerId": Account, "AvailableIpAddressCount": 251, "Tags": tags(s.Tags),
		"SubnetArn": "arn:aws:ec2:" + Region + ":" + Account + ":subnet/" + s.ID,
	}
}

func (t RouteTable) values() Values {
	associations, routes := []Values{}, []Values{}
	associate := func(subnet string) {
		a := Values{
			"RouteTableAssociationId": "rtbassoc-" + strings.TrimPrefix(t.ID, "rtb-") + subnet, "RouteTableId": t.ID, "Main": subnet == "",
			"AssociationState": Values{"State": "associated"},
		}
		if subnet != "" {
			a["SubnetId"] = subnet
		}
		associations = append(associations, a)
	}
	if t.Main {
		associate("")
	}
	for _, subnet := range t.Subnets {
		associate(subnet)
	}
	for _, r := range t.Routes {
		routes = append(routes, r.values())
	}
	return Values{"RouteTableId": t.ID, "VpcId": t.VPC, "OwnerId": Account, "Associations": associations, "Routes": routes, "Tags": tags(nil)}
}

// targets are the members that a route's target is in, by the kind of its id. Whatever else there is is in GatewayId, as a VPC's own network is.
var targets = map[string]string{
	"eigw": "EgressOnlyInternetGatewayId", "nat": "NatGatewayId", "tgw": "TransitGatewayId", "pcx": "VpcPeeringConnectionId", "eni": "NetworkInterfaceId",
}

func (r Route) values() Values {
	to := "DestinationCidrBlock"
	switch {
	case strings.HasPrefix(r.To, "pl-"):
		to = "DestinationPrefixListId"
	case strings.Contains(r.To, ":"):
		to = "DestinationIpv6CidrBlock"
	}
	kind, _, _ := strings.Cut(r.Via, "-")
	out := Values{to: r.To, orElse(targets[kind], "GatewayId"): r.Via, "Origin": "CreateRoute", "State": "active"}
	if r.Via == "local" {
		out["Origin"] = "CreateRouteTable"
	}
	if r.Blackhole {
		out["State"] = "blackhole"
	}
	return out
}

func (e Endpoint) values() Values {
	kind := "Interface"
	if len(e.RouteTables) > 0 {
		kind = "Gateway"
	}
	return Values{
		"VpcEndpointId": e.ID, "VpcId": e.VPC, "ServiceName": e.Service, "State": orElse(e.State, "available"), "VpcEndpointType": kind, "OwnerId": Account,
		"SubnetIds": e.Subnets, "RouteTableIds": e.RouteTables, "PrivateDnsEnabled": kind == "Interface", "Tags": tags(nil),
	}
}

func tags(of map[string]string) []Values {
	out := []Values{}
	for _, key := range sorted(of) {
		out = append(out, Values{"Key": key, "Value": of[key]})
	}
	return out
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
