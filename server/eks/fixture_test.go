package eks_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/smithy-go"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/store"
)

const (
	trust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},` +
		`"Action":["sts:AssumeRole","sts:TagSession"]}}`
	local  = podpasstest.Cluster
	tenant = identity.Account("444455556666") // owns the cluster "theirs"
)

// world is an authority with the role "pods", which service accounts may be associated with.
type world struct {
	*podpasstest.Server
	client *eks.Client // the administrator's
}

func start(t testing.TB) *world {
	t.Helper()
	s := podpasstest.Start(t)
	w := &world{Server: s}
	w.client = w.as(t, s.Admin)
	w.AddRole(t, podpasstest.Role{Path: "/team/", Name: "pods", Trust: trust})
	return w
}

var pods = podpasstest.RoleARN("team/pods")

// as has connections of its own, closed with the test: one that was dialled and not used would hold up the end of the authority.
func (w *world) as(t testing.TB, c aws.Credentials) *eks.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	config := w.Config(podpasstest.As(c))
	config.HTTPClient = &http.Client{Transport: transport}
	return eks.NewFromConfig(config)
}

// addTenant adds another account with a cluster of its own, and answers with its administrator's client.
func (w *world) addTenant(t *testing.T) *eks.Client {
	t.Helper()
	w.AddAccount(t, tenant)
	w.AddCluster(t, "theirs", "https://theirs.example.test", []byte(`{"keys":[]}`))
	_, err := w.Store.Clusters.Update(t.Context(), "theirs", func(c *store.Cluster) (*store.Cluster, error) {
		c.Account = tenant
		return c, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.AddRole(t, podpasstest.Role{Account: tenant, Name: "pods", Trust: trust})
	return w.as(t, w.AddUser(t, tenant, "admin", podpasstest.Allow("*")))
}

// input is a good request for shop/web, changed.
func input(change ...func(*eks.CreatePodIdentityAssociationInput)) *eks.CreatePodIdentityAssociationInput {
	in := &eks.CreatePodIdentityAssociationInput{
		ClusterName: aws.String(local), Namespace: aws.String("shop"), ServiceAccount: aws.String("web"), RoleArn: aws.String(pods),
	}
	for _, f := range change {
		f(in)
	}
	return in
}

func (w *world) create(t testing.TB, change ...func(*eks.CreatePodIdentityAssociationInput)) *types.PodIdentityAssociation {
	t.Helper()
	out, err := w.client.CreatePodIdentityAssociation(context.Background(), input(change...))
	if err != nil {
		t.Fatal(err)
	}
	return out.Association
}

func (w *world) describe(id *string) (*types.PodIdentityAssociation, error) {
	out, err := w.client.DescribePodIdentityAssociation(context.Background(), &eks.DescribePodIdentityAssociationInput{
		ClusterName: aws.String(local), AssociationId: id,
	})
	if err != nil {
		return nil, err
	}
	return out.Association, nil
}

// refusal is an SDK's error as the wire had it.
type refusal struct{ Code, Message string }

func refused(err error) refusal {
	var e smithy.APIError
	if !errors.As(err, &e) {
		return refusal{}
	}
	return refusal{e.ErrorCode(), e.ErrorMessage()}
}

// answer is one as it came over the wire.
type answer struct {
	status int
	header http.Header
	body   string
}

// call sends a request of the administrator's that no SDK would send.
func (w *world) call(t testing.TB, method, path, body string) answer {
	t.Helper()
	return w.signed(t, "eks", method, path, body)
}

func (w *world) signed(t testing.TB, service, method, path, body string) answer {
	t.Helper()
	req, err := http.NewRequest(method, w.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	hash := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), w.Admin, req, hex.EncodeToString(hash[:]), service, podpasstest.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

// member walks a JSON answer.
func (a answer) member(t testing.TB, path ...string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

const associations = "/clusters/" + local + "/pod-identity-associations"
