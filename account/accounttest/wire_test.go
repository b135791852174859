package accounttest_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/account/accounttest"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// taken remembers the input of the last call that it answers with what it was made with.
func taken(into *accounttest.Values, answer accounttest.Values) accounttest.Handler {
	return func(c *accounttest.Call) (accounttest.Values, error) {
		*into = c.Input
		return answer, nil
	}
}

func TestEC2(t *testing.T) {
	s, in := accounttest.Start(t), accounttest.Values{}
	s.On("ec2", "DescribeInstances", taken(&in, accounttest.Values{"Reservations": []accounttest.Values{{"Instances": []map[string]any{{
		"InstanceId": "i-1", "InstanceType": ec2types.InstanceTypeM5Large, "AmiLaunchIndex": int64(3), "EbsOptimized": aws.Bool(true), "LaunchTime": noon,
		"MetadataOptions": accounttest.Values{"HttpPutResponseHopLimit": 2, "HttpTokens": "required"},
		"Tags":            []accounttest.Values{{"Key": "<Name>", "Value": "a & b"}},
		"SubnetId":        nil,
	}}}}}))
	out, err := ec2.NewFromConfig(s.Config()).DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{
		InstanceIds: []string{"i-1", "i-2"}, MaxResults: aws.Int32(7), DryRun: aws.Bool(false),
		Filters: []ec2types.Filter{{Name: aws.String("tag:a.b"), Values: []string{"x", "y"}}, {Name: aws.String("vpc-id"), Values: []string{"vpc-1"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := out.Reservations[0].Instances[0]
	if *got.InstanceId != "i-1" || got.InstanceType != "m5.large" || *got.AmiLaunchIndex != 3 || !*got.EbsOptimized || !got.LaunchTime.Equal(noon) ||
		*got.MetadataOptions.HttpPutResponseHopLimit != 2 || *got.Tags[0].Key != "<Name>" || *got.Tags[0].Value != "a & b" || got.SubnetId != nil {
		t.Errorf("the instance is %+v", got)
	}
	want := accounttest.Values{
		"InstanceIds": []any{"i-1", "i-2"}, "MaxResults": 7, "DryRun": false,
		"Filters": []any{accounttest.Values{"Name": "tag:a.b", "Values": []any{"x", "y"}}, accounttest.Values{"Name": "vpc-id", "Values": []any{"vpc-1"}}},
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
	// An operation without output.
	s.On("ec2", "DeleteSubnet", taken(&in, nil))
	if _, err := ec2.NewFromConfig(s.Config()).DeleteSubnet(t.Context(), &ec2.DeleteSubnetInput{SubnetId: aws.String("subnet-a")}); err != nil || in.String("SubnetId") != "subnet-a" {
		t.Errorf("deleting %v: %v", in, err)
	}
}

func TestEKS(t *testing.T) {
	s, in := accounttest.Start(t), accounttest.Values{}
	client := eks.NewFromConfig(s.Config())
	s.On("eks", "CreatePodIdentityAssociation", taken(&in, accounttest.Values{"association": accounttest.Values{
		"clusterName": "shop", "associationId": "a-1", "targetRoleArn": "arn:aws:iam::111122223333:role/target", "disableSessionTags": true,
		"createdAt": noon.Add(250 * time.Millisecond), "tags": map[string]string{"a": "b"},
	}}))
	out, err := client.CreatePodIdentityAssociation(t.Context(), &eks.CreatePodIdentityAssociationInput{
		ClusterName: aws.String("shop"), Namespace: aws.String("shop"), ServiceAccount: aws.String("web"), RoleArn: aws.String("arn"),
		TargetRoleArn: aws.String("target"), DisableSessionTags: aws.Bool(true), ClientRequestToken: aws.String("once"), Tags: map[string]string{"x": "y"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Association; *got.AssociationId != "a-1" || !*got.DisableSessionTags || !got.CreatedAt.Equal(noon.Add(250*time.Millisecond)) || got.Tags["a"] != "b" {
		t.Errorf("the association is %+v", got)
	}
	want := accounttest.Values{
		"clusterName": "shop", "namespace": "shop", "serviceAccount": "web", "roleArn": "arn", "targetRoleArn": "target", "disableSessionTags": true,
		"clientRequestToken": "once", "tags": accounttest.Values{"x": "y"},
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
	// A label with slashes in it, and a list in the query.
	s.On("eks", "UntagResource", taken(&in, nil))
	arn := "arn:aws:eks:us-west-2:111122223333:cluster/shop"
	if _, err := client.UntagResource(t.Context(), &eks.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a", "b&c"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(accounttest.Values{"resourceArn": arn, "tagKeys": []any{"a", "b&c"}}, in); diff != "" {
		t.Error(diff)
	}
}

func TestIAM(t *testing.T) {
	s, in := accounttest.Start(t), accounttest.Values{}
	client := iam.NewFromConfig(s.Config())
	s.On("iam", "CreateRole", taken(&in, accounttest.Values{"Role": accounttest.Values{
		"Path": "/", "RoleName": "web", "RoleId": "AROADBQP57FF2AEXAMPLE", "Arn": "arn:aws:iam::111122223333:role/web", "CreateDate": noon,
	}}))
	out, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("web"), AssumeRolePolicyDocument: aws.String(`{"Statement":[]}`), MaxSessionDuration: aws.Int32(3600),
		Tags: []iamtypes.Tag{{Key: aws.String("a"), Value: aws.String("b.c=d+e")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if *out.Role.RoleName != "web" || !out.Role.CreateDate.Equal(noon) {
		t.Errorf("the role is %+v", out.Role)
	}
	want := accounttest.Values{
		"RoleName": "web", "AssumeRolePolicyDocument": `{"Statement":[]}`, "MaxSessionDuration": 3600,
		"Tags": []any{accounttest.Values{"Key": "a", "Value": "b.c=d+e"}},
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Error(diff)
	}
	// A map in the answer, and no answer at all.
	s.On("iam", "GetAccountSummary", taken(&in, accounttest.Values{"SummaryMap": map[string]int{"AssumeRolePolicySizeQuota": 4096}}))
	if out, err := client.GetAccountSummary(t.Context(), &iam.GetAccountSummaryInput{}); err != nil || out.SummaryMap["AssumeRolePolicySizeQuota"] != 4096 {
		t.Errorf("the summary is %v, %v", out, err)
	}
	s.On("iam", "DeleteRole", taken(&in, nil))
	if _, err := client.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("web")}); err != nil {
		t.Error(err)
	}
}

// Calls that nobody signed are told by what they ask for, and so are those whose signature is in their address.
func TestSTS(t *testing.T) {
	s, in := accounttest.Start(t), accounttest.Values{}
	s.On("sts", "AssumeRoleWithWebIdentity", taken(&in, accounttest.Values{"Credentials": accounttest.Values{
		"AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "secret", "SessionToken": "token", "Expiration": noon,
	}}))
	config := s.Config()
	config.Credentials = aws.AnonymousCredentials{}
	out, err := sts.NewFromConfig(config).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String("arn:aws:iam::111122223333:role/web"), RoleSessionName: aws.String("web"), WebIdentityToken: aws.String("abcd"),
	})
	if err != nil || *out.Credentials.SessionToken != "token" || in.String("WebIdentityToken") != "abcd" {
		t.Errorf("the exchange of %v is %+v, %v", in, out, err)
	}
	signed, err := sts.NewPresignClient(sts.NewFromConfig(s.Config())).PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	status, _, body := send(t, http.MethodGet, signed.URL, "", nil)
	if status != http.StatusOK || !strings.Contains(body, "<Arn>"+accounttest.Caller+"</Arn>") {
		t.Errorf("a call by its address: %d %s", status, body)
	}
	if call := s.Calls()[1]; call.AccessKeyID != "AKIAIOSFODNN7EXAMPLE" || call.Region != accounttest.Region {
		t.Errorf("it was %+v", call)
	}
}

// ECR speaks JSON, whose operation is in a header, and its refusals are all 400.
func TestJSON(t *testing.T) {
	s := accounttest.Start(t)
	s.On("ecr", "DescribeRepositories", func(c *accounttest.Call) (accounttest.Values, error) {
		if names := c.Input.Strings("repositoryNames"); len(names) != 1 || names[0] != "web" {
			return nil, &accounttest.Error{Code: "RepositoryNotFoundException", Message: "gone"}
		}
		return accounttest.Values{"repositories": []accounttest.Values{{"repositoryName": "web", "createdAt": noon}}}, nil
	})
	for _, c := range []struct {
		operation, body string
		status          int
		want            string
	}{
		{"DescribeRepositories", `{"repositoryNames":["web"],"maxResults":3}`, 200, `{"repositories":[{"createdAt":1767355200.000,"repositoryName":"web"}]}`},
		{"DescribeRepositories", `{"repositoryNames":["api"]}`, 400, `{"__type":"RepositoryNotFoundException","message":"gone"}`},
		{"DescribeRepositories", `{"maxResults":0}`, 400, `{"__type":"InvalidParameterException","message":"Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1"}`},
		{"ListImages", `{}`, 400, `{"__type":"UnknownOperationException","message":""}`},
	} {
		status, header, body := send(t, http.MethodPost, s.URL, c.body, http.Header{
			"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"AmazonEC2ContainerRegistry_V20150921." + c.operation}, "Authorization": {scope("ecr")},
		})
		if status != c.status || body != c.want || header.Get("Content-Type") != "application/x-amz-json-1.1" {
			t.Errorf("%s %s: %d %s", c.operation, c.body, status, body)
		}
	}
}

// One more service is a line: load balancers, whose API has nothing here but its model.
func TestLoadBalancers(t *testing.T) {
	s := accounttest.Start(t)
	s.On("elasticloadbalancing", "DescribeLoadBalancers", func(c *accounttest.Call) (accounttest.Values, error) {
		return accounttest.Values{"LoadBalancers": []accounttest.Values{{"LoadBalancerName": c.Input.Strings("Names")[1]}}}, nil
	})
	form := url.Values{"Action": {"DescribeLoadBalancers"}, "Version": {"2015-12-01"}, "Names.member.1": {"a"}, "Names.member.2": {"b"}}
	status, _, body := send(t, http.MethodPost, s.URL, form.Encode(), http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {scope("elasticloadbalancing")},
	})
	want := "<LoadBalancers><member><LoadBalancerName>b</LoadBalancerName></member></LoadBalancers>"
	if status != http.StatusOK || !strings.Contains(body, want) {
		t.Errorf("%d %s", status, body)
	}
}

func scope(service string) string {
	return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260102/us-west-2/" + service + "/aws4_request, SignedHeaders=host, Signature=00"
}

func send(t *testing.T, method, address, body string, header http.Header) (status int, _ http.Header, _ string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}
