// Package install puts podpass into a Kubernetes cluster, keeps it there, and takes it out again.
//
// It owns the release: rendering the chart that the binary carries, applying it through Helm's library so that every revision can be gone back
// to, waiting until each workload is ready and saying why one is not, going back by itself when one does not become so, and removing
// everything in an order that never leaves a cluster which refuses pods with nobody there to admit them.
//
// It refuses to touch what it did not make: an object of the same name that is somebody else's, an EKS agent that holds the address ours
// would need, a namespace in which the agent's pods would be forbidden. It deletes state only when told to.
//
// It may import charts/podpass, image, Helm's and Kubernetes' client libraries. What the values mean is the chart's to say.
package install
