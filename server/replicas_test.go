package server_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/server"
	"github.com/podpass/podpass/store/storetest"
	"github.com/podpass/podpass/upstream"
)

// replica is one of several servers on one etcd, as clients of each see it.
type replica struct {
	eks  *eks.Client
	auth *upstream.EKSAuth
}

func newReplica(url string, admin aws.Credentials) replica {
	credentials := podpasstest.As(admin)
	return replica{
		eks: eks.NewFromConfig(aws.Config{Region: podpasstest.Region, BaseEndpoint: aws.String(url), Credentials: credentials}),
		auth: upstream.NewEKSAuth(upstream.NewEndpoints([]upstream.Endpoint{{URL: url, Region: podpasstest.Region}}, upstream.Options{}), credentials,
			upstream.NewHTTPClient(nil)),
	}
}

// An association created through one server is honoured by the next request on another, and one deleted is not, every time.
func TestReadYourWrites(t *testing.T) {
	etcd := storetest.StartCluster(t, 1, nil)
	external := func(c *server.Config) { c.EtcdEndpoints = etcd.Endpoints }
	first := podpasstest.Start(t, external)
	c := config(t)
	external(&c)
	replicas := []replica{newReplica(first.URL, first.Admin), newReplica(run(t, c).URL(), first.Admin)}
	first.AddRole(t, podpasstest.Role{Name: "web", Trust: podpasstest.PodIdentityTrust()})
	raw := first.PodToken(t, "shop", "web")
	const rounds = 1000
	honoured, forgotten := 0, 0
	began := time.Now()
	for i := range rounds {
		one, other := replicas[i%2], replicas[(i+1)%2]
		made, err := one.eks.CreatePodIdentityAssociation(t.Context(), &eks.CreatePodIdentityAssociationInput{
			ClusterName: aws.String(podpasstest.Cluster), Namespace: aws.String("shop"), ServiceAccount: aws.String("web"),
			RoleArn: aws.String(podpasstest.RoleARN("web")),
		})
		if err != nil {
			t.Fatalf("create %d: %v", i, err)
		}
		granted, err := other.auth.AssumeRoleForPodIdentity(t.Context(), podpasstest.Cluster, raw)
		switch {
		case err != nil:
			t.Errorf("association %d is not honoured: %v", i, err)
		case granted.AssociationID != aws.ToString(made.Association.AssociationId):
			t.Errorf("association %d: credentials of %s", i, granted.AssociationID)
		default:
			honoured++
		}
		if _, err := other.eks.DeletePodIdentityAssociation(t.Context(), &eks.DeletePodIdentityAssociationInput{
			ClusterName: aws.String(podpasstest.Cluster), AssociationId: made.Association.AssociationId,
		}); err != nil {
			t.Fatalf("delete %d: %v", i, err)
		}
		var refused *upstream.Error
		if _, err := one.auth.AssumeRoleForPodIdentity(t.Context(), podpasstest.Cluster, raw); !errors.As(err, &refused) || refused.Code != "ResourceNotFoundException" {
			t.Errorf("association %d was deleted, and still: %v", i, err)
			continue
		}
		forgotten++
	}
	t.Logf("%d of %d honoured and %d forgotten by the next request on the other server, in %v", honoured, rounds, forgotten, time.Since(began))
	if honoured != rounds || forgotten != rounds {
		t.Errorf("%d of %d honoured, %d forgotten", honoured, rounds, forgotten)
	}
}

// Whoever waits for a change when the server ends is answered at once.
func TestEndingEndsWaits(t *testing.T) {
	s, err := server.New(t.Context(), config(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	admin := s.Installed().Administrator
	client, err := api.New(api.Config{
		Endpoint: s.URL(), Region: podpasstest.Region, HTTP: http.DefaultClient,
		Credentials: podpasstest.As(aws.Credentials{AccessKeyID: admin.AccessKeyID, SecretAccessKey: admin.SecretAccessKey}),
	})
	if err != nil {
		t.Fatal(err)
	}
	first, err := client.WatchAssociations(t.Context(), &api.WatchAssociationsRequest{Cluster: "local"})
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := client.WatchAssociations(context.Background(), &api.WatchAssociationsRequest{Cluster: "local", Revision: first.Revision, WaitSeconds: 20})
		answered <- err
	}()
	// A second watcher's wait has ended once it is answered, and by then the first one's has begun, as good as surely.
	if _, err := client.WatchAssociations(t.Context(), &api.WatchAssociationsRequest{Cluster: "local", Revision: first.Revision, WaitSeconds: 1}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := <-answered; err != nil {
		t.Errorf("the watcher: %v", err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the end took %v", took)
	}
}
