package server

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/upstream"
)

// Config is everything a server can be told. The zero value of a field is its documented default.
type Config struct {
	DataDir       string   // embedded state and the audit file; required unless EtcdEndpoints and AuditFile are given
	EtcdEndpoints []string // an external etcd instead of the embedded one
	EtcdCA        string   // PEM files for the external etcd
	EtcdCert      string
	EtcdKey       string
	AuditFile     string     // default: DataDir/audit.jsonl
	Audit         audit.Sink // instead of the file, where the server is part of another program

	Listen  string // host:port of the services; port 0 lets the kernel pick. Default 127.0.0.1:8600
	Admin   string // host:port of health and metrics. Default 127.0.0.1:0
	TLSCert string // PEM files, read again when they change; both or neither
	TLSKey  string
	// Certificate serves HTTPS with what something else keeps, instead of TLSCert and TLSKey
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	AllowHTTP   bool   // plain HTTP off loopback
	PublicURL   string // the URL clients use, where it is not the listener's own; the base of hosted issuers

	Account       identity.Account // of an empty store. Default 111122223333
	Region        string           // default us-west-2
	HostedCluster string           // name of a cluster this server is the token issuer of; "" none

	// UpstreamCredentials sign for roles of upstream accounts in mode assume-role. Default: the SDK's chain, looked at when first needed
	UpstreamCredentials aws.CredentialsProvider
	// UpstreamRoots verify the certificates of upstream STS. Default: the system's
	UpstreamRoots *x509.CertPool

	Cluster *rest.Config  // API server of the cluster this server runs in; nil: it runs in none
	Ready   func() error  // what keeps the server from being ready, besides its state. Default: nothing
	Drain   time.Duration // how long requests are still taken, when the server is to end and says that it isn't ready any more

	AllowTokens    bool           // issue tokens for hosted clusters through the API
	AllowDiscovery bool           // fetch keys of IAM OIDC providers that no registered cluster has
	TrustedProxies []netip.Prefix // whose X-Forwarded-* headers are believed

	Logger *slog.Logger     // default: discard
	Now    func() time.Time // default time.Now
	Random io.Reader        // default crypto/rand
}

// Defaults of what Config leaves out.
const (
	DefaultListen  = "127.0.0.1:8600"
	DefaultAccount = identity.Account("111122223333")
	DefaultRegion  = "us-west-2"
)

// Complete fills in defaults and reports every mistake at once.
func (c Config) Complete() (Config, error) {
	set(&c.Listen, DefaultListen)
	set(&c.Admin, "127.0.0.1:0")
	set(&c.Account, DefaultAccount)
	set(&c.Region, DefaultRegion)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.UpstreamCredentials == nil {
		c.UpstreamCredentials = upstream.OwnCredentials(c.Region)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
	var mistakes []error
	note := func(bad bool, format string, args ...any) {
		if bad {
			mistakes = append(mistakes, fmt.Errorf(format, args...))
		}
	}
	_, err := identity.ParseAccount(string(c.Account))
	note(err != nil, "%w", err)
	note(!identity.ValidRegion(c.Region), "region %q is not a region name such as us-west-2", c.Region)
	note(c.DataDir == "" && len(c.EtcdEndpoints) == 0, "a data directory or etcd endpoints are needed")
	note(c.DataDir == "" && c.AuditFile == "" && c.Audit == nil, "without a data directory an audit file must be named")
	note((c.TLSCert == "") != (c.TLSKey == ""), "a TLS certificate and its key are needed together")
	note(c.TLSCert != "" && c.Certificate != nil, "a TLS certificate is given as files and kept by podpass itself: choose one")
	note(c.Drain < 0 || c.Drain > maxDrain, "requests are taken for at most %v more, not %v", maxDrain, c.Drain)
	host, _, err := net.SplitHostPort(c.Listen)
	note(err != nil, "listen address %q is not HOST:PORT", c.Listen)
	note(err == nil && !c.https() && !c.AllowHTTP && !loopback(host),
		"plain HTTP is served on loopback only: give --tls-cert and --tls-key, in a cluster --certificate-secret, or allow it on %s with --insecure-http", host)
	_, _, err = net.SplitHostPort(c.Admin)
	note(err != nil, "admin address %q is not HOST:PORT", c.Admin)
	return c, errors.Join(mistakes...)
}

// maxDrain is far more than any load balancer takes to notice that a server isn't ready.
const maxDrain = 5 * time.Minute

func (c *Config) https() bool { return c.TLSCert != "" || c.Certificate != nil }

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
