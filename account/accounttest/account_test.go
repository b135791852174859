package accounttest_test

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/account/accounttest"
)

// quick leaves a test to the fake's speed.
var quick = account.Rates{IAMRead: 1000, IAMWrite: 1000, EKSRead: 1000, EKSWrite: 1000, STS: 1000, EC2: 1000}

func connect(t *testing.T, s *accounttest.Server, o account.Options) *account.Account {
	t.Helper()
	if o.Rates == (account.Rates{}) {
		o.Rates = quick
	}
	a, err := account.Connect(t.Context(), s.Config(), o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestConnect(t *testing.T) {
	s := accounttest.Start(t)
	a := connect(t, s, account.Options{})
	if a.ID != accounttest.Account || a.Partition != "aws" || a.Region != accounttest.Region || a.Caller != accounttest.Caller {
		t.Errorf("the account is %s of %s in %s, as %s", a.ID, a.Partition, a.Region, a.Caller)
	}
	call := s.Calls()[0]
	if call.Service != "sts" || call.Operation != "GetCallerIdentity" || call.Region != accounttest.Region || call.AccessKeyID != "AKIAIOSFODNN7EXAMPLE" || call.Answer != "200" || call.Mutates() {
		t.Errorf("the call was %+v", call)
	}
}

// network has a way out of subnet-a by its own table, of subnet-b by the main one; subnet-c's NAT gateway is gone, subnet-d has none.
var network = accounttest.Network{
	Regions: []accounttest.NetworkRegion{{Name: "us-west-2"}, {Name: "eu-south-2", OptIn: "opted-in"}, {Name: "ap-east-1", OptIn: "not-opted-in"}},
	VPCs:    []accounttest.VPC{{ID: "vpc-1", Tags: map[string]string{"Name": "one"}}, {ID: "vpc-2"}},
	Subnets: []accounttest.Subnet{
		{ID: "subnet-a", VPC: "vpc-1"},
		{ID: "subnet-b", VPC: "vpc-1", Public: true},
		{ID: "subnet-c", VPC: "vpc-1"},
		{ID: "subnet-d", VPC: "vpc-1", Tags: map[string]string{"kubernetes.io/role/elb": "1"}},
		{ID: "subnet-e", VPC: "vpc-2", Zone: "us-west-2b"},
	},
	RouteTables: []accounttest.RouteTable{
		{ID: "rtb-1", VPC: "vpc-1", Subnets: []string{"subnet-a"}, Routes: []accounttest.Route{{To: "10.0.0.0/16", Via: "local"}, {To: "0.0.0.0/0", Via: "nat-1"}}},
		{ID: "rtb-2", VPC: "vpc-1", Main: true, Routes: []accounttest.Route{{To: "::/0", Via: "eigw-1"}}},
		{ID: "rtb-3", VPC: "vpc-1", Subnets: []string{"subnet-c"}, Routes: []accounttest.Route{{To: "0.0.0.0/0", Via: "nat-2", Blackhole: true}}},
		{ID: "rtb-4", VPC: "vpc-1", Subnets: []string{"subnet-d"}, Routes: []accounttest.Route{{To: "pl-1", Via: "vpce-1"}}},
		{ID: "rtb-5", VPC: "vpc-2", Main: true},
	},
	Endpoints: []accounttest.Endpoint{
		{ID: "vpce-1", VPC: "vpc-1", Service: "com.amazonaws.us-west-2.s3", RouteTables: []string{"rtb-4"}},
		{ID: "vpce-2", VPC: "vpc-1", Service: "com.amazonaws.us-west-2.sts", State: "Available", Subnets: []string{"subnet-d"}},
		{ID: "vpce-3", VPC: "vpc-1", Service: "com.amazonaws.us-west-2.eks-auth", State: "pending"},
		{ID: "vpce-4", VPC: "vpc-2", Service: "com.amazonaws.us-west-2.ec2"},
	},
}

func TestNetwork(t *testing.T) {
	for name, pageSize := range map[string]int{"whole": 0, "in pages": 1} {
		t.Run(name, func(t *testing.T) {
			s := accounttest.Start(t)
			paged := network
			paged.PageSize = pageSize
			s.Serve(paged)
			n := connect(t, s, account.Options{}).Network()
			closed, err := n.WithoutDefaultRoute(t.Context(), "vpc-1", []string{"subnet-a", "subnet-b", "subnet-c", "subnet-d"})
			if diff := cmp.Diff([]string{"subnet-c", "subnet-d"}, closed); err != nil || diff != "" {
				t.Errorf("without a way out: %v %s", err, diff)
			}
			endpoints, err := n.Endpoints(t.Context(), "vpc-1")
			if diff := cmp.Diff([]string{"com.amazonaws.us-west-2.s3", "com.amazonaws.us-west-2.sts"}, endpoints); err != nil || diff != "" {
				t.Errorf("endpoints: %v %s", err, diff)
			}
			pages := map[int]int{0: 1, 1: 4}[pageSize]
			if got := len(s.Calls("ec2:DescribeRouteTables")); got != pages {
				t.Errorf("the route tables took %d calls, want %d", got, pages)
			}
		})
	}
}

func TestRegion(t *testing.T) {
	s := accounttest.Start(t)
	s.Serve(network)
	n := connect(t, s, account.Options{}).Network()
	for name, want := range map[string]account.Region{
		"us-west-2":  {Name: "us-west-2", In: true},
		"eu-south-2": {Name: "eu-south-2", OptIn: true, In: true},
		"ap-east-1":  {Name: "ap-east-1", OptIn: true},
	} {
		got, err := n.Region(t.Context(), name)
		if err != nil || *got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := n.Region(t.Context(), "xx-none-1"); !account.Refused(err, "InvalidParameterValue") {
		t.Errorf("a region that there is not: %v", err)
	}
	undo := s.Deny("ec2", "DescribeRegions")
	if _, err := n.Region(t.Context(), "us-west-2"); !account.Denied(err) {
		t.Errorf("denied, the region is %v", err)
	}
	undo()
	if _, err := n.Region(t.Context(), "us-west-2"); err != nil {
		t.Errorf("the denial is undone, and the region is %v", err)
	}
}

func TestClusters(t *testing.T) {
	s := accounttest.Start(t)
	clusters := []accounttest.Cluster{{Name: "elsewhere", Region: "eu-west-1"}}
	for i := range 150 {
		clusters = append(clusters, accounttest.Cluster{Name: "cluster-" + strconv.Itoa(i), Issuer: "none"})
	}
	shop := accounttest.Cluster{
		Name: "shop", Issuer: "https://oidc.example.test/shop", Endpoint: "https://shop.example.test", Version: "1.31", PlatformVersion: "eks.4",
		VPC: "vpc-1", Subnets: []string{"subnet-a"}, PrivateAccess: true, AutoMode: true,
	}
	s.ServeClusters(append(clusters, shop)...)
	a := connect(t, s, account.Options{})
	want := &account.Cluster{
		Name: "shop", ARN: shop.ARN(), Issuer: shop.Issuer, Endpoint: shop.Endpoint, Version: "1.31", PlatformVersion: "eks.4", VPC: "vpc-1",
		Subnets: []string{"subnet-a"}, PublicEndpoint: true, PrivateEndpoint: true, AutoMode: true,
	}
	got, err := a.Clusters().Find(t.Context(), "shop", shop.Issuer)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("by its name: %v %s", err, diff)
	}
	if got, err = a.Clusters().Find(t.Context(), "cluster-3", shop.Issuer); err != nil || got.Name != "shop" {
		t.Errorf("by its issuer: %v, %v", got, err)
	}
	if n := len(s.Calls("eks:ListClusters")); n != 2 {
		t.Errorf("151 clusters were listed in %d calls", n)
	}
	if _, err := a.Clusters().Describe(t.Context(), "elsewhere"); !errors.Is(err, account.ErrNoCluster) {
		t.Errorf("another region's cluster: %v", err)
	}
	s.ServeClusters(accounttest.Cluster{Name: "edge", Outpost: true})
	if got, err := a.Clusters().Describe(t.Context(), "edge"); err != nil || !got.Outpost || got.AutoMode || got.Version == "" {
		t.Errorf("served anew: %+v, %v", got, err)
	}
}

// Calls keep to the rate, but for a first burst of half of it, by when the fake saw them.
func TestRates(t *testing.T) {
	s := accounttest.Start(t)
	s.Serve(network)
	const rate, n = 20.0, 22
	rates := quick
	rates.EC2 = rate
	a := connect(t, s, account.Options{Rates: rates})
	started := time.Now()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := a.Network().Region(t.Context(), "us-west-2"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	calls := s.Calls("ec2")
	if len(calls) != n {
		t.Fatalf("%d calls came", len(calls))
	}
	took, burst := calls[n-1].Time.Sub(started), rate/2
	if least := time.Duration((n - burst) / rate * float64(time.Second)); took < least {
		t.Errorf("%d calls came within %v, the rate allows them within %v", n, took, least)
	}
}

func TestThrottled(t *testing.T) {
	s := accounttest.Start(t)
	s.Serve(network)
	s.ServeClusters(accounttest.Cluster{Name: "shop"})
	s.On("iam", "GetRole", func(*accounttest.Call) (accounttest.Values, error) {
		return nil, &accounttest.Error{Code: "NoSuchEntity", Message: "The role with name web cannot be found."}
	})
	var told []string
	a := connect(t, s, account.Options{Waited: func(said string, wait time.Duration) { told = append(told, said) }})
	s.Throttle("ec2", "DescribeRegions", 1)
	s.Throttle("eks", "*", 1)
	s.Throttle("iam", "GetRole", 1)
	if _, err := a.Network().Region(t.Context(), "us-west-2"); err != nil {
		t.Error(err)
	}
	if _, err := a.Clusters().Describe(t.Context(), "shop"); err != nil {
		t.Error(err)
	}
	if role, err := a.Roles().Get(t.Context(), "web"); role != nil || err != nil {
		t.Errorf("the role is %v, %v", role, err)
	}
	if len(told) != 3 {
		t.Errorf("told of %d waits: %q", len(told), told)
	}
	var answers []string
	for _, call := range s.Calls("ec2", "eks", "iam:GetRole") {
		answers = append(answers, call.Answer)
	}
	if want := []string{"RequestLimitExceeded", "200", "ThrottlingException", "200", "Throttling", "NoSuchEntity"}; !slices.Equal(answers, want) {
		t.Errorf("the answers were %q, want %q", answers, want)
	}
}
