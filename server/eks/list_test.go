package eks_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/store"
)

// fill writes n associations of every namespace straight into the store.
func (w *world) fill(t *testing.T, n int, namespaces ...string) {
	t.Helper()
	count := 0
	for _, namespace := range namespaces {
		err := w.Store.Transact(t.Context(), func(tx *store.Tx) error {
			for i := range n {
				count++
				a := &store.Association{
					Cluster: local, Namespace: namespace, ServiceAccount: fmt.Sprintf("sa%03d", i), ID: fmt.Sprintf("a-%017d", count), RoleARN: pods,
				}
				store.Write(tx, w.Store.Associations, store.AssociationKey(a.Cluster, a.Namespace, a.ServiceAccount), a)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// names are what a paginated listing gives, and the sizes of its pages.
func (w *world) names(t *testing.T, in *eks.ListPodIdentityAssociationsInput) (names []string, sizes []int) {
	t.Helper()
	in.ClusterName = aws.String(local)
	pages := eks.NewListPodIdentityAssociationsPaginator(w.client, in)
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(out.Associations))
		for _, a := range out.Associations {
			names = append(names, *a.Namespace+"/"+*a.ServiceAccount)
		}
	}
	return names, sizes
}

func TestPaging(t *testing.T) {
	w := start(t)
	w.fill(t, 50, "a", "b", "c", "d", "e")
	w.fill(t, 1, "ab") // begins as another namespace does
	names, sizes := w.names(t, &eks.ListPodIdentityAssociationsInput{})
	if diff := cmp.Diff([]int{100, 100, 51}, sizes); diff != "" {
		t.Errorf("default pages: %s", diff)
	}
	if slices.Sort(names); len(slices.Compact(names)) != 251 {
		t.Errorf("%d different associations of 251", len(slices.Compact(names)))
	}
	if _, sizes := w.names(t, &eks.ListPodIdentityAssociationsInput{MaxResults: aws.Int32(1), Namespace: aws.String("c")}); len(sizes) != 50 {
		t.Errorf("one at a time: %v", sizes)
	}
	for _, test := range []struct {
		in   eks.ListPodIdentityAssociationsInput
		want int
	}{
		{eks.ListPodIdentityAssociationsInput{Namespace: aws.String("a")}, 50},
		{eks.ListPodIdentityAssociationsInput{ServiceAccount: aws.String("sa007")}, 5},
		{eks.ListPodIdentityAssociationsInput{ServiceAccount: aws.String("sa007"), MaxResults: aws.Int32(2)}, 5},
		{eks.ListPodIdentityAssociationsInput{Namespace: aws.String("b"), ServiceAccount: aws.String("sa007")}, 1},
		{eks.ListPodIdentityAssociationsInput{Namespace: aws.String("z")}, 0},
		{eks.ListPodIdentityAssociationsInput{Namespace: aws.String("*")}, 0}, // no glob says so; a filter is none
	} {
		if names, _ := w.names(t, &test.in); len(names) != test.want {
			t.Errorf("%v and %v: %d associations, want %d", test.in.Namespace, test.in.ServiceAccount, len(names), test.want)
		}
	}
}

// Nothing is lost or told twice when associations come and go between two pages, the last one told included.
func TestPagingThroughChanges(t *testing.T) {
	w := start(t)
	w.fill(t, 30, "a")
	first, err := w.client.ListPodIdentityAssociations(t.Context(), &eks.ListPodIdentityAssociationsInput{
		ClusterName: aws.String(local), MaxResults: aws.Int32(10),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 9, 12} { // told, told last, still to come
		if _, err := w.Store.Associations.Update(t.Context(), store.AssociationKey(local, "a", fmt.Sprintf("sa%03d", i)),
			func(*store.Association) (*store.Association, error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
	}
	w.create(t, func(in *eks.CreatePodIdentityAssociationInput) {
		in.Namespace, in.ServiceAccount = aws.String("a"), aws.String("sa0095")
	})
	rest, _ := w.names(t, &eks.ListPodIdentityAssociationsInput{NextToken: first.NextToken})
	want := []string{"a/sa0095"}
	for i := 10; i < 30; i++ {
		if i != 12 {
			want = append(want, fmt.Sprintf("a/sa%03d", i))
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, rest); diff != "" {
		t.Errorf("the rest: %s", diff)
	}
}

func TestPageRefusals(t *testing.T) {
	w := start(t)
	w.fill(t, 3, "a", "b")
	first, err := w.client.ListPodIdentityAssociations(t.Context(), &eks.ListPodIdentityAssociationsInput{
		ClusterName: aws.String(local), MaxResults: aws.Int32(1), Namespace: aws.String("a"),
	})
	if err != nil {
		t.Fatal(err)
	}
	token := *first.NextToken
	encoded := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for query, code := range map[string]string{
		"maxResults=0":               "InvalidParameterException",
		"maxResults=101":             "InvalidParameterException",
		"maxResults=-1":              "InvalidParameterException",
		"maxResults=ten":             "SerializationException",
		"maxResults=1&maxResults=1":  "SerializationException",
		"nextToken=x":                "InvalidParameterException",
		"nextToken=" + encoded("{}"): "InvalidParameterException",
		"nextToken=" + encoded(`{"of":"associations","c":"local","after":""}`): "InvalidParameterException",
		"nextToken=" + url.QueryEscape(token):                                  "InvalidParameterException", // of another namespace's listing
		"namespace=b&nextToken=" + url.QueryEscape(token):                      "InvalidParameterException",
		"namespace=a&nextToken=" + url.QueryEscape(token):                      "",
	} {
		if a := w.call(t, "GET", associations+"?"+query, ""); a.header.Get("X-Amzn-Errortype") != code {
			t.Errorf("%s: %d %s, want %q", query, a.status, a.body, code)
		}
	}
	if a := w.call(t, "GET", "/clusters?nextToken="+url.QueryEscape(token), ""); a.header.Get("X-Amzn-Errortype") != "InvalidParameterException" {
		t.Errorf("a token of associations for clusters: %d %s", a.status, a.body)
	}
}
