// Package agent is the node's end of Pod Identity: it hands credentials to pods that present their token.
//
// It owns the endpoint (GET /v1/credentials, as the EKS Pod Identity Agent serves it), one cache for all listeners, keyed by the pod and not
// by the token, and the renewal of what is asked for. It obtains credentials through a Backend and knows nothing of where they come from.
//
// It refuses callers under another Host, tokens that are malformed, expired, or not signed by the cluster, and, with address binding, a token
// that comes from another pod's address. It never refuses a cached answer for the rate at which it is asked.
//
// With the cluster's keys a rotated token is the same caller, an outage that hides the keys included. Without them only the backend can tell a
// good token, so that a rotated one needs it, and so that whoever sends it nonsense waits for the backend behind nobody but himself.
//
// A token that was verified is known again until it expires. Once a minute the agent asks for the keys behind those it knows, and what a withdrawn
// key has signed is verified anew: by a source that looks once a minute itself that is within two minutes, and within none while the source cannot
// be reached. Without keys, and where a token is revoked in any other way, the backend notices at the next renewal: up to MaxRetention later,
// or when the association changes.
//
// It may import token, identity, upstream and the client in api, and nothing of the server. Package link owns the node's addresses, handover the listeners while
// one agent replaces another, pods what Kubernetes says about the pods of the node.
package agent
