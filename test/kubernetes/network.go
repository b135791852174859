package kubernetes

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// The addresses of a Node, which are in a network of its own and so always the same.
const (
	NodeName    = "podpass-node"
	NodeAddress = "192.168.10.1" // of the node: its API server, and whatever its pods with hostNetwork listen on
	podRange    = "10.244.0.0/16"
	serviceIPs  = "10.96.0.0/16"
	serverIP    = "10.96.0.1"  // the service kubernetes.default
	dnsAddress  = "10.96.0.10" // the service kube-dns
	apiServer   = "https://" + NodeAddress + ":6443"
)

// link carries the node's address. The far end of the pair leads nowhere: a node in a test has no way to the world outside.
const link, farEnd = "node0", "node1"

func makeNetwork() error {
	for _, args := range [][]string{
		{"link", "add", link, "type", "veth", "peer", "name", farEnd},
		{"addr", "add", NodeAddress + "/24", "dev", link},
		{"link", "set", link, "up"},
		{"link", "set", farEnd, "up"},
		{"route", "add", serviceIPs, "dev", link}, // what the node itself sends to a service must have a way before kube-proxy's rules give it another
	} {
		if err := command("ip", args...); err != nil {
			return err
		}
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0)
}

// removeNetwork takes away the links, kube-proxy's rules, and the addresses that pods put on loopback. The namespace is this Node's alone.
func removeNetwork() error {
	return errors.Join(
		command("ip", "link", "del", link),
		command("nft", "flush", "ruleset"),
		command("ip", "-4", "addr", "flush", "dev", "lo"),
		command("ip", "addr", "add", "127.0.0.1/8", "dev", "lo"),
	)
}

// tunables are what a kubelet sets for the whole machine, from which no namespace keeps it. It finds them as it wants them and changes nothing.
var tunables = map[string]string{
	"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
	"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

// hideTunables puts files with these values over them, in this mount namespace.
func (n *Node) hideTunables() error {
	for name, value := range tunables {
		file := n.path("tunable-" + strings.ReplaceAll(name, "/", "-"))
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(file, "/proc/sys/"+name, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mounting a file over /proc/sys/%s: %w", name, err)
		}
	}
	return nil
}

func showTunables() (err error) {
	for name := range tunables {
		if unmount := unix.Unmount("/proc/sys/"+name, 0); unmount != nil && !errors.Is(unmount, unix.EINVAL) { // EINVAL: none is mounted
			err = errors.Join(err, fmt.Errorf("unmounting /proc/sys/%s: %w", name, unmount))
		}
	}
	return err
}

// command runs one that says nothing when it succeeds.
func command(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
