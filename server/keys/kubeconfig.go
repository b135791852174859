package keys

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// KubeconfigClient is a client for the API server of a kubeconfig's current context, and its base URL. The kubeconfig comes over the API,
// so it may hold nothing that makes this process run a program or read a file, and the connection must be one by which keys can be
// trusted: TLS, verified.
func KubeconfigClient(kubeconfig string) (*http.Client, string, error) {
	c, err := restConfig(kubeconfig)
	if err != nil {
		return nil, "", fmt.Errorf("kubeconfig: %w", err)
	}
	client, err := clientFor(c)
	if err != nil {
		return nil, "", fmt.Errorf("kubeconfig: %w", err)
	}
	return client, c.Host, nil
}

// OwnClient is what Config.OwnCluster wants, of a configuration this process has from whoever started it: it may name files, and reads the token
// anew that kubelet replaces.
func OwnClient(c *rest.Config) func() (*http.Client, string, error) {
	return func() (*http.Client, string, error) {
		client, err := clientFor(rest.CopyConfig(c))
		return client, c.Host, err
	}
}

func clientFor(c *rest.Config) (*http.Client, error) {
	c.Timeout = 5 * time.Second
	client, err := rest.HTTPClientFor(c)
	if err != nil {
		return nil, err
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return errors.New("redirects are not followed") }
	return client, nil
}

func restConfig(kubeconfig string) (*rest.Config, error) {
	loaded, err := clientcmd.Load([]byte(kubeconfig))
	if err != nil {
		return nil, err
	}
	// Before client-go makes a configuration of it, which opens files.
	if err := selfContained(loaded); err != nil {
		return nil, err
	}
	c, err := clientcmd.NewDefaultClientConfig(*loaded, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, err
	}
	switch server, err := url.Parse(c.Host); {
	case err != nil || server.Host == "":
		return nil, errors.New("the server is not a URL")
	case server.Scheme != "https" && !(server.Scheme == "http" && net.ParseIP(server.Hostname()).IsLoopback()):
		return nil, errors.New("keys are not fetched over plain http except from this machine: use the server's https URL")
	case c.Insecure:
		return nil, errors.New("keys are not fetched with insecure-skip-tls-verify: set certificate-authority-data")
	}
	return c, nil
}

func selfContained(c *api.Config) error {
	elsewhere := errors.New("it names files of another machine: write it with kubectl config view --raw --flatten --minify")
	for _, user := range c.AuthInfos {
		switch {
		case user.Exec != nil, user.AuthProvider != nil:
			return errors.New("credentials by a plugin (exec, auth-provider) are not accepted: use a token or a client certificate")
		case user.TokenFile != "", user.ClientCertificate != "", user.ClientKey != "":
			return elsewhere
		}
	}
	for _, cluster := range c.Clusters {
		if cluster.CertificateAuthority != "" {
			return elsewhere
		}
	}
	return nil
}

// APIServer is where the API server of a kubeconfig's current context is, and the PEM certificates that vouch for it, nil for the system's own.
func APIServer(kubeconfig string) (endpoint string, ca []byte, err error) {
	c, err := restConfig(kubeconfig)
	if err != nil {
		return "", nil, fmt.Errorf("kubeconfig: %w", err)
	}
	return c.Host, c.CAData, nil
}
