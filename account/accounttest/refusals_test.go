package accounttest_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"github.com/podpass/podpass/account/accounttest"
)

// watched is a test whose failures are what is tested.
type watched struct {
	testing.TB
	mu    sync.Mutex
	found []string
}

func (w *watched) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.found = append(w.found, fmt.Sprintf(format, args...))
}

// once has every client try once.
func once(s *accounttest.Server) aws.Config {
	config := s.Config()
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return config
}

type values = accounttest.Values

// The fake does not say what AWS could not: the test that has it do so fails.
func TestUnsayable(t *testing.T) {
	role := func(change func(values)) values {
		out := values{"Path": "/", "RoleName": "web", "RoleId": "AROADBQP57FF2AEXAMPLE", "Arn": "arn:aws:iam::111122223333:role/web", "CreateDate": noon}
		change(out)
		return values{"Role": out}
	}
	for name, c := range map[string]struct {
		output values
		err    error
		want   string
	}{
		"nothing is wrong":         {output: role(func(values) {})},
		"a member of none":         {output: role(func(v values) { v["Owner"] = "me" }), want: "GetRoleResponse.Role.Owner is no member of Role"},
		"no required member":       {output: role(func(v values) { delete(v, "Arn") }), want: "'GetRoleResponse.role.arn' failed to satisfy constraint: Member must not be null"},
		"no role":                  {want: "'GetRoleResponse.role' failed to satisfy constraint: Member must not be null"},
		"text for a time":          {output: role(func(v values) { v["CreateDate"] = "today" }), want: "GetRoleResponse.Role.CreateDate is a string, which is no timestamp"},
		"more than 32 bits":        {output: role(func(v values) { v["MaxSessionDuration"] = int64(math.MaxInt32) + 1 }), want: "MaxSessionDuration is a int64, which is no integer"},
		"a structure for a list":   {output: role(func(v values) { v["Tags"] = values{"Key": "a"} }), want: "Tags is a accounttest.Values, which is no list"},
		"what breaks a pattern":    {output: role(func(v values) { v["RoleName"] = "a b" }), want: `pattern: [\w+=,.@-]+`},
		"an error of another's":    {err: &accounttest.Error{Code: "ResourceNotFoundException"}, want: "the operation has no error ResourceNotFoundException"},
		"an error of all":          {err: &accounttest.Error{Code: "ExpiredToken"}},
		"an error of its own":      {err: &accounttest.Error{Code: "NoSuchEntity"}},
		"an error that is no code": {err: errors.New("out of luck"), want: "out of luck"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &watched{TB: t}
			s := accounttest.Start(w)
			s.On("iam", "GetRole", func(*accounttest.Call) (values, error) { return c.output, c.err })
			_, err := iam.NewFromConfig(once(s)).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("web")})
			if c.err != nil && err == nil {
				t.Error("the client has no error")
			}
			if got := strings.Join(w.found, "\n"); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("said of it: %q, want %q", got, c.want)
			}
		})
	}
}

// What a client sends and the model does not have fails the test too, whatever its protocol.
func TestUnread(t *testing.T) {
	for _, c := range []struct{ service, operation, method, path, body, want string }{
		{"ec2", "DescribeVpcs", "POST", "/", "Action=DescribeVpcs&Version=2016-11-15&Vpc.1=a", "Vpc is no parameter of DescribeVpcsRequest"},
		{"ec2", "DescribeVpcs", "POST", "/", "Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=a&Filter.1.Value=b&Filter.1.Value.x=b", "Filter.1.Value.x is no member of a list"},
		{"iam", "GetRole", "POST", "/", "Action=GetRole&Version=2010-05-08&RoleName.1=a", "RoleName.1 is within a string"},
		{"iam", "TagRole", "POST", "/", "Action=TagRole&Version=2010-05-08&RoleName=a&Tags.1.Key=a", "Tags.1 is no member"},
		{"iam", "ListRoles", "POST", "/", "Action=ListRoles&Version=2010-05-08&MaxItems=many", "MaxItems: "},
		{"eks", "TagResource", "POST", "/tags/arn", `{"tags":{"a":"b"},"more":1}`, "more is no member of TagResourceRequest"},
		{"eks", "TagResource", "POST", "/tags/arn", `{"tags":{"a":1}}`, "tags.a is 1, which is no string"},
		{"eks", "TagResource", "POST", "/tags/arn?x=y", `{"tags":{}}`, "x is no query parameter of TagResourceRequest"},
		{"eks", "TagResource", "POST", "/tags/arn", `{"tags"`, "the body is no JSON"},
	} {
		w := &watched{TB: t}
		s := accounttest.Start(w)
		s.On(c.service, c.operation, func(*accounttest.Call) (values, error) { return nil, nil })
		header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {scope(c.service)}}
		send(t, c.method, s.URL+c.path, c.body, header)
		if got := strings.Join(w.found, "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: said of it: %q, want %q", c.body, got, c.want)
		}
	}
}

// Inputs outside the model's constraints, and errors of handlers, are answered as the service does.
func TestAnswered(t *testing.T) {
	s := accounttest.Start(t)
	s.Serve(network)
	s.ServeClusters()
	s.On("iam", "CreateRole", func(*accounttest.Call) (values, error) {
		return nil, &accounttest.Error{Code: "EntityAlreadyExists", Message: "there <is> one"}
	})
	e, k, i := ec2.NewFromConfig(once(s)), eks.NewFromConfig(once(s)), iam.NewFromConfig(once(s))
	ctx := context.Background()
	long := strings.Repeat("a", 65)
	for name, c := range map[string]struct {
		call   func() error
		status int
		want   string // code and message
	}{
		"ec2 value": {func() error {
			_, err := e.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{MaxResults: aws.Int32(1)})
			return err
		}, 400, "InvalidParameterValue: Value (1) for parameter maxResults is invalid. It must have value greater than or equal to 5."},
		"ec2 absent": {func() error {
			_, err := e.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{"subnet-x"}})
			return err
		}, 400, "InvalidSubnetID.NotFound: The SubnetId 'subnet-x' does not exist"},
		"ec2 token": {func() error {
			_, err := e.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{NextToken: aws.String("x")})
			return err
		}, 400, "InvalidParameterValue: invalid value 'x' for nextToken"},
		"ec2 unknown": {func() error { _, err := e.DescribeImages(ctx, &ec2.DescribeImagesInput{}); return err }, 400, "InvalidAction: The action DescribeImages is not valid for this web service."},
		"iam value": {func() error {
			_, err := i.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &long, AssumeRolePolicyDocument: aws.String("{}")})
			return err
		}, 400, "ValidationError: 1 validation error detected: Value '" + long + "' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		"iam conflict": {func() error {
			_, err := i.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("web"), AssumeRolePolicyDocument: aws.String("{}")})
			return err
		}, 409, "EntityAlreadyExists: there <is> one"},
		"iam unknown": {func() error { _, err := i.ListRoles(ctx, &iam.ListRolesInput{}); return err }, 400, "InvalidAction: Could not find operation ListRoles for version 2010-05-08"},
		"eks absent": {func() error {
			_, err := k.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: aws.String("x")})
			return err
		}, 404, "ResourceNotFoundException: No cluster found for name: x."},
		"eks value": {func() error {
			_, err := k.ListClusters(ctx, &eks.ListClustersInput{MaxResults: aws.Int32(101)})
			return err
		}, 400, "InvalidParameterException: Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100"},
		"eks unknown": {func() error {
			_, err := k.ListAddons(ctx, &eks.ListAddonsInput{ClusterName: aws.String("x")})
			return err
		}, 404, "UnknownOperationException: UnknownError"},
	} {
		err := c.call()
		said, ok := errors.AsType[smithy.APIError](err)
		if !ok {
			t.Errorf("%s: %v", name, err)
			continue
		}
		response, _ := errors.AsType[*awshttp.ResponseError](err)
		if got := said.ErrorCode() + ": " + said.ErrorMessage(); response.HTTPStatusCode() != c.status || got != c.want {
			t.Errorf("%s: %d %s, want %d %s", name, response.HTTPStatusCode(), got, c.status, c.want)
		}
	}
	calls := s.Calls("eks:ListAddons")
	if len(calls) != 1 || calls[0].Answer != "UnknownOperationException" || calls[0].Input.String("clusterName") != "x" {
		t.Errorf("what nobody answers is recorded as %+v", calls)
	}
}

func TestFilters(t *testing.T) {
	w := &watched{TB: t}
	s := accounttest.Start(w)
	s.Serve(network)
	ask := func(parameters string) string {
		_, _, body := send(t, http.MethodPost, s.URL, "Version=2016-11-15&Action=Describe"+parameters, http.Header{
			"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {scope("ec2")},
		})
		return body
	}
	for asked, want := range map[string]string{
		"Subnets&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-2":                                           "subnet-e",
		"Subnets&Filter.1.Name=tag:kubernetes.io/role/elb&Filter.1.Value.1=1":                           "subnet-d",
		"Subnets&SubnetId.1=subnet-a&SubnetId.2=subnet-e":                                               "subnet-a subnet-e",
		"Subnets&Filter.1.Name=availability-zone&Filter.1.Value.1=us-west-?b":                           "subnet-e",
		"Subnets&Filter.1.Name=subnet-id&Filter.1.Value.1=*-a&Filter.1.Value.2=*-b":                     "subnet-a subnet-b",
		"Subnets&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&Filter.2.Name=state&Filter.2.Value.1=none": "",
		"Vpcs&Filter.1.Name=tag:Name&Filter.1.Value.1=one":                                              "vpc-1",
		"RouteTables&Filter.1.Name=association.subnet-id&Filter.1.Value.1=subnet-c":                     "rtb-3",
		"RouteTables&Filter.1.Name=association.main&Filter.1.Value.1=true":                              "rtb-2 rtb-5",
		"VpcEndpoints&Filter.1.Name=service-name&Filter.1.Value.1=*.sts":                                "vpce-2",
		"Regions": "us-west-2 eu-south-2",
		"Regions&AllRegions=true&Filter.1.Name=opt-in-status&Filter.1.Value.1=not-opted-in":               "ap-east-1",
		"RouteTables&Filter.1.Name=route.destination-cidr-block&Filter.1.Value.1=0.0.0.0/0&MaxResults=10": "rtb-1 rtb-3",
	} {
		kind, _, _ := strings.Cut(asked, "&")
		element := map[string]string{"Subnets": "subnetId", "Vpcs": "vpcId", "RouteTables": "routeTableId", "VpcEndpoints": "vpcEndpointId", "Regions": "regionName"}[kind]
		var got []string
		for i, part := range strings.Split(ask(asked), "<"+element+">") {
			id, _, _ := strings.Cut(part, "<")
			if i > 0 && (len(got) == 0 || got[len(got)-1] != id) { // a route table's associations say its id again
				got = append(got, id)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", asked, got, want)
		}
	}
	ask("Vpcs&Filter.1.Name=dhcp-options-id&Filter.1.Value.1=x")
	if len(w.found) != 1 || !strings.Contains(w.found[0], "accounttest has no filter dhcp-options-id") {
		t.Errorf("said of a filter that there is not: %q", w.found)
	}
}
