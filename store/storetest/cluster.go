package storetest

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/podpass/podpass/store"
)

// Cluster is a real etcd cluster that listens on loopback, stopped when the test ends.
type Cluster struct {
	Endpoints []string // of the members, http:// or https://
	Client    *clientv3.Client
}

// StartCluster starts so many members. With certificates its clients must present one, too.
func StartCluster(t testing.TB, members int, certificates *Certificates) *Cluster {
	t.Helper()
	configs := make([]*embed.Config, members)
	var initial []string
	for i := range configs {
		c := embed.NewConfig()
		c.Name, c.Dir = fmt.Sprintf("m%d", i), filepath.Join(t.TempDir(), "etcd")
		peer := []url.URL{{Scheme: "http", Host: freePort(t)}}
		client := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
		if certificates != nil {
			client[0].Scheme = "https"
			c.ClientTLSInfo = transport.TLSInfo{
				CertFile: certificates.ServerCert, KeyFile: certificates.ServerKey, TrustedCAFile: certificates.CA, ClientCertAuth: true,
			}
		}
		c.ListenPeerUrls, c.AdvertisePeerUrls, c.ListenClientUrls, c.AdvertiseClientUrls = peer, peer, client, client
		c.TickMs, c.ElectionMs, c.UnsafeNoFsync = 50, 500, true
		c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
		initial = append(initial, c.Name+"="+peer[0].String())
		configs[i] = c
	}
	cluster := &Cluster{}
	servers := make([]*embed.Etcd, members)
	for i, c := range configs {
		c.InitialCluster = strings.Join(initial, ",")
		var err error
		if servers[i], err = embed.StartEtcd(c); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(servers[i].Close)
	}
	for _, s := range servers {
		<-s.Server.ReadyNotify()
		cluster.Endpoints = append(cluster.Endpoints, s.Config().ListenClientUrls[0].Scheme+"://"+s.Clients[0].Addr().String())
	}
	var config *tls.Config
	var err error
	if certificates != nil {
		if config, err = store.LoadTLS(certificates.CA, certificates.ClientCert, certificates.ClientKey); err != nil {
			t.Fatal(err)
		}
	}
	cluster.Client, err = clientv3.New(clientv3.Config{Endpoints: cluster.Endpoints, TLS: config, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Client.Close() })
	return cluster
}

// Clear deletes everything, for the next test.
func (c *Cluster) Clear(t testing.TB) {
	t.Helper()
	if _, err := c.Client.Delete(t.Context(), "", clientv3.WithFromKey()); err != nil {
		t.Fatal(err)
	}
}

// freePort is an address nobody listens on: the members must know each other's before they start.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
