//go:build e2e

package processes_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/test/kubernetes"
	"github.com/podpass/podpass/upstream"
)

// twoServers are processes on one etcd. Both know the first administrator, whose key the first one's env file holds.
func twoServers(t *testing.T) (first, second *authority) {
	t.Helper()
	etcd := kubernetes.StartEtcd(t)
	server := func() *authority {
		dir := t.TempDir()
		return start(t, dir, nil, "server", "--data-dir", dir, "--etcd-endpoints", etcd, "--hosted-cluster", "local", "--allow-tokens").awaitReady()
	}
	first, second = server(), server()
	second.env = slices.DeleteFunc(second.env, func(s string) bool { return strings.HasPrefix(s, "PODPASS_DATA_DIR=") })
	second.env = as(second.env, first.settingsAt(second))
	return first, second
}

// settingsAt are the administrator's settings for another server of the same state.
func (a *authority) settingsAt(other *authority) map[string]string {
	a.t.Helper()
	env := maps.Clone(a.settings())
	env["AWS_ENDPOINT_URL"] = other.url
	return env
}

// exchanger asks a server as an agent does, as its administrator.
func exchanger(env map[string]string) *upstream.EKSAuth {
	only := upstream.NewEndpoints([]upstream.Endpoint{{URL: env["AWS_ENDPOINT_URL"], Region: env["AWS_REGION"]}}, upstream.Options{Budget: patience})
	return upstream.NewEKSAuth(only, sdk(env).Credentials, upstream.NewHTTPClient(nil))
}

// An association created through one server is honoured by the next request at the other, and one deleted is not, every time.
func TestReadYourWrites(t *testing.T) {
	first, second := twoServers(t)
	first.apply(podRole)
	token := first.hostedToken()
	here, there := first.settings(), first.settingsAt(second)
	writer, reader := eks.NewFromConfig(sdk(here)), exchanger(there)
	cluster, role := aws.String("local"), aws.String("arn:aws:iam::111122223333:role/pods")
	first.must("association", "delete", "-n", "shop", "web")
	const rounds = 1000
	honoured, forgotten, began := 0, 0, time.Now()
	for i := range rounds {
		made, err := writer.CreatePodIdentityAssociation(t.Context(), &eks.CreatePodIdentityAssociationInput{
			ClusterName: cluster, Namespace: aws.String("shop"), ServiceAccount: aws.String("web"), RoleArn: role,
		})
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		id := made.Association.AssociationId
		got, err := reader.AssumeRoleForPodIdentity(t.Context(), *cluster, token)
		if err == nil && got.AssociationID == *id {
			honoured++
		}
		if _, err := writer.DeletePodIdentityAssociation(t.Context(), &eks.DeletePodIdentityAssociationInput{ClusterName: cluster, AssociationId: id}); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		_, err = reader.AssumeRoleForPodIdentity(t.Context(), *cluster, token)
		if refused, ok := errors.AsType[*upstream.Error](err); ok && refused.Code == "ResourceNotFoundException" {
			forgotten++
		}
	}
	t.Logf("%d of %d honoured, %d forgotten by the next request at the other server, in %v", honoured, rounds, forgotten, time.Since(began).Round(time.Second))
	if honoured != rounds || forgotten != rounds {
		t.Errorf("%d of %d honoured, %d forgotten", honoured, rounds, forgotten)
	}
	second.stop()
	first.stop()
}

// hook follows the associations of the cluster local and takes part in the write barrier, as a webhook does.
type hook struct {
	mu    sync.Mutex
	known map[string]bool // ids of associations
}

func (h *hook) knows(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.known[id]
}

func (h *hook) apply(r *api.WatchAssociationsResult) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.Reset {
		clear(h.known)
	}
	for _, c := range r.Changes {
		h.known[c.ID] = !c.Deleted
	}
}

// follow runs until stop is called. It returns when the hook is a member.
func (h *hook) follow(t *testing.T, env map[string]string) (stop func()) {
	t.Helper()
	client, err := api.New(api.Config{Endpoint: env["AWS_ENDPOINT_URL"], Region: env["AWS_REGION"], Credentials: sdk(env).Credentials})
	if err != nil {
		t.Fatal(err)
	}
	poll := func(ctx context.Context, revision int64) (int64, error) {
		r, err := client.WatchAssociations(ctx, &api.WatchAssociationsRequest{
			Cluster: "local", Member: "hook-1", Revision: revision, WaitSeconds: 20, Snapshot: true,
		})
		if err != nil {
			return 0, err
		}
		h.apply(r)
		return r.Revision, nil
	}
	revision, err := poll(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			if revision, err = poll(ctx, revision); err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	t.Cleanup(stop)
	return stop
}

// A webhook that follows one server knows of an association before the other server acknowledges it; association wait counts them all, and names
// who is cut off until it counts no longer.
func TestAssociationWaitOfTwoServers(t *testing.T) {
	t.Parallel()
	first, second := twoServers(t)
	first.apply(podRole)
	h := &hook{known: map[string]bool{}}
	stop := h.follow(t, first.settings())
	client := eks.NewFromConfig(sdk(first.settingsAt(second)))
	for i := range 20 {
		made, err := client.CreatePodIdentityAssociation(t.Context(), &eks.CreatePodIdentityAssociationInput{
			ClusterName: aws.String("local"), Namespace: aws.String("shop"), ServiceAccount: aws.String("db"), RoleArn: aws.String("arn:aws:iam::111122223333:role/pods"),
		})
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		id := made.Association.AssociationId
		if !h.knows(*id) {
			t.Errorf("round %d: acknowledged, and the webhook does not know it", i)
		}
		if _, err := client.DeletePodIdentityAssociation(t.Context(), &eks.DeletePodIdentityAssociationInput{ClusterName: aws.String("local"), AssociationId: id}); err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		if h.knows(*id) {
			t.Errorf("round %d: its end is acknowledged, and the webhook does not know of it", i)
		}
	}
	for _, a := range []*authority{first, second} {
		if out := a.must("association", "wait", "-n", "shop", "web"); !strings.Contains(out, "is in effect on 2 servers and 1 webhook") {
			t.Error(out)
		}
	}
	stop()
	began := time.Now()
	second.must("association", "create", "-n", "shop", "db", "--role", "pods")
	if out := first.must("association", "wait", "-n", "shop", "db"); !strings.Contains(out, "is in effect on 2 servers and 0 webhooks") {
		t.Error(out)
	}
	t.Logf("a webhook that is cut off holds a change up for %v", time.Since(began).Round(time.Millisecond))
	second.stop()
	first.stop()
}

// An agent has several servers: it serves, and hears of changes, while one of them answers, whichever.
func TestAgentInFrontOfTwoServers(t *testing.T) {
	t.Parallel()
	first, second := twoServers(t)
	first.apply(podRole)
	env := first.settings()
	delete(env, "AWS_ENDPOINT_URL")
	s := sidecar(t, as(first.env, env), "-c", "local", "--server", "http://"+refusing(t)+","+first.url+","+second.url)
	forgets := func(what, token string) {
		t.Helper()
		second.must("association", "delete", "-n", "shop", "web")
		deleted := time.Now()
		until(t, what+": it is refused", func() bool {
			_, err := s.fetch(token)
			return errors.Is(err, errStatus)
		})
		took := time.Since(deleted)
		t.Logf("%s: refused %v after the association was deleted", what, took.Round(time.Millisecond))
		if took > forgotten {
			t.Errorf("%s: served for %v after the association was deleted", what, took)
		}
		s.refuses(what, token, "404", "ResourceNotFoundException")
		second.must("association", "create", "-n", "shop", "web", "--role", "pods")
	}
	token := first.hostedToken()
	s.serves("with both", token)
	forgets("with both", token)
	first.kill()
	token = second.hostedToken()
	until(t, "the other one answers", func() bool {
		_, err := s.fetch(token)
		return err == nil
	})
	forgets("with the second alone", token)
	s.stop()
	second.stop()
}
