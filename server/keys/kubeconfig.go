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
)

// KubeconfigClient is a client for the API server of a kubeconfig's current context, and its base URL. The kubeconfig comes over the API,
// so it may hold nothing that makes this process run a program or read a file, and the connection must be one by which keys can be
// trusted: TLS, verified.
func KubeconfigClient(kubeconfig string) (*http.Client, string, error) {
	c, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	if err != nil {
		return nil, "", fmt.Errorf("kubeconfig: %w", err)
	}
	if err := acceptable(c); err != nil {
		return nil, "", fmt.Errorf("kubeconfig: %w", err)
	}
	c.Timeout = 5 * time.Second
	client, err := rest.HTTPClientFor(c)
	if err != nil {
		return nil, "", fmt.Errorf("kubeconfig: %w", err)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return errors.New("redirects are not followed") }
	return client, c.Host, nil
}

func acceptable(c *rest.Config) error {
	switch server, err := url.Parse(c.Host); {
	case c.ExecProvider != nil, c.AuthProvider != nil:
		return errors.New("credentials by a plugin (exec, auth-provider) are not accepted: use a token or a client certificate")
	case c.BearerTokenFile != "", c.CertFile != "", c.KeyFile != "", c.CAFile != "":
		return errors.New("it names files of another machine: write it with kubectl config view --raw --flatten --minify")
	case err != nil || server.Host == "":
		return errors.New("the server is not a URL")
	case server.Scheme != "https" && !(server.Scheme == "http" && net.ParseIP(server.Hostname()).IsLoopback()):
		return errors.New("keys are not fetched over plain http except from this machine: use the server's https URL")
	case c.Insecure:
		return errors.New("keys are not fetched with insecure-skip-tls-verify: set certificate-authority-data")
	}
	return nil
}
