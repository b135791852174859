// Package incluster is what a server sees to in the Kubernetes cluster it runs in: the Secret with the administrator's key, the cluster's own
// registration, and that each is done before the server calls itself ready.
//
// It owns the Secret's form and its repair, and how often a duty is tried. It refuses a Secret it did not make. What is registered, and how, belongs to
// control; certificates belong to package certificate.
//
// It may import store, server/iam, identity and client-go.
package incluster
