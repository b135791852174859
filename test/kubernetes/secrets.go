package kubernetes

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// writeSecrets makes what the API server is started with: the key it signs tokens with, and the administrator's own token.
func (c *Cluster) writeSecrets() error {
	if err := writeTokenKey(c.dir); err != nil {
		return err
	}
	// token, user name, user id, groups
	return os.WriteFile(c.path("tokens.csv"), fmt.Appendf(nil, "%s,admin,admin,\"system:masters\"\n", c.token), 0o600)
}

// writeTokenKey makes the key of service account tokens: sa.key and sa.pub.
func writeTokenKey(dir string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	if err := writePEM(filepath.Join(dir, "sa.pub"), "PUBLIC KEY", public); err != nil {
		return err
	}
	return writeKey(filepath.Join(dir, "sa.key"), key)
}

func writeKey(path string, key crypto.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(path, "PRIVATE KEY", der)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// Kubeconfig is a file of the test with which anything reaches the API server as the cluster's administrator.
func (c *Cluster) Kubeconfig(t *testing.T) string { return c.KubeconfigFor(t, c.token) }

// KubeconfigFor is the same with another bearer token, such as a service account's.
func (c *Cluster) KubeconfigFor(t *testing.T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := writeKubeconfig(path, c.host, c.certificate(), &clientcmdapi.AuthInfo{Token: token}); err != nil {
		t.Fatal(err)
	}
	return path
}

// KubeconfigFile is the administrator's, among the cluster's own files.
func (c *Cluster) KubeconfigFile() (string, error) {
	path := c.path("kubeconfig")
	return path, writeKubeconfig(path, c.host, c.certificate(), &clientcmdapi.AuthInfo{Token: c.token})
}

func writeKubeconfig(path, host, authority string, user *clientcmdapi.AuthInfo) error {
	const name = "test"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: host, CertificateAuthority: authority}
	config.AuthInfos[name] = user
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, path)
}
