// Package isolated runs a test binary in namespaces of its own (mounts, network, processes, IPC), so that whatever the tests do to the machine is gone with them,
// however they end: links, addresses, firewall rules, mounts, sockets and processes, of which a test that runs a whole Kubernetes node leaves many.
//
//	func TestMain(m *testing.M) { os.Exit(isolated.Run(prepare, m.Run)) }
//
// Run starts the binary again, three deep. The first stays outside, as `go test` knows it, and passes signals and the exit code on. The second is process 1 of the
// new namespaces: it makes the file systems below /run and /var ones in memory, brings loopback up, adopts and reaps orphans, and takes all others with it when it
// ends. The third runs the tests. Beside them a keeper, which outlives even a kill -9 of the rest, removes the cgroups, the only thing that has no namespace.
//
// Inside there is no network but what the tests make: what must be fetched is for prepare, which runs outside and before.
// It needs Linux and root, and imports nothing of podpass.
package isolated
