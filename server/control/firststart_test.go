package control_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/podpass/podpass/server/control"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

func environment(s *store.Store) iam.Env {
	return iam.Env{Store: s, Now: time.Now, Random: rand.Reader}
}

var first = control.First{Account: "111122223333", Region: "us-west-2", IssuerBase: "http://127.0.0.1:8600", Cluster: "local"}

func TestFirstStartKeepsWhatItSetUp(t *testing.T) {
	ctx := context.Background()
	s := storetest.Open(t)
	made := must[*control.Installed](t)(control.FirstStart(ctx, environment(s), first))
	if made.Administrator == nil || made.Cluster.Issuer.String() != "http://127.0.0.1:8600/oidc/local" || len(made.Cluster.SigningKeys) != 1 {
		t.Fatalf("%+v", made)
	}
	other := first
	other.Account, other.Region, other.IssuerBase = "999999999999", "eu-west-1", "http://127.0.0.1:9999"
	again := must[*control.Installed](t)(control.FirstStart(ctx, environment(s), other))
	if again.Administrator != nil || again.Management != made.Management || again.Region != "us-west-2" || again.IssuerBase != made.IssuerBase ||
		again.Cluster.SigningKeys[0].ID != made.Cluster.SigningKeys[0].ID || again.Cluster.Issuer != made.Cluster.Issuer {
		t.Errorf("%+v", again)
	}
	// A second hosted cluster stands under the base fixed at first.
	other.Cluster = "more"
	if more := must[*control.Installed](t)(control.FirstStart(ctx, environment(s), other)); more.Cluster.Issuer.String() != "http://127.0.0.1:8600/oidc/more" {
		t.Errorf("%+v", more.Cluster)
	}
	if s.Accounts.Len() != 1 || s.Users.Len() != 1 || s.AccessKeys.Len() != 1 {
		t.Errorf("%d accounts, %d users, %d keys", s.Accounts.Len(), s.Users.Len(), s.AccessKeys.Len())
	}
}

func TestFirstStartsRace(t *testing.T) {
	ctx := context.Background()
	s := storetest.Open(t)
	var wg sync.WaitGroup
	results := make([]*control.Installed, 4)
	for i := range results {
		wg.Go(func() {
			done, err := control.FirstStart(ctx, environment(s), first)
			if err != nil {
				t.Error(err)
			}
			results[i] = done
		})
	}
	wg.Wait()
	administrators := 0
	for _, r := range results {
		if r != nil && r.Administrator != nil {
			administrators++
		}
	}
	if administrators != 1 || s.AccessKeys.Len() != 1 {
		t.Errorf("%d starts made an administrator, %d keys", administrators, s.AccessKeys.Len())
	}
}

func TestFirstStartRefuses(t *testing.T) {
	s := storetest.Open(t)
	for says, change := range map[string]func(*control.First){
		"12 digits":             func(f *control.First) { f.Account = "1" },
		"region":                func(f *control.First) { f.Region = "Mars" },
		"issuer base":           func(f *control.First) { f.IssuerBase = "" },
		"cannot be hosted":      func(f *control.First) { f.IssuerBase = "http://UPPER.example" },
		"longer than 255":       func(f *control.First) { f.IssuerBase = "http://" + strings.Repeat("x", 255) },
		"must have no query, f": func(f *control.First) { f.IssuerBase = "http://x?y=z" },
	} {
		bad := first
		change(&bad)
		if _, err := control.FirstStart(context.Background(), environment(s), bad); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
	if s.Meta.Len() != 0 || s.Accounts.Len() != 0 {
		t.Error("something was set up")
	}
}
