package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/podpass/podpass/webhook"
)

// Identities follows the file of container credentials.
type Identities struct {
	*source[struct{}]
	path   string
	resync time.Duration
}

var _ webhook.Associations = (*Identities)(nil)

// NewIdentities makes Identities that are empty until Run has begun. A file that does not exist has no entries; one that vanishes keeps them, because
// that is how some programs replace a file.
func NewIdentities(path string, resync time.Duration, log *slog.Logger, registry prometheus.Registerer) (*Identities, error) {
	s, err := newSource("container credentials file", parseIdentities, log, registry)
	return &Identities{source: s, path: path, resync: resync}, err
}

// Run follows until the context is done.
func (i *Identities) Run(ctx context.Context) {
	Follow(ctx, i.resync, func(texts [][]byte, err error) {
		switch {
		case err == nil:
			i.take(texts[0])
		case errors.Is(err, fs.ErrNotExist) && i.ready() != nil:
			i.log.Warn("the container credentials file does not exist: nobody is in it", "path", i.path)
			i.take(nil)
		default:
			i.settle(nil, fmt.Errorf("%s: %w", i.path, err))
		}
	}, i.path)
}

// Associated answers out of memory. The file is the word of whoever writes it: there is nothing more current to ask.
func (i *Identities) Associated(_ context.Context, namespace, name string) (associated, current bool) {
	return i.Matching(namespace, name), true
}

// Matching reports whether the account is in the file.
func (i *Identities) Matching(namespace, name string) bool {
	_, ok := i.find(namespace, name)
	return ok
}

// Ready is nil once the file was looked for.
func (i *Identities) Ready() error { return i.ready() }
