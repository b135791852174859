package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/podpass/podpass/cluster"
	"github.com/podpass/podpass/cluster/clustertest"
)

var key = cluster.Key{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "secret", Region: "us-west-2", Cluster: "prod"}

// echo says what it was sent.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s%s %s %s", r.Method, r.Host, r.RequestURI, r.Header.Get("Authorization"), body)
})

func find(t *testing.T, c *clustertest.Cluster) *cluster.Installation {
	t.Helper()
	found, err := cluster.Find(t.Context(), c.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(found.Close)
	return found
}

func get(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestReachesTheServer(t *testing.T) {
	for name, by := range map[string]string{"websocket": "podpass-server-1 websocket", "spdy": "podpass-server-1 spdy"} {
		t.Run(name, func(t *testing.T) {
			fake := clustertest.Start(t, key, echo)
			if name == "spdy" {
				fake.NoWebSockets()
			}
			found := find(t, fake)
			if found.Known() != key {
				t.Errorf("key %+v", found.Known())
			}
			client := &http.Client{Transport: found.Transport()}
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					got, err := get(t.Context(), client, fmt.Sprintf("%s/clusters/%d?a=b%%2Fc", cluster.URL, i))
					if want := fmt.Sprintf("GET podpass-server.podpass-system.svc:8600/clusters/%d?a=b%%2Fc  ", i); err != nil || got != want {
						t.Errorf("%q, %v; want %q", got, err, want)
					}
				})
			}
			all.Wait()
			if got := fake.Forwards(); !slices.Equal(got, []string{by}) {
				t.Errorf("port-forwards: %q", got)
			}
		})
	}
}

// A body larger than every buffer on the way arrives whole in both directions.
func TestLargeBodies(t *testing.T) {
	fake := clustertest.Start(t, key, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	resp, err := (&http.Client{Transport: find(t, fake).Transport()}).Post(cluster.URL, "text/plain", bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes of %d, %v", len(got), len(sent), err)
	}
}

// The pod is replaced by another one, and whoever asks again is led there.
func TestFollowsTheServer(t *testing.T) {
	fake := clustertest.Start(t, key, echo)
	client := &http.Client{Transport: find(t, fake).Transport()}
	for range 2 {
		if _, err := get(t.Context(), client, cluster.URL); err != nil {
			t.Fatal(err)
		}
		fake.Replace()
	}
	if _, err := get(t.Context(), client, cluster.URL); err != nil {
		t.Fatal(err)
	}
	if got, want := fake.Forwards(), []string{"podpass-server-1 websocket", "podpass-server-2 websocket", "podpass-server-3 websocket"}; !slices.Equal(got, want) {
		t.Errorf("port-forwards: %q", got)
	}
}

func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, c *clustertest.Cluster)
		is    error  // nil: any
		want  string // in the text
	}{
		"not installed":    {func(_ *testing.T, c *clustertest.Cluster) { c.Refuse("/podpass-administrator", 404) }, cluster.ErrNotInstalled, ""},
		"no CA":            {func(_ *testing.T, c *clustertest.Cluster) { c.Refuse("/podpass-ca", 404) }, cluster.ErrNotInstalled, ""},
		"no right to read": {func(_ *testing.T, c *clustertest.Cluster) { c.Refuse("/podpass-administrator", 403) }, cluster.ErrForbidden, "says the fake"},
		"no right to list": {func(_ *testing.T, c *clustertest.Cluster) { c.Refuse("/endpointslices", 403) }, cluster.ErrForbidden, ""},
		"no right to go":   {func(_ *testing.T, c *clustertest.Cluster) { c.Refuse("/portforward", 403) }, cluster.ErrForbidden, "podpass-server-1"},
		"API server fails": {func(_ *testing.T, c *clustertest.Cluster) { c.Refuse("/portforward", 500) }, nil, "port-forward to pod podpass-system/podpass-server-1"},
		"empty Secret":     {func(_ *testing.T, c *clustertest.Cluster) { c.SetKey(cluster.Key{}) }, nil, "lacks one of AWS_ACCESS_KEY_ID"},
		"somebody else's":  {func(t *testing.T, c *clustertest.Cluster) { c.Distrust(t) }, nil, "certificate signed by unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := clustertest.Start(t, key, echo)
			tc.spoil(t, fake)
			found, err := cluster.Find(t.Context(), fake.Config())
			if err == nil {
				defer found.Close()
				_, err = get(t.Context(), &http.Client{Transport: found.Transport()}, cluster.URL)
			}
			if err == nil || tc.is != nil && !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %v and %q", err, tc.is, tc.want)
			}
		})
	}
}

// What was signed arrives as it was: host, path, query and body.
func TestProxyChangesNothing(t *testing.T) {
	fake := clustertest.Start(t, key, echo)
	local := httptest.NewServer(find(t, fake).Proxy(slog.New(slog.DiscardHandler)))
	defer local.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, local.URL+"/clusters/a%2Fb?x=%20;y&z", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 x")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	if want := "POST " + strings.TrimPrefix(local.URL, "http://") + "/clusters/a%2Fb?x=%20;y&z AWS4-HMAC-SHA256 x body"; string(got) != want {
		t.Errorf("%q\nwant %q", got, want)
	}

	fake.Refuse("/endpointslices", 500)
	fake.Break()
	resp, err = http.Get(local.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%s while the cluster cannot be reached", resp.Status)
	}
}

func TestCallersThatLeave(t *testing.T) {
	arrived := make(chan struct{})
	fake := clustertest.Start(t, key, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-arrived
		leave()
	}()
	if _, err := get(ctx, &http.Client{Transport: find(t, fake).Transport()}, cluster.URL); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
