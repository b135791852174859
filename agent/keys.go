package agent

import (
	"context"
	"crypto"
	"errors"
	"sync"
	"time"

	"github.com/podpass/podpass/token"
)

const (
	keyFresh    = 60 * time.Second       // a key younger than this is used without asking
	keyPatience = 300 * time.Millisecond // how long a source may take before a key it gave earlier is used
	newPatience = time.Second            // how long it may take where there is none, before the token is left to the backend
)

// patientKeys keeps a token's check from waiting for the network. Where a source cannot be reached, or not soon, a key it gave earlier stands:
// an outage that also hides the keys must not turn away a pod whose token was rotated meanwhile. A key the source denies is gone at once.
type patientKeys struct {
	source token.Source
	now    func() time.Time

	mu   sync.Mutex
	last map[keyName]keptKey // as many as the cluster has keys, for names the source does not know are not kept
}

type keyName struct{ kid, algorithm string }

type keptKey struct {
	key crypto.PublicKey
	got time.Time
}

func (p *patientKeys) Key(ctx context.Context, kid, algorithm string) (crypto.PublicKey, error) {
	name := keyName{kid, algorithm}
	p.mu.Lock()
	kept, ok := p.last[name]
	p.mu.Unlock()
	if ok && p.now().Sub(kept.got) < keyFresh {
		return kept.key, nil
	}
	wait := newPatience
	if ok {
		wait = keyPatience
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	key, err := p.source.Key(ctx, kid, algorithm)
	if refused := (*token.Error)(nil); ok && err != nil && (!errors.As(err, &refused) || refused.Reason == token.KeysUnavailable) {
		return kept.key, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		delete(p.last, name)
		return nil, err
	}
	p.last[name] = keptKey{key, p.now()}
	return key, nil
}
