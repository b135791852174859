//go:build e2e

package cluster_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// eks is a client of the EKS API of the server in the cluster.
func (w *world) eks(t *testing.T) *eks.Client {
	t.Helper()
	return eks.NewFromConfig(w.administrator(t))
}

// administrator reaches the server in the cluster as its administrator. It finds the server as a pod would, at its Service's
// address, and checks the name in its certificate.
func (w *world) administrator(t *testing.T) aws.Config {
	t.Helper()
	ctx := t.Context()
	service, err := w.client.CoreV1().Services(system).Get(ctx, "podpass-server", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	administrator, err := w.client.CoreV1().Secrets(system).Get(ctx, "podpass-administrator", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	roots, err := w.roots(ctx)
	if err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort(service.Spec.ClusterIP, "8600")
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots},
		MaxIdleConnsPerHost: 16,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(stsEndpoint), HTTPClient: &http.Client{Transport: transport, Timeout: patience},
		Credentials: credentials.NewStaticCredentialsProvider(
			string(administrator.Data["AWS_ACCESS_KEY_ID"]), string(administrator.Data["AWS_SECRET_ACCESS_KEY"]), ""),
	}
}

func (w *world) roots(ctx context.Context) (*x509.CertPool, error) {
	var ca *core.ConfigMap
	ca, err := w.client.CoreV1().ConfigMaps(system).Get(ctx, "podpass-ca", meta.GetOptions{})
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ca.Data["ca.crt"])) {
		return nil, fmt.Errorf("ConfigMap podpass-ca holds no certificate: %q", ca.Data["ca.crt"])
	}
	return roots, nil
}

// associate creates an association through the EKS API, and returns when that is acknowledged.
func associate(ctx context.Context, client *eks.Client, namespace, serviceAccount, role string) (id string, err error) {
	made, err := client.CreatePodIdentityAssociation(ctx, &eks.CreatePodIdentityAssociationInput{
		ClusterName: aws.String(clusterName), Namespace: &namespace, ServiceAccount: &serviceAccount, RoleArn: aws.String(roleARN(role)),
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(made.Association.AssociationId), nil
}

func dissociate(ctx context.Context, client *eks.Client, id string) error {
	_, err := client.DeletePodIdentityAssociation(ctx, &eks.DeletePodIdentityAssociationInput{ClusterName: aws.String(clusterName), AssociationId: &id})
	return err
}
