// Package store is the state of the authority, on etcd.
package store
