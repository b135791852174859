// Package pods follows the pods of one node as the cluster's API server has them: which addresses they have, and that one is gone.
//
// It owns one list and watch, limited to the node by a field selector, and of each pod keeps its uid, its addresses and whether it has ended. A pod
// that went while the watch was broken is reported when the list is had again.
//
// It says nothing of who may have what: that is the agent's. It imports nothing of ours.
package pods
