package eks_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/store"
)

// kubeconfig is of a cluster whose API server is known, with a token nobody may see.
func kubeconfig(ca string) string {
	data := ""
	if ca != "" {
		data = `,"certificate-authority-data":"` + base64.StdEncoding.EncodeToString([]byte(ca)) + `"`
	}
	return `{"apiVersion":"v1","kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"cluster":"k","user":"u"}}],
		"clusters":[{"name":"k","cluster":{"server":"https://api.example.test:6443"` + data + `}}],"users":[{"name":"u","user":{"token":"s3cr3t"}}]}`
}

func (w *world) setKubeconfig(t *testing.T, cluster, config string) {
	t.Helper()
	_, err := w.Store.Clusters.Update(t.Context(), cluster, func(c *store.Cluster) (*store.Cluster, error) {
		c.Kubeconfig = config
		return c, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDescribeCluster(t *testing.T) {
	const ca = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
	w := start(t)
	for name, config := range map[string]string{"with-ca": kubeconfig(ca), "without-ca": kubeconfig(""), "unknown": ""} {
		w.AddCluster(t, name, "https://"+name+".example.test", []byte(`{"keys":[]}`))
		w.setKubeconfig(t, name, config)
		out, err := w.client.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		c := out.Cluster
		if *c.Name != name || *c.Arn != "arn:aws:eks:us-west-2:111122223333:cluster/"+name || c.Status != types.ClusterStatusActive ||
			*c.Identity.Oidc.Issuer != "https://"+name+".example.test" || c.CreatedAt == nil || c.ResourcesVpcConfig == nil || c.Tags == nil {
			t.Errorf("%s: %+v", name, c)
		}
		endpoint, data := "https://api.example.test:6443", ""
		switch name {
		case "with-ca":
			data = base64.StdEncoding.EncodeToString([]byte(ca))
		case "unknown":
			endpoint = ""
		}
		if aws.ToString(c.Endpoint) != endpoint || aws.ToString(c.CertificateAuthority.Data) != data {
			t.Errorf("%s: endpoint %q, CA %q", name, aws.ToString(c.Endpoint), aws.ToString(c.CertificateAuthority.Data))
		}
	}
	if a := w.call(t, "GET", "/clusters/with-ca", ""); a.status != 200 || strings.Contains(a.body, "s3cr3t") || strings.Contains(a.body, "kubeconfig") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestListClusters(t *testing.T) {
	w := start(t)
	want := []string{}
	for i := range 104 {
		name := fmt.Sprintf("c%03d", i)
		w.AddCluster(t, name, "https://"+name+".example.test", []byte(`{"keys":[]}`))
		want = append(want, name)
	}
	want = append(want, local)
	for _, size := range []int32{0, 1, 7, 100} {
		in := &eks.ListClustersInput{Include: []string{"all"}}
		if size != 0 {
			in.MaxResults = aws.Int32(size)
		}
		var got []string
		pages := eks.NewListClustersPaginator(w.client, in)
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, out.Clusters...)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d at a time: %s", size, diff)
		}
	}
	for _, query := range []string{"maxResults=0", "maxResults=101", "nextToken=x", "include=some"} {
		if a := w.call(t, "GET", "/clusters?"+query, ""); a.status != 400 || a.header.Get("X-Amzn-Errortype") != "InvalidParameterException" {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}
