package accounttest

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// listing is how EC2 lists one kind of thing.
type listing struct {
	operation, list string // list is the member of the output
	id, ids         string // member of a thing, and of the input
	absent          string // code for an id that there is not
	filters         map[string]func(Values) []string
}

var listings = struct{ regions, vpcs, subnets, routeTables, endpoints listing }{
	regions: listing{
		operation: "DescribeRegions", list: "Regions", id: "RegionName", ids: "RegionNames", absent: "InvalidParameterValue",
		filters: map[string]func(Values) []string{
			"region-name": member("RegionName"), "opt-in-status": member("OptInStatus"), "endpoint": member("Endpoint"),
		},
	},
	vpcs: listing{
		operation: "DescribeVpcs", list: "Vpcs", id: "VpcId", ids: "VpcIds", absent: "InvalidVpcID.NotFound",
		filters: map[string]func(Values) []string{
			"vpc-id": member("VpcId"), "cidr": member("CidrBlock"), "is-default": member("IsDefault"), "state": member("State"), "owner-id": member("OwnerId"),
		},
	},
	subnets: listing{
		operation: "DescribeSubnets", list: "Subnets", id: "SubnetId", ids: "SubnetIds", absent: "InvalidSubnetID.NotFound",
		filters: map[string]func(Values) []string{
			"vpc-id": member("VpcId"), "subnet-id": member("SubnetId"), "availability-zone": member("AvailabilityZone"), "cidr-block": member("CidrBlock"),
			"map-public-ip-on-launch": member("MapPublicIpOnLaunch"), "state": member("State"), "owner-id": member("OwnerId"),
		},
	},
	routeTables: listing{
		operation: "DescribeRouteTables", list: "RouteTables", id: "RouteTableId", ids: "RouteTableIds", absent: "InvalidRouteTableID.NotFound",
		filters: map[string]func(Values) []string{
			"vpc-id": member("VpcId"), "route-table-id": member("RouteTableId"), "owner-id": member("OwnerId"),
			"association.main": within("Associations", "Main"), "association.subnet-id": within("Associations", "SubnetId"),
			"route.gateway-id": within("Routes", "GatewayId"), "route.nat-gateway-id": within("Routes", "NatGatewayId"),
			"route.destination-cidr-block": within("Routes", "DestinationCidrBlock"), "route.state": within("Routes", "State"),
		},
	},
	endpoints: listing{
		operation: "DescribeVpcEndpoints", list: "VpcEndpoints", id: "VpcEndpointId", ids: "VpcEndpointIds", absent: "InvalidVpcEndpointId.NotFound",
		filters: map[string]func(Values) []string{
			"vpc-id": member("VpcId"), "vpc-endpoint-id": member("VpcEndpointId"), "service-name": member("ServiceName"),
			"vpc-endpoint-state": member("State"), "vpc-endpoint-type": member("VpcEndpointType"),
		},
	},
}

func member(name string) func(Values) []string {
	return func(v Values) []string {
		if v[name] == nil {
			return nil
		}
		return []string{fmt.Sprint(v[name])}
	}
}

func within(list, name string) func(Values) []string {
	return func(v Values) (out []string) {
		inner, _ := v[list].([]Values)
		for _, one := range inner {
			out = append(out, member(name)(one)...)
		}
		return out
	}
}

// Serve has a network answered for, in place of the one before.
func (s *Server) Serve(n Network) {
	s.t.Helper()
	s.list(listings.regions, 0, valuesOf(n.Regions), func(c *Call, v Values) bool { return c.Input.Bool("AllRegions") || v["OptInStatus"] != "not-opted-in" })
	s.list(listings.vpcs, n.PageSize, valuesOf(n.VPCs), nil)
	s.list(listings.subnets, n.PageSize, valuesOf(n.Subnets), nil)
	s.list(listings.routeTables, n.PageSize, valuesOf(n.RouteTables), nil)
	s.list(listings.endpoints, n.PageSize, valuesOf(n.Endpoints), nil)
}

func valuesOf[T interface{ values() Values }](list []T) (out []Values) {
	for _, one := range list {
		out = append(out, one.values())
	}
	return out
}

// list answers an operation from things, by id and by filters, a page at a time. It is asked for ids first: EC2 refuses one that there is not even
// where a filter would leave it out.
func (s *Server) list(l listing, pageSize int, all []Values, shown func(*Call, Values) bool) {
	s.t.Helper()
	s.On("ec2", l.operation, func(c *Call) (Values, error) {
		ids := c.Input.Strings(l.ids)
		for _, id := range ids {
			if !slices.ContainsFunc(all, func(v Values) bool { return v[l.id] == id }) {
				return nil, &Error{Code: l.absent, Message: fmt.Sprintf("The %s '%s' does not exist", l.id, id)}
			}
		}
		var found []Values
		for _, one := range all {
			keep := (len(ids) == 0 || slices.Contains(ids, fmt.Sprint(one[l.id]))) && (shown == nil || shown(c, one))
			for _, filter := range c.Input.Structures("Filters") {
				matched, err := l.matches(one, filter)
				if err != nil {
					return nil, err
				}
				keep = keep && matched
			}
			if keep {
				found = append(found, one)
			}
		}
		page, next, err := pageOf(found, c.Input["MaxResults"], pageSize, c.Input.String("NextToken"))
		if err != nil {
			return nil, &Error{Code: "InvalidParameterValue", Message: err.Error()}
		}
		out := Values{l.list: page}
		if next != "" {
			out["NextToken"] = next
		}
		return out, nil
	})
}

// matches reports whether one of a filter's values is the thing's. A filter that this package does not have is the test's to notice: EC2 may have it.
func (l listing) matches(thing, filter Values) (bool, error) {
	name, of := filter.String("Name"), l.filters[filter.String("Name")]
	key, isTag := strings.CutPrefix(name, "tag:")
	if isTag {
		of = func(v Values) (out []string) {
			for _, tag := range v["Tags"].([]Values) {
				if tag["Key"] == key {
					out = append(out, tag.String("Value"))
				}
			}
			return out
		}
	}
	if of == nil {
		return false, fmt.Errorf("accounttest has no filter %s", name)
	}
	for _, have := range of(thing) {
		for _, want := range filter.Strings("Values") {
			if glob(want, have) {
				return true, nil
			}
		}
	}
	return false, nil
}

// glob is EC2's: * is any text, ? any character.
//
// Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
func glob(pattern, text string) bool {
	quoted := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile(`\A` + quoted + `\z`).MatchString(text)
}

// pageOf is a part of a list, of as many as the call or the server says, and the token of the next one: "" where there is none.
func pageOf[T any](all []T, asked any, otherwise int, token string) (page []T, next string, err error) {
	size, ok := asked.(int)
	if !ok {
		size = otherwise
	}
	from := 0
	if token != "" {
		text, err := base64.RawURLEncoding.DecodeString(token)
		if from, ok = number(string(text)); err != nil || !ok || from > len(all) {
			return nil, "", fmt.Errorf("invalid value '%s' for nextToken", token)
		}
	}
	to := len(all)
	if size > 0 && from+size < to {
		to = from + size
		next = base64.RawURLEncoding.EncodeToString([]byte("from " + strconv.Itoa(to)))
	}
	return append([]T{}, all[from:to]...), next, nil
}

func number(text string) (int, bool) {
	digits, ok := strings.CutPrefix(text, "from ")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n >= 0
}
