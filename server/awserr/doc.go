// Package awserr is the one error type that reaches a client of an AWS-shaped API, and the boundary at which everything
// unknown becomes a bare internal failure.
package awserr
