package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
)

const (
	quota       = 4 << 30 // bytes etcd's database may take
	stopTimeout = 10 * time.Second
)

// embedded is a single-member etcd in this process, spoken to by function calls.
type embedded struct {
	dir     *dataDir
	sockets string
	client  *clientv3.Client
	server  *embed.Etcd
	log     *etcdLog
}

// startEmbedded locks the data directory and starts etcd in it. fatal is called if etcd dies later.
func startEmbedded(ctx context.Context, c Config, fatal func(error)) (_ *embedded, err error) {
	freeSpace := c.FreeSpace
	if freeSpace == nil {
		freeSpace = statfs
	}
	e := &embedded{}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if e.dir, err = openDataDir(c.DataDir, freeSpace); err != nil {
		return nil, err
	}
	// etcd insists on listening. Its sockets stand where only this user comes, under a path short enough for a socket.
	if e.sockets, err = os.MkdirTemp("", "podpass-"); err != nil {
		return nil, fmt.Errorf("directory for etcd's sockets: %w", err)
	}
	e.log = newEtcdLog(c.Logger)
	config := embeddedConfig(e.dir.etcd(), e.sockets, c.NoSync)
	config.ZapLoggerBuilder = embed.NewZapLoggerBuilder(e.log.zap())

	// On its own goroutine, because what etcd cannot survive ends the goroutine it finds it on (see etcdLog).
	started := make(chan error, 1)
	go func() {
		result := errors.New("etcd gave up")
		defer func() { started <- result }()
		e.server, result = embed.StartEtcd(config)
	}()
	select {
	case err = <-started:
	case err = <-e.log.fatal:
		e.server = nil // not to be touched: its start may still be under way
	}
	if err != nil {
		return nil, fmt.Errorf("etcd in %s: %w", e.dir.etcd(), err)
	}
	select {
	case <-e.server.Server.ReadyNotify():
	case err = <-e.log.fatal:
	case err = <-e.server.Err():
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("etcd in %s: %w", e.dir.etcd(), err)
	}
	e.client = v3client.New(e.server.Server)
	e.log.handOver(fatal)
	// Whoever held the lock before is dead, and so are its replicas.
	if _, err := e.client.Delete(ctx, Prefix+replicaTable+"/", clientv3.WithPrefix()); err != nil {
		return nil, unavailable("clear replicas", err)
	}
	return e, nil
}

func embeddedConfig(dir, sockets string, noSync bool) *embed.Config {
	c := embed.NewConfig()
	c.Name, c.Dir = "podpass", dir
	peer := url.URL{Scheme: "unix", Path: filepath.Join(sockets, "peer")}
	client := url.URL{Scheme: "unix", Path: filepath.Join(sockets, "client")}
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	// A single member elects itself: it need not wait for anybody.
	c.TickMs, c.ElectionMs, c.InitialElectionTickAdvance = 10, 100, true
	// History serves nobody but a watch that fell behind. Raft's log is held in memory, too.
	c.AutoCompactionMode, c.AutoCompactionRetention = embed.CompactorModeRevision, "5000"
	c.SnapshotCount, c.SnapshotCatchUpEntries = 5000, 100
	c.QuotaBackendBytes = quota
	c.UnsafeNoFsync = noSync
	return c
}

// close stops etcd. A failed one may never stop, so its end is waited for only so long.
func (e *embedded) close() error {
	var err error
	if e.client != nil {
		err = e.client.Close()
	}
	if e.server != nil {
		e.log.handOver(func(error) {})
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			e.server.Close()
		}()
		select {
		case <-stopped:
		case <-time.After(stopTimeout):
			err = errors.Join(err, errors.New("etcd did not stop in time"))
		}
	}
	if e.sockets != "" {
		err = errors.Join(err, os.RemoveAll(e.sockets))
	}
	if e.dir != nil {
		err = errors.Join(err, e.dir.close())
	}
	return err
}
