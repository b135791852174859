// Package awserr is the one error type that reaches a client of an AWS-shaped API, and the boundary at which everything
// unknown becomes a bare internal failure.
//
// Errors are named in the Query protocol's family (STS, IAM); JSON translates the ones every service has (authentication, throttling,
// failures of our own) into the names EKS and its kin use. A public message is a constant or built from what the caller sent; what the
// server knows goes into the cause, which is for the audit event and the log.
//
// It may import the packages whose errors it translates (store, policy, session) and nothing that serves requests.
package awserr
