package eks_test

import (
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/store"
)

// bare leaves out what makes an SDK's value incomparable.
var bare = cmpopts.IgnoreUnexported(types.PodIdentityAssociation{}, types.PodIdentityAssociationSummary{})

// An association through its whole life, with every field, through the SDK.
func TestLife(t *testing.T) {
	w := start(t)
	limit := podpasstest.Allow("s3:GetObject")
	made := w.create(t, func(in *eks.CreatePodIdentityAssociationInput) {
		in.Tags = map[string]string{"Team": "shop", "empty": ""}
		in.DisableSessionTags = aws.Bool(true)
		in.TargetRoleArn = aws.String("arn:aws:iam::999900001111:role/data/reader")
		in.Policy = aws.String(limit)
	})
	if !regexp.MustCompile(`^a-[a-z0-9]{17}$`).MatchString(*made.AssociationId) {
		t.Errorf("id %q", *made.AssociationId)
	}
	if made.CreatedAt == nil || !made.CreatedAt.Equal(*made.ModifiedAt) || made.CreatedAt.IsZero() {
		t.Errorf("created %v, modified %v", made.CreatedAt, made.ModifiedAt)
	}
	want := &types.PodIdentityAssociation{
		ClusterName: aws.String(local), Namespace: aws.String("shop"), ServiceAccount: aws.String("web"), RoleArn: aws.String(pods),
		AssociationId:  made.AssociationId,
		AssociationArn: aws.String("arn:aws:eks:us-west-2:111122223333:podidentityassociation/local/" + *made.AssociationId),
		Tags:           map[string]string{"Team": "shop", "empty": ""}, DisableSessionTags: aws.Bool(true), Policy: aws.String(limit),
		TargetRoleArn: aws.String("arn:aws:iam::999900001111:role/data/reader"), ExternalId: aws.String("us-west-2/111122223333/local/shop/web"),
		CreatedAt: made.CreatedAt, ModifiedAt: made.ModifiedAt,
	}
	if diff := cmp.Diff(want, made, bare); diff != "" {
		t.Errorf("created: %s", diff)
	}
	event := w.Audit.Last(t)
	if event.Action != "CreatePodIdentityAssociation" || event.Cluster != local || event.Namespace != "shop" || event.ServiceAccount != "web" ||
		event.Resource != "arn:aws:eks:us-west-2:111122223333:cluster/local" || event.Statement == "" || event.Association != *made.AssociationId {
		t.Errorf("the event is %+v", event)
	}
	if got, err := w.describe(made.AssociationId); err != nil || !cmp.Equal(want, got, bare) {
		t.Errorf("described: %v %s", err, cmp.Diff(want, got, bare))
	}

	w.AddRole(t, podpasstest.Role{Name: "other", Trust: trust})
	update := func(in eks.UpdatePodIdentityAssociationInput) *types.PodIdentityAssociation {
		t.Helper()
		in.ClusterName, in.AssociationId = aws.String(local), made.AssociationId
		out, err := w.client.UpdatePodIdentityAssociation(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		return out.Association
	}
	if got := update(eks.UpdatePodIdentityAssociationInput{}); !cmp.Equal(want, got, bare) {
		t.Errorf("an update of nothing: %s", cmp.Diff(want, got, bare))
	}
	w.Clock.Advance(time.Minute)
	// An empty text takes the target role and the policy away, and with the policy the need to disable session tags.
	got := update(eks.UpdatePodIdentityAssociationInput{
		RoleArn: aws.String(podpasstest.RoleARN("other")), TargetRoleArn: aws.String(""), Policy: aws.String(""), DisableSessionTags: aws.Bool(false),
	})
	want.RoleArn, want.TargetRoleArn, want.ExternalId, want.Policy = aws.String(podpasstest.RoleARN("other")), nil, nil, nil
	want.DisableSessionTags = aws.Bool(false)
	if later := got.ModifiedAt.Sub(*want.ModifiedAt); later < time.Minute {
		t.Errorf("modified %s after it was created", later)
	}
	want.ModifiedAt = got.ModifiedAt
	if diff := cmp.Diff(want, got, bare); diff != "" {
		t.Errorf("updated: %s", diff)
	}

	gone, err := w.client.DeletePodIdentityAssociation(t.Context(), &eks.DeletePodIdentityAssociationInput{
		ClusterName: aws.String(local), AssociationId: made.AssociationId,
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, gone.Association, bare); diff != "" {
		t.Errorf("deleted: %s", diff)
	}
	if _, err := w.describe(made.AssociationId); refused(err).Code != "ResourceNotFoundException" {
		t.Errorf("describing a deleted association: %v", err)
	}
}

// A service account has one association, and a second one is told the id of the first.
func TestSecondAssociation(t *testing.T) {
	w := start(t)
	first := w.create(t)
	w.create(t, func(in *eks.CreatePodIdentityAssociationInput) { in.Namespace = aws.String("other") })
	w.create(t, func(in *eks.CreatePodIdentityAssociationInput) { in.ServiceAccount = aws.String("other") })
	a := w.call(t, "POST", associations, `{"namespace":"shop","serviceAccount":"web","roleArn":"`+pods+`"}`)
	if a.status != 409 || a.header.Get("X-Amzn-Errortype") != "ResourceInUseException" ||
		a.member(t, "message") != "Association already exists: "+*first.AssociationId {
		t.Errorf("answered with %d %s", a.status, a.body)
	}
}

// Deleting and creating again never meets the association that was deleted.
func TestDeleteAndCreateAgain(t *testing.T) {
	w := start(t)
	ids := map[string]bool{}
	for i := range 200 {
		made := w.create(t)
		if ids[*made.AssociationId] {
			t.Fatalf("cycle %d: id %s for the second time", i, *made.AssociationId)
		}
		ids[*made.AssociationId] = true
		if _, err := w.client.DeletePodIdentityAssociation(t.Context(), &eks.DeletePodIdentityAssociationInput{
			ClusterName: aws.String(local), AssociationId: made.AssociationId,
		}); err != nil {
			t.Fatalf("cycle %d: %v", i, err)
		}
	}
}

func TestConcurrentCreates(t *testing.T) {
	w := start(t)
	const callers = 24
	var group sync.WaitGroup
	ids, failures := make([]string, callers), make([]refusal, callers)
	for i := range callers {
		group.Go(func() {
			out, err := w.client.CreatePodIdentityAssociation(t.Context(), input())
			if err != nil {
				failures[i] = refused(err)
				return
			}
			ids[i] = *out.Association.AssociationId
		})
	}
	group.Wait()
	winner, ok := w.Store.Associations.Get(store.AssociationKey(local, "shop", "web"))
	if !ok {
		t.Fatal("there is no association")
	}
	won := 0
	for i := range callers {
		switch {
		case ids[i] == winner.ID:
			won++
		case failures[i] != refusal{"ResourceInUseException", "Association already exists: " + winner.ID}:
			t.Errorf("caller %d got %q %v; the association is %s", i, ids[i], failures[i], winner.ID)
		}
	}
	if won != 1 {
		t.Errorf("%d callers created it", won)
	}
}

// The same request with the same token is answered with the association it made; another request with that token is an error.
func TestIdempotency(t *testing.T) {
	w := start(t)
	with := func(token string, change ...func(*eks.CreatePodIdentityAssociationInput)) *eks.CreatePodIdentityAssociationInput {
		return input(append(change, func(in *eks.CreatePodIdentityAssociationInput) {
			in.ClientRequestToken, in.Tags = aws.String(token), map[string]string{"a": "1", "b": "2"}
		})...)
	}
	first, err := w.client.CreatePodIdentityAssociation(t.Context(), with("one"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.client.CreatePodIdentityAssociation(t.Context(), with("one"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.Association, again.Association, bare); diff != "" {
		t.Errorf("the same request again: %s", diff)
	}
	if n := w.Store.Associations.Len(); n != 1 {
		t.Errorf("there are %d associations", n)
	}
	for name, test := range map[string]struct {
		in   *eks.CreatePodIdentityAssociationInput
		code string
	}{
		"session tags": {with("one", func(in *eks.CreatePodIdentityAssociationInput) { in.DisableSessionTags = aws.Bool(true) }), "InvalidRequestException"},
		"target role": {with("one", func(in *eks.CreatePodIdentityAssociationInput) {
			in.TargetRoleArn = aws.String(podpasstest.RoleARN("t"))
		}), "InvalidRequestException"},
		"another token": {with("two"), "ResourceInUseException"},
	} {
		if _, err := w.client.CreatePodIdentityAssociation(t.Context(), test.in); refused(err).Code != test.code {
			t.Errorf("%s: %v, want %s", name, err, test.code)
		}
	}
	for i, body := range []string{`,"clientRequestToken":"one"`, `,"clientRequestToken":""`, ``} {
		a := w.call(t, "POST", associations, fmt.Sprintf(`{"namespace":"shop","serviceAccount":"web","roleArn":%q%s}`, pods, body))
		if want := []string{"InvalidRequestException", "ResourceInUseException", "ResourceInUseException"}[i]; a.header.Get("X-Amzn-Errortype") != want {
			t.Errorf("%s: %d %s, want %s", body, a.status, a.body, want)
		}
	}
}

// An association made without a token is never that of a request without one.
func TestNoTokenIsNoIdempotency(t *testing.T) {
	w := start(t)
	body := fmt.Sprintf(`{"namespace":"shop","serviceAccount":"web","roleArn":%q}`, pods)
	if a := w.call(t, "POST", associations, body); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := w.call(t, "POST", associations, body); a.status != 409 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// Globs are kept as they are; which association is in force is the store's to say.
func TestGlobs(t *testing.T) {
	w := start(t)
	made := w.create(t, func(in *eks.CreatePodIdentityAssociationInput) {
		in.Namespace, in.ServiceAccount, in.TargetRoleArn = aws.String("team-*"), aws.String("*"), aws.String(podpasstest.RoleARN("target"))
	})
	if *made.Namespace != "team-*" || *made.ServiceAccount != "*" {
		t.Errorf("created %+v", made)
	}
	if made.ExternalId != nil {
		t.Errorf("an association for many service accounts has the one external id %s", *made.ExternalId)
	}
	w.create(t, func(in *eks.CreatePodIdentityAssociationInput) { in.Namespace = aws.String("team-a") })
	if _, err := w.client.CreatePodIdentityAssociation(t.Context(), input(func(in *eks.CreatePodIdentityAssociationInput) {
		in.Namespace, in.ServiceAccount = aws.String("team-*"), aws.String("*")
	})); refused(err).Code != "ResourceInUseException" {
		t.Errorf("the same globs again: %v", err)
	}
}
