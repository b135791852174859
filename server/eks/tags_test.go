package eks_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/google/go-cmp/cmp"
)

func TestTags(t *testing.T) {
	w := start(t)
	made := w.create(t, func(in *eks.CreatePodIdentityAssociationInput) { in.Tags = map[string]string{"Team": "shop", "b": "1"} })
	for what, arn := range map[string]*string{"association": made.AssociationArn, "cluster": aws.String(clusterARN)} {
		t.Run(what, func(t *testing.T) {
			want := map[string]string{}
			if arn == made.AssociationArn {
				want = map[string]string{"Team": "shop", "b": "1"}
			}
			check := func(step string) {
				t.Helper()
				out, err := w.client.ListTagsForResource(t.Context(), &eks.ListTagsForResourceInput{ResourceArn: arn})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, out.Tags); diff != "" {
					t.Errorf("%s: %s", step, diff)
				}
			}
			check("at first")
			// Keys compare without case, as IAM's: the second one replaces the first.
			for _, tags := range []map[string]string{{"team": "ops", "c d": "x/ü"}, {"Team": "web", "e": ""}} {
				if _, err := w.client.TagResource(t.Context(), &eks.TagResourceInput{ResourceArn: arn, Tags: tags}); err != nil {
					t.Fatal(err)
				}
			}
			delete(want, "Team")
			want["Team"], want["c d"], want["e"] = "web", "x/ü", ""
			check("tagged")
			if _, err := w.client.UntagResource(t.Context(), &eks.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"TEAM", "e", "none"}}); err != nil {
				t.Fatal(err)
			}
			delete(want, "Team")
			delete(want, "e")
			check("untagged")
		})
	}
	if now, err := w.describe(made.AssociationId); err != nil || !cmp.Equal(now.Tags, map[string]string{"b": "1", "c d": "x/ü"}) {
		t.Errorf("the association is described with %v, %v", now, err)
	}
	if out, err := w.client.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: aws.String(local)}); err != nil ||
		!cmp.Equal(out.Cluster.Tags, map[string]string{"c d": "x/ü"}) {
		t.Errorf("the cluster is described with %v, %v", out, err)
	}
}

func TestTagRefusals(t *testing.T) {
	w := start(t)
	made := w.create(t)
	other := "arn:aws:eks:us-west-2:111122223333:podidentityassociation/local/a-00000000000000000"
	full := map[string]string{}
	for i := range 50 {
		full[fmt.Sprintf("k%d", i)] = ""
	}
	if _, err := w.client.TagResource(t.Context(), &eks.TagResourceInput{ResourceArn: made.AssociationArn, Tags: full}); err != nil {
		t.Fatal(err)
	}
	const bad, missing = "BadRequestException", "NotFoundException"
	for name, test := range map[string]struct{ method, arn, rest, body, code string }{
		"no tags":                  {"POST", clusterARN, "", `{}`, bad},
		"a reserved key":           {"POST", clusterARN, "", `{"tags":{"aws:x":""}}`, bad},
		"a key twice":              {"POST", clusterARN, "", `{"tags":{"a":"","A":""}}`, bad},
		"one too many":             {"POST", *made.AssociationArn, "", `{"tags":{"one":"more"}}`, bad},
		"one of many, replaced":    {"POST", *made.AssociationArn, "", `{"tags":{"K1":"more"}}`, ""},
		"no keys":                  {"DELETE", clusterARN, "", "", bad},
		"an empty key":             {"DELETE", clusterARN, "?tagKeys=", "", bad},
		"no ARN":                   {"GET", "local", "", "", bad},
		"of another service":       {"GET", pods, "", "", bad},
		"of another kind":          {"GET", "arn:aws:eks:us-west-2:111122223333:addon/local/x", "", "", bad},
		"a cluster with an id":     {"GET", clusterARN + "/" + *made.AssociationId, "", "", bad},
		"an association without":   {"GET", "arn:aws:eks:us-west-2:111122223333:podidentityassociation/local", "", "", bad},
		"no such cluster":          {"GET", clusterARN + "x", "", "", missing},
		"no such association":      {"GET", other, "", "", missing},
		"tagging none":             {"POST", other, "", `{"tags":{"a":"b"}}`, missing},
		"untagging none":           {"DELETE", other, "?tagKeys=a", "", missing},
		"of another region":        {"GET", "arn:aws:eks:eu-west-1:111122223333:cluster/local", "", "", missing},
		"of another account":       {"GET", "arn:aws:eks:us-west-2:444455556666:cluster/local", "", "", missing},
		"another region's, by id":  {"GET", "arn:aws:eks:eu-west-1:111122223333:podidentityassociation/local/" + *made.AssociationId, "", "", missing},
		"an id with more behind":   {"GET", *made.AssociationArn + "/x", "", "", missing},
		"keys that differ by case": {"DELETE", clusterARN, "?tagKeys=a&tagKeys=A", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := w.call(t, test.method, "/tags/"+url.PathEscape(test.arn)+test.rest, test.body)
			status := map[string]int{"": 200, bad: 400, missing: 404}[test.code]
			if a.status != status || a.header.Get("X-Amzn-Errortype") != test.code {
				t.Errorf("answered with %d %s, want %q", a.status, a.body, test.code)
			}
			if test.code == "" && a.body != "{}" {
				t.Errorf("answered with %s", a.body)
			}
		})
	}
}
