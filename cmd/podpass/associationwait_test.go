package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/podpasstest"
)

// A webhook that is alive and has not followed is named, until it has.
func TestAssociationWaitNamesWhoIsLate(t *testing.T) {
	s := podpasstest.Start(t)
	client, err := api.New(api.Config{Endpoint: s.URL, Region: podpasstest.Region, Credentials: podpasstest.As(s.Admin)})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", s.Admin.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s.Admin.SecretAccessKey)
	t.Setenv("AWS_REGION", podpasstest.Region)
	t.Setenv("HOME", t.TempDir())
	poll := func(ctx context.Context, revision int64, wait int) (*api.WatchAssociationsResult, error) {
		return client.WatchAssociations(ctx, &api.WatchAssociationsRequest{
			Cluster: podpasstest.Cluster, Member: "hook-1", Revision: revision, WaitSeconds: wait, Snapshot: true,
		})
	}
	first, err := poll(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.AddRole(t, podpasstest.Role{Name: "web", Trust: podpasstest.PodIdentityTrust()})
	acknowledged := make(chan struct{})
	go func() {
		defer close(acknowledged)
		s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "web"})
	}()
	got, err := poll(t.Context(), first.Revision, 1)
	if err != nil || len(got.Changes) != 1 {
		t.Fatalf("the webhook is told %+v, %v", got, err)
	}
	wait := func(arguments ...string) (code int, out, text string) {
		var stdout, stderr bytes.Buffer
		arguments = append([]string{"podpass", "association", "wait", got.Changes[0].ID}, arguments...)
		code = Run(t.Context(), arguments, []string{"AWS_ENDPOINT_URL=" + s.URL}, Stdio{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
		return code, stdout.String(), stderr.String()
	}
	// It stays alive all the while, and does not say that it has applied the change.
	ctx, stop := context.WithCancel(t.Context())
	alive := make(chan struct{})
	go func() {
		defer close(alive)
		for ctx.Err() == nil {
			if _, err := poll(ctx, first.Revision, 0); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	}()
	code, _, text := wait("--timeout", "700ms")
	if code != 1 || !strings.Contains(text, "after 700ms still waiting for webhook/hook-1") || !strings.Contains(text, "try: kubectl get pods") {
		t.Errorf("exit %d: %s", code, text)
	}
	stop()
	<-alive
	if _, err := poll(t.Context(), got.Revision, 0); err != nil {
		t.Fatal(err)
	}
	<-acknowledged
	if code, out, text := wait(); code != 0 || !strings.Contains(out, "is in effect on 1 server and 1 webhook") {
		t.Errorf("exit %d: %s%s", code, out, text)
	}
}
