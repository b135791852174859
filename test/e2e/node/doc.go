// Package node proves the Kubernetes of test/kubernetes itself, before anything of podpass runs on it: pods run, tokens are projected, names and services work,
// the API server may go and come back, and nothing is left on the machine whatever way a test ends. `make e2e GROUP=node` runs it, as root. All of it is behind the
// build tag e2e.
package node
