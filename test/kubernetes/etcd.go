//go:build etcd

// This file is never compiled. It tells the go command that go.mod must keep what the etcd command, which build makes, requires.

package kubernetes

import _ "go.etcd.io/etcd/server/v3"
