package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"golang.org/x/sys/unix"
)

const (
	quota       = 4 << 30 // bytes etcd's database may take
	stopTimeout = 10 * time.Second
	deadTimeout = time.Second // for one that has failed: it may never stop
)

// embedded is a single-member etcd in this process, spoken to by function calls.
type embedded struct {
	dir    *dataDir
	log    *etcdLog
	server *embed.Etcd
	client *clientv3.Client
	dead   atomic.Bool
}

// startEmbedded locks the data directory and starts etcd in it. fatal is called if etcd dies later.
func startEmbedded(ctx context.Context, c Config, fatal func(error)) (_ *embedded, err error) {
	e := &embedded{}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if e.dir, err = openDataDir(c.DataDir, c.FreeSpace); err != nil {
		return nil, err
	}
	e.log = newEtcdLog(c.Logger)
	config := embeddedConfig(e.dir.etcd(), c.NoSync)
	config.ZapLoggerBuilder = embed.NewZapLoggerBuilder(e.log.zap())

	// On a goroutine of its own, because what etcd cannot survive ends the goroutine it meets it on (see etcdLog).
	type result struct {
		server *embed.Etcd
		err    error
	}
	started := make(chan result, 1)
	go func() {
		server, err := embed.StartEtcd(config)
		started <- result{server, err}
	}()
	select {
	case r := <-started:
		e.server, err = r.server, r.err
	case err = <-e.log.fatal:
	}
	if err != nil {
		return nil, e.explain(err)
	}
	select {
	case <-e.server.Server.ReadyNotify():
	case err = <-e.log.fatal:
	case err = <-e.server.Err():
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return nil, e.explain(err)
	}
	e.client = v3client.New(e.server.Server)
	e.log.handOver(func(err error) {
		e.dead.Store(true)
		fatal(e.explain(err))
	})
	// Whoever held the lock before is dead, and so are its replicas. Members live elsewhere: their leases tell.
	if _, err := e.client.Delete(ctx, Prefix+replicaTable+"/", clientv3.WithPrefix()); err != nil {
		return nil, unavailable("clear replicas", err)
	}
	return e, nil
}

func embeddedConfig(dir string, noSync bool) *embed.Config {
	c := embed.NewConfig()
	c.Name, c.Dir = "podpass", dir
	// Nobody but this process speaks to it, so it listens nowhere, not even on a socket. The peer URL is only the member's name.
	c.ListenPeerUrls, c.ListenClientUrls, c.AdvertiseClientUrls = nil, nil, nil
	c.AdvertisePeerUrls = []url.URL{{Scheme: "unix", Path: "/podpass"}}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	// A single member elects itself: it need not wait for anybody.
	c.TickMs, c.ElectionMs, c.InitialElectionTickAdvance = 10, 100, true
	// History serves nobody but a watch that fell behind, and raft's log no follower: what is kept of them is read, and held in memory, at every start.
	c.AutoCompactionMode, c.AutoCompactionRetention = embed.CompactorModeRevision, "5000"
	c.SnapshotCount, c.SnapshotCatchUpEntries = 500, 10
	c.MaxSnapFiles, c.MaxWalFiles = 2, 2
	c.MaxTxnOps, c.MaxRequestBytes = 1024, 8<<20
	c.QuotaBackendBytes = quota
	c.UnsafeNoFsync = noSync
	return c
}

// explain says where etcd failed, and what to do where that is known.
func (e *embedded) explain(err error) error {
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%s: %w (%w): make room and start again; what was acknowledged is kept", e.dir.path, ErrNoSpace, err)
	}
	return fmt.Errorf("etcd in %s: %w", e.dir.etcd(), err)
}

// close stops etcd.
func (e *embedded) close() error {
	if e.client != nil {
		_ = e.client.Close() // only says that it was closed
	}
	var err error
	if e.server != nil {
		e.log.handOver(func(error) {})
		timeout := stopTimeout
		if e.dead.Load() {
			timeout = deadTimeout
		}
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			e.server.Close()
		}()
		select {
		case <-stopped:
		case <-time.After(timeout):
			if !e.dead.Load() {
				err = errors.New("etcd did not stop in time")
			}
		}
	}
	if e.dir != nil {
		err = errors.Join(err, e.dir.close())
	}
	return err
}
