package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/podpass/podpass/certificate"
	"github.com/podpass/podpass/webhook/config"
)

// tlsRules is how the webhook serves HTTPS.
type tlsRules struct {
	files      bool // false: from a Secret
	secret     string
	minVersion uint16
	suites     []uint16
}

// tlsRules puts --certificate-secret before files, and files that are named before the Secret of --in-cluster.
func (c *webhookConfig) tlsRules(given func(flag string) bool) (r tlsRules, err error) {
	r.files = c.certificateSecret == "" && (!c.inCluster || given("tls-cert") || given("tls-key"))
	if r.secret = c.certificateSecret; r.secret == "" {
		r.secret = c.tlsSecret
	}
	var problems []error
	switch c.tlsMinVersion {
	case "", "VersionTLS12":
		r.minVersion = tls.VersionTLS12
	case "VersionTLS13":
		r.minVersion = tls.VersionTLS13
	default:
		problems = append(problems, fmt.Errorf("--tls-min-version must be VersionTLS12 or VersionTLS13, not %q: what is older is broken", c.tlsMinVersion))
	}
	known := tls.CipherSuites()
	for _, name := range c.tlsCipherSuites {
		at := slices.IndexFunc(known, func(s *tls.CipherSuite) bool { return s.Name == strings.TrimSpace(name) })
		if at < 0 {
			problems = append(problems, fmt.Errorf("--tls-cipher-suites: %q is no secure cipher suite known here, such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", name))
			continue
		}
		r.suites = append(r.suites, known[at].ID)
	}
	if c.mutatingConfigurations != "" && r.files {
		problems = append(problems, errors.New("--webhook-configuration is for --certificate-secret: what signed the files' certificate is not known here"))
	}
	return r, errors.Join(problems...)
}

// certificates is where a certificate comes from: files, or a Secret.
type certificates interface {
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Ready() error
	Run(ctx context.Context) error
}

func (p *webhookPlan) certificates(client kubernetes.Interface) (certificates, error) {
	if p.tls.files {
		return &certificateFiles{cert: p.tlsCert, key: p.tlsKey, log: p.log, resync: p.resync}, nil
	}
	names := []string{p.service, p.service + "." + p.namespace, p.service + "." + p.namespace + ".svc", p.service + "." + p.namespace + ".svc.cluster.local"}
	c := certificate.Config{
		Secrets: client.CoreV1().Secrets(p.namespace), Name: p.tls.secret, DNSNames: names, Overlap: p.certificateOverlap, Log: p.log,
	}
	if p.mutatingConfigurations == "" {
		p.log.Warn("no --webhook-configuration is given: the API server will not trust this webhook's certificate unless its caBundle is set by other means")
	} else {
		c.Publish = []certificate.Publisher{certificate.WebhookConfiguration(client, p.mutatingConfigurations)}
	}
	return certificate.New(c)
}

// serverTLS is what net/http serves with.
func (p *webhookPlan) serverTLS(from certificates) *tls.Config {
	return &tls.Config{GetCertificate: from.GetCertificate, MinVersion: p.tls.minVersion, CipherSuites: p.tls.suites, NextProtos: []string{"h2", "http/1.1"}}
}

// certificateFiles serves the certificate of two files, and the new one when they are replaced.
type certificateFiles struct {
	cert, key string
	resync    time.Duration
	log       *slog.Logger
	current   atomic.Pointer[tls.Certificate]
}

// GetCertificate is tls.Config's.
func (c *certificateFiles) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if current := c.current.Load(); current != nil {
		return current, nil
	}
	return nil, c.Ready()
}

// Ready is nil once there is a certificate.
func (c *certificateFiles) Ready() error {
	if c.current.Load() == nil {
		return fmt.Errorf("%s and %s do not hold a certificate and its key yet", c.cert, c.key)
	}
	return nil
}

// Run follows the files. Two that do not belong together, as in the middle of a replacement, change nothing.
func (c *certificateFiles) Run(ctx context.Context) error {
	config.Follow(ctx, c.resync, func(texts [][]byte, err error) {
		var pair tls.Certificate
		if err == nil {
			pair, err = tls.X509KeyPair(texts[0], texts[1])
		}
		if err != nil {
			c.log.Error("the certificate cannot be read; the last good one is served", "cert", c.cert, "key", c.key, "error", err)
			return
		}
		c.current.Store(&pair)
		c.log.Info("certificate in effect", "cert", c.cert, "until", pair.Leaf.NotAfter)
	}, c.cert, c.key)
	return ctx.Err()
}
