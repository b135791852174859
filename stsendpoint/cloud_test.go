package stsendpoint_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/account/accounttest"
	"github.com/podpass/podpass/stsendpoint"
)

// A private cluster by what AWS's APIs answer: global is refused there, and what is denied is told, and done without.
func TestPrivateClusterOfAnAccount(t *testing.T) {
	s := accounttest.Start(t)
	s.ServeClusters(accounttest.Cluster{Name: "shop", Issuer: "https://oidc.example.test/shop", PlatformVersion: "eks.4", VPC: "vpc-1", Subnets: []string{"subnet-a", "subnet-b"}})
	s.Serve(accounttest.Network{
		Regions:     []accounttest.NetworkRegion{{Name: "us-west-2"}},
		VPCs:        []accounttest.VPC{{ID: "vpc-1"}},
		Subnets:     []accounttest.Subnet{{ID: "subnet-a", VPC: "vpc-1"}, {ID: "subnet-b", VPC: "vpc-1"}},
		RouteTables: []accounttest.RouteTable{{ID: "rtb-1", VPC: "vpc-1", Main: true, Routes: []accounttest.Route{{To: "10.0.0.0/16", Via: "local"}}}},
		Endpoints:   []accounttest.Endpoint{{ID: "vpce-1", VPC: "vpc-1", Service: "com.amazonaws.us-west-2.sts", Subnets: []string{"subnet-a"}}},
	})
	home, err := account.Connect(t.Context(), s.Config(), account.Options{Rates: account.Rates{EKSRead: 1000, EC2: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	read := func() *stsendpoint.Snapshot {
		shop := newShop(t, "v1.31.2-eks-1", map[string]string{roleKey: role}, podOf("lone", nil, "", with("regional")...))
		r := shop.reader()
		r.Cloud = &stsendpoint.Cloud{
			Region: home.Region, Clusters: home.Clusters(), Network: home.Network(),
			Issuer: func(context.Context) (string, error) { return "https://oidc.example.test/shop", nil },
		}
		return shop.read(t, r)
	}
	private := read()
	c := private.Report(nil, false).Cluster
	if c.Private == nil || !*c.Private || c.STS == nil || !*c.STS || c.Platform != "eks.4" || c.Region != "us-west-2" || !slices.Equal(codes(c.Findings), []string{"GlobalUnreachable"}) || len(private.World.Unseen) != 0 {
		t.Errorf("%+v, %q", c, private.World.Unseen)
	}
	if got := stsendpoint.NewPlan(private, stsendpoint.Wish{Type: stsendpoint.Global}).Refusals; !slices.Equal(codes(got), []string{"GlobalUnreachable"}) {
		t.Errorf("%+v", got)
	}
	undo := s.Deny("ec2", "DescribeRouteTables")
	if denied := read(); denied.World.Network != nil || denied.World.Platform != "eks.4" || !strings.Contains(strings.Join(denied.World.Unseen, ""), "the cluster's network: ") {
		t.Errorf("%+v", denied.World)
	}
	undo()
}

// Of many pods not more is kept than is judged.
func TestPodsAreLean(t *testing.T) {
	pod := podOf("lone", nil, "", with("regional")...)
	pod.ManagedFields = []meta.ManagedFieldsEntry{{Manager: "kubelet"}}
	shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, pod)
	if got := shop.read(t, shop.reader()).Pods[0].Raw.ManagedFields; got != nil {
		t.Errorf("%+v", got)
	}
}

// silent is an account that answers nothing: a private VPC without endpoints.
type silent struct {
	cloud
	asked int
}

func (c *silent) Region(ctx context.Context, _ string) (*account.Region, error) {
	c.asked++
	<-ctx.Done()
	return nil, ctx.Err()
}

func (c *silent) Find(ctx context.Context, _, _ string) (*account.Cluster, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// An account that does not answer is waited for a moment, once.
func TestSilentAccount(t *testing.T) {
	shop := newShop(t, "v1.31.2-eks-1", map[string]string{roleKey: role}, podOf("lone", nil, "", with("regional")...))
	for _, finds := range []bool{false, true} {
		c := &silent{}
		r := shop.reader()
		r.Cloud = &stsendpoint.Cloud{Region: "us-west-2", Clusters: c, Network: c, Patience: 10 * time.Millisecond, Issuer: func(context.Context) (string, error) { return "https://issuer", nil }}
		if finds {
			r.Cloud.Clusters = &cloud{found: &account.Cluster{Name: "shop"}}
		}
		for range 2 {
			if s := shop.read(t, r); !strings.Contains(strings.Join(s.World.Unseen, "; "), "whether regions have to be opted into: ") || c.asked > 1 {
				t.Errorf("asked %d times: %q", c.asked, s.World.Unseen)
			}
		}
	}
}
