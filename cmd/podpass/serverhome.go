package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/podpass/podpass/certificate"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server"
	"github.com/podpass/podpass/server/incluster"
)

// homeConfig is what a server is told of the Kubernetes cluster it runs in.
type homeConfig struct {
	kubeconfig    string
	register      string
	tokenReview   bool
	administrator string // NAMESPACE/NAME, as the two below
	certificate   string
	names         []string
	ca            string
	overlap       time.Duration
	drain         time.Duration
}

func (c *homeConfig) flags(f *pflag.FlagSet) {
	f.StringVar(&c.register, "register-cluster", "", "`name` to register the cluster under that the server runs in; issuer and keys are its API server's")
	f.BoolVar(&c.tokenReview, "token-review", false, "ask the API server about each token of that cluster before it is exchanged")
	f.StringVar(&c.administrator, "administrator-secret", "", "`NAMESPACE/NAME` of the Secret for the administrator's key, instead of the env file")
	f.StringVar(&c.certificate, "certificate-secret", "", "`NAMESPACE/NAME` of the Secret for a certificate that is kept and renewed here, instead of --tls-cert and --tls-key")
	f.StringSliceVar(&c.names, "certificate-names", nil, "DNS `names` in that certificate")
	f.StringVar(&c.ca, "ca-configmap", "", "`NAMESPACE/NAME` of the ConfigMap, key ca.crt, its CA is published in")
	f.DurationVar(&c.overlap, "certificate-overlap", certificate.DefaultOverlap, "how long clients are given to read a new CA before a certificate of it is served")
	f.DurationVar(&c.drain, "shutdown-delay", 0, "how long to take requests after SIGTERM, while /readyz says no")
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "`file` to reach the cluster with, instead of the pod's own service account")
}

// home is what a server does in its cluster; the zero value nothing.
type home struct {
	homeConfig
	client  kubernetes.Interface
	keeper  *incluster.Keeper
	manager *certificate.Manager     // nil where the certificate is none of its business
	server  *server.Server           // once it runs
	secret  *incluster.Administrator // likewise; nil without --administrator-secret
	certain bool                     // the cluster has been registered by this process
	log     *slog.Logger
}

// plan says in config what the server itself must know, and returns every mistake.
func (c *homeConfig) plan(config *server.Config) (*home, []error) {
	config.Drain = c.drain
	p := &home{homeConfig: *c, log: config.Logger}
	var problems []error
	note := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	for _, named := range []struct{ flag, value string }{
		{"administrator-secret", c.administrator}, {"certificate-secret", c.certificate}, {"ca-configmap", c.ca},
	} {
		_, _, err := namespacedName(named.value)
		note(named.value != "" && err != nil, "--%s: %w", named.flag, err)
	}
	note(c.register != "" && !identity.ValidClusterName(c.register),
		"--register-cluster: a cluster's name has 1–100 letters, digits, - and _, and begins with a letter or digit, not %q", c.register)
	note(c.tokenReview && c.register == "", "--token-review needs --register-cluster")
	note(c.certificate != "" && len(c.names) == 0, "--certificate-secret needs --certificate-names")
	note(c.certificate == "" && (len(c.names) > 0 || c.ca != ""), "--certificate-names and --ca-configmap need --certificate-secret")
	note(c.certificate != "" && (config.TLSCert != "" || config.TLSKey != ""), "--certificate-secret goes without --tls-cert and --tls-key")
	asked := c.register != "" || c.administrator != "" || c.certificate != ""
	note(!asked && c.kubeconfig != "", "--kubeconfig goes with --register-cluster, --administrator-secret or --certificate-secret")
	if !asked || len(problems) > 0 {
		return p, problems
	}
	reach, err := c.reach()
	if err == nil {
		p.client, err = kubernetes.NewForConfig(reach)
	}
	if err != nil {
		return p, []error{err}
	}
	config.Cluster, config.Ready = reach, p.ready
	p.keeper = incluster.NewKeeper(p.log, p.duties()...)
	if c.certificate != "" {
		if err := p.keepCertificate(config); err != nil {
			return p, []error{err}
		}
	}
	return p, nil
}

// reach is how the API server is reached.
func (c *homeConfig) reach() (*rest.Config, error) {
	if c.kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("this is no pod with a service account's token (or give --kubeconfig): %w", err)
		}
		return config, nil
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: c.kubeconfig}, &clientcmd.ConfigOverrides{}).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("--kubeconfig: %w", err)
	}
	return config, nil
}

func (p *home) keepCertificate(config *server.Config) (err error) {
	namespace, name, _ := namespacedName(p.certificate)
	keep := certificate.Config{Secrets: p.client.CoreV1().Secrets(namespace), Name: name, DNSNames: p.names, Overlap: p.overlap, Log: p.log}
	if p.ca != "" {
		namespace, name, _ := namespacedName(p.ca)
		keep.Publish = append(keep.Publish, certificate.ConfigMap(p.client, namespace, name))
	}
	if p.manager, err = certificate.New(keep); err != nil {
		return fmt.Errorf("--certificate-secret: %w", err)
	}
	config.Certificate = p.manager.GetCertificate
	return nil
}

// namespacedName reads NAMESPACE/NAME.
func namespacedName(text string) (namespace, name string, err error) {
	namespace, name, ok := strings.Cut(text, "/")
	if !ok || len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0 {
		return "", "", fmt.Errorf("%q is not NAMESPACE/NAME", text)
	}
	return namespace, name, nil
}
