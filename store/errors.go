package store

import (
	"errors"
	"fmt"
)

var (
	// ErrStale: this replica could not renew its lease; it must not answer from its indexes.
	ErrStale = errors.New("the store's lease could not be renewed")
	// ErrLocked: another process uses the data directory.
	ErrLocked = errors.New("data directory is locked by another process")
	// ErrUnavailable: etcd did not answer, or not in time. Whether the write it is returned for was made is not known.
	ErrUnavailable = errors.New("the store is unavailable")
	// ErrNoSpace: the disk is too full to start on, or has become so.
	ErrNoSpace = errors.New("not enough free space on the disk")
	// ErrTooLarge: a transaction of more records than etcd takes at once (1,024 embedded; --max-txn-ops, 128 by default, of an external
	// cluster), or a record of more than 1 MB.
	ErrTooLarge = errors.New("too much for one transaction")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// VersionError says that a data directory was written by another version of podpass.
type VersionError struct {
	Dir         string
	Found, Want string // format versions
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("data directory %s has format %s, and this podpass reads format %s: use the podpass that wrote it, or another --data-dir",
		e.Dir, e.Found, e.Want)
}

// unavailable marks what etcd's client returned.
func unavailable(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, err)
}
