// Package storetest is what tests of and on the store share: Open gives a store of the test's own, Run is the suite that every kind of etcd must
// pass.
package storetest
