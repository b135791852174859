// Command demo is `make run`: the main job of podpass on this machine, end to end, told line by line.
//
//	demo BIN/podpass
//
// It starts an authority on a free port of loopback, gives a service account a role, runs an unmodified AWS SDK (itself, as `demo workload`) with that
// service account's identity, shows that another service account is refused and why, does the same through Pod Identity with a policy on session
// tags, and leaves nothing behind.
package main
