// Package admission tests the parts of the chart that an API server carries out by itself (the policy that refuses pods with no credentials, RBAC, the
// webhook configuration, the flow schema), and what keeps them up to date (packages certificate and webhook/guard, as the webhook's own service
// account may), against a real kube-apiserver. The objects are those that Helm renders from charts/podpass. `make e2e GROUP=admission` runs it;
// it needs no root, no nodes and no podpass binary. All of it is behind the build tag e2e.
package admission
