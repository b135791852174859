package agent

import (
	"context"
	"crypto"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/podpass/podpass/token"
)

const (
	keyFresh    = 60 * time.Second       // a key younger than this is used without asking
	keyPatience = 300 * time.Millisecond // how long a source may take before a key it gave earlier is used
	newPatience = time.Second            // how long it may take where there is none, before the token is left to the backend

	recheckPatience = 5 * time.Second // how long it may take where nobody waits
)

// patientKeys keeps a token's check from waiting for the network. Where a source cannot be reached, or not soon, a key it gave earlier stands:
// an outage that also hides the keys must not turn away a pod whose token was rotated meanwhile. A key the source denies is gone at once.
type patientKeys struct {
	source    token.Source
	now       func() time.Time
	withdrawn func(keyName) // the key of this name is gone, or another one; called without any lock

	mu   sync.Mutex
	last map[keyName]keptKey // as many as the cluster has keys, for names the source does not know are not kept
}

// keyName is what a token calls the key it is signed with; the zero value is that of no token.
type keyName struct{ kid, algorithm string }

// signerOf copies, so that it doesn't keep the token's whole text.
func signerOf(t *token.Token) keyName {
	return keyName{strings.Clone(t.KeyID), strings.Clone(t.Algorithm)}
}

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
	if ok && unreachable(err) {
		return kept.key, nil
	}
	p.settle(keyName{strings.Clone(kid), strings.Clone(algorithm)}, key, err)
	return key, err
}

// unreachable reports whether a source has said nothing of a key, neither that it has it nor that it has not.
func unreachable(err error) bool {
	var refused *token.Error
	return err != nil && (!errors.As(err, &refused) || refused.Reason == token.KeysUnavailable)
}

// settle takes note of what a source has said of a key, and tells of one that it had said otherwise of.
func (p *patientKeys) settle(name keyName, key crypto.PublicKey, err error) (told bool) {
	if unreachable(err) {
		return false
	}
	p.mu.Lock()
	before, had := p.last[name]
	if err == nil {
		p.last[name] = keptKey{key, p.now()}
	} else {
		delete(p.last, name)
	}
	p.mu.Unlock()
	if told = had && (err != nil || !sameKey(before.key, key)); told {
		p.withdrawn(name)
	}
	return told
}

func sameKey(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(b)
}

// recheck asks the source about keys, those kept and those named, whether or not a token needs them now.
func (p *patientKeys) recheck(ctx context.Context, names map[keyName]bool) {
	p.mu.Lock()
	for name := range p.last {
		names[name] = true
	}
	p.mu.Unlock()
	for name := range names {
		p.recheckOne(ctx, name)
	}
}

func (p *patientKeys) recheckOne(ctx context.Context, name keyName) {
	ctx, cancel := context.WithTimeout(ctx, recheckPatience)
	defer cancel()
	key, err := p.source.Key(ctx, name.kid, name.algorithm)
	if told := p.settle(name, key, err); err != nil && !unreachable(err) && !told {
		p.withdrawn(name) // its tokens were verified by another agent, or by the backend
	}
}

// followKeys forgets tokens that were verified with keys the cluster has withdrawn since: a stolen key is no use for longer because it was used
// in time.
func (a *Agent) followKeys(ctx context.Context) {
	if a.keys == nil {
		return
	}
	for sleep(ctx, keyFresh); ctx.Err() == nil; sleep(ctx, keyFresh) {
		names := map[keyName]bool{}
		a.mu.Lock()
		a.known.each(func(_ digest, k known) { names[k.signer] = true })
		a.mu.Unlock()
		a.keys.recheck(ctx, names)
	}
}

// forgetSigner has the tokens of a withdrawn key verified again. Credentials stay with the pods that have them, to be renewed with the next token
// that is verified.
func (a *Agent) forgetSigner(name keyName) {
	a.cfg.Logger.Info("a key of the cluster was withdrawn", "kid", oneLine(name.kid), "algorithm", name.algorithm)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known.removeIf(func(k known) bool { return k.signer == name })
	a.entries.each(func(_ digest, e *entry) {
		if e.signer == name {
			e.expiry = time.Time{}
		}
	})
}
