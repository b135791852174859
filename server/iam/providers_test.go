package iam_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
)

func TestProviderLifecycle(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	made := must(client.CreateOpenIDConnectProvider(ctx, &sdk.CreateOpenIDConnectProviderInput{
		Url: aws.String("https://oidc.example.test/id/C1"), ClientIDList: []string{"sts.amazonaws.com", "sts.amazonaws.com"},
		Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
	}))(t)
	const arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example.test/id/C1"
	if got := *made.OpenIDConnectProviderArn; got != arn {
		t.Errorf("ARN %s", got)
	}
	ref := made.OpenIDConnectProviderArn
	add := func(id string) error {
		_, err := client.AddClientIDToOpenIDConnectProvider(ctx, &sdk.AddClientIDToOpenIDConnectProviderInput{
			OpenIDConnectProviderArn: ref, ClientID: &id,
		})
		return err
	}
	for _, id := range []string{"other", "other"} {
		if err := add(id); err != nil {
			t.Error(err)
		}
	}
	print := strings.Repeat("ab", 20)
	must(client.UpdateOpenIDConnectProviderThumbprint(ctx, &sdk.UpdateOpenIDConnectProviderThumbprintInput{
		OpenIDConnectProviderArn: ref, ThumbprintList: []string{print},
	}))(t)
	got := must(client.GetOpenIDConnectProvider(ctx, &sdk.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: ref}))(t)
	if *got.Url != "oidc.example.test/id/C1" {
		t.Errorf("the URL is shown with its scheme, or not at all: %s", *got.Url)
	}
	if diff := cmp.Diff([]string{"sts.amazonaws.com", "other"}, got.ClientIDList); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{print}, got.ThumbprintList); diff != "" {
		t.Error(diff)
	}
	for range 2 {
		must(client.RemoveClientIDFromOpenIDConnectProvider(ctx, &sdk.RemoveClientIDFromOpenIDConnectProviderInput{
			OpenIDConnectProviderArn: ref, ClientID: aws.String("other"),
		}))(t)
	}
	must(client.TagOpenIDConnectProvider(ctx, &sdk.TagOpenIDConnectProviderInput{
		OpenIDConnectProviderArn: ref, Tags: []types.Tag{{Key: aws.String("A"), Value: aws.String("c")}, {Key: aws.String("d"), Value: aws.String("e")}},
	}))(t)
	must(client.UntagOpenIDConnectProvider(ctx, &sdk.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: ref, TagKeys: []string{"D"}}))(t)
	tags := must(client.ListOpenIDConnectProviderTags(ctx, &sdk.ListOpenIDConnectProviderTagsInput{OpenIDConnectProviderArn: ref}))(t).Tags
	if len(tags) != 1 || *tags[0].Key != "A" || *tags[0].Value != "c" {
		t.Errorf("tags %v", tags)
	}
	list := must(client.ListOpenIDConnectProviders(ctx, nil))(t).OpenIDConnectProviderList
	if len(list) != 1 || *list[0].Arn != arn {
		t.Errorf("list %v", list)
	}
	if list := must(a.client(a.other).ListOpenIDConnectProviders(ctx, nil))(t).OpenIDConnectProviderList; len(list) != 0 {
		t.Errorf("another account sees %v", list)
	}
	for range 2 { // deleting is idempotent
		must(client.DeleteOpenIDConnectProvider(ctx, &sdk.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: ref}))(t)
	}
	_, err := client.GetOpenIDConnectProvider(ctx, &sdk.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: ref})
	if got := refused(t, err, "NoSuchEntity"); got != "OpenIDConnect Provider not found for arn "+arn {
		t.Error(got)
	}
	refused(t, add("x"), "NoSuchEntity")
}

func TestProviderURLs(t *testing.T) {
	a := start(t)
	for url, want := range map[string]string{
		"https://kubernetes.default.svc.cluster.local": "",
		"https://oidc.example.test":                    "",
		"https://oidc.example.test/":                   "", // another issuer than the one without the slash
		"http://oidc.example.test":                     "ValidationError",
		"https://oidc.example.test:8443":               "ValidationError",
		"https://oidc.example.test?x=y":                "ValidationError",
		"https://user@oidc.example.test":               "ValidationError",
		"https://OIDC.example.test":                    "ValidationError",
		"oidc.example.test":                            "ValidationError",
		"https://" + strings.Repeat("a", 250):          "ValidationError",
	} {
		got := a.call(t, a.admin, "CreateOpenIDConnectProvider", "Url="+url, "ThumbprintList=")
		if code, _ := got.failure(); (want == "") != (got.status == 200) || want != "" && code != want {
			t.Errorf("%s: %d %s", url, got.status, got.body)
		}
	}
	if code, message := a.call(t, a.admin, "CreateOpenIDConnectProvider", "Url=https://oidc.example.test").failure(); code != "EntityAlreadyExists" ||
		message != "Provider with url https://oidc.example.test already exists." {
		t.Error(code, message)
	}
}

func TestProviderQuotas(t *testing.T) {
	a := start(t)
	client, ctx := a.client(a.admin), t.Context()
	create := func(i int, ids []string, prints []string) (*string, error) {
		out, err := client.CreateOpenIDConnectProvider(ctx, &sdk.CreateOpenIDConnectProviderInput{
			Url: aws.String(fmt.Sprintf("https://oidc.example.test/%d", i)), ClientIDList: ids, ThumbprintList: prints,
		})
		if err != nil {
			return nil, err
		}
		return out.OpenIDConnectProviderArn, nil
	}
	ids := make([]string, 101)
	for i := range ids {
		ids[i] = fmt.Sprint("client", i)
	}
	_, err := create(0, ids, nil)
	refused(t, err, "LimitExceeded")
	arn := must(create(0, ids[:100], nil))(t)
	_, err = client.AddClientIDToOpenIDConnectProvider(ctx, &sdk.AddClientIDToOpenIDConnectProviderInput{
		OpenIDConnectProviderArn: arn, ClientID: aws.String("one more"),
	})
	refused(t, err, "LimitExceeded")
	prints := make([]string, 6)
	for i := range prints {
		prints[i] = strings.Repeat(fmt.Sprint(i), 40)
	}
	_, err = create(1, nil, prints)
	refused(t, err, "InvalidInput")
}

// A registered cluster's issuer may have http and a port, and gets a provider in every account.
func TestProviderOfRegisteredIssuer(t *testing.T) {
	a := start(t)
	local := &store.Cluster{Name: "local", Account: mine, Partition: "aws", Issuer: identity.MustIssuer("http://127.0.0.1:8600/oidc/local"), Keys: store.KeysHosted}
	a.transact(t, func(tx *store.Tx) error {
		store.Write(tx, a.store.Clusters, local.Name, local)
		return nil
	})
	for _, c := range []struct {
		url    string
		status int
	}{
		{"http://127.0.0.1:8600/oidc/local", 200},
		{"http://127.0.0.1:8600/oidc/local/", 400},
		{"http://127.0.0.1:8600/oidc/other", 400},
		{"https://127.0.0.1:8600/oidc/local", 400},
	} {
		if got := a.call(t, a.other, "CreateOpenIDConnectProvider", "Url="+c.url); got.status != c.status {
			t.Errorf("%s: %d %s", c.url, got.status, got.body)
		}
	}
}
