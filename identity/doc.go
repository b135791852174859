// Package identity holds the names this system reasons about, as values: ARNs, accounts, partitions, regions,
// service accounts, issuers, tags and unique ids.
//
// Every type is comparable and opaque where a malformed value would be dangerous: it comes from a Parse function
// that refuses what AWS or Kubernetes would refuse, and its zero value is "none". The package is pure (no clock, no
// I/O, no global state) and imports nothing else of this project.
package identity
