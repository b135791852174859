package session

import (
	"bytes"
	"compress/flate"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// Ring is the set of sealing keys, oldest first. It is immutable and safe for concurrent use; JSON is its stored form. A ring comes from NewRing,
// from JSON, or from a method of another ring: one put together by hand opens and mints nothing.
type Ring struct {
	Keys []Key `json:"keys"`

	subkeys []subkeys // of Keys, in the same order
	writers *sync.Pool
}

// Key is one sealing key. It is first published (every replica can open what it seals), then active, then retired.
type Key struct {
	ID      string    `json:"id"`     // 8 lower-case hexadecimal digits
	Secret  []byte    `json:"secret"` // 32 bytes
	Created time.Time `json:"created"`
	Active  bool      `json:"active"`           // used for minting (the newest active one)
	Retired time.Time `json:"retired,omitzero"` // when a newer key took over; dropped once every session it sealed has expired
}

// String names the key and keeps its secret out of logs.
func (k Key) String() string { return "ring key " + k.ID }

// GoString is String, for %#v.
func (k Key) GoString() string { return k.String() }

const (
	keyIDSize  = 4
	secretSize = 32
	maxKeys    = 256 // a ring is read at every start and change; more keys than this is not a ring of ours
)

type subkeys struct {
	id     [keyIDSize]byte
	seal   cipher.AEAD
	derive []byte
}

// NewRing makes a ring with one active key.
func NewRing(random io.Reader, now time.Time) (*Ring, error) {
	r, id, err := (&Ring{}).Publish(random, now)
	if err != nil {
		return nil, err
	}
	return r.Activate(id, now)
}

// Publish is r with a new key that is not used for minting yet. Store it, wait until every replica has seen it, then Activate it.
func (r *Ring) Publish(random io.Reader, now time.Time) (ring *Ring, keyID string, err error) {
	k := Key{Secret: make([]byte, secretSize), Created: now.UTC()}
	var id [keyIDSize]byte
	for k.ID == "" || r.find(k.ID) >= 0 {
		if _, err := io.ReadFull(random, id[:]); err != nil {
			return nil, "", fmt.Errorf("new ring key: %w", err)
		}
		k.ID = hex.EncodeToString(id[:])
	}
	if _, err := io.ReadFull(random, k.Secret); err != nil {
		return nil, "", fmt.Errorf("new ring key: %w", err)
	}
	ring, err = build(append(slices.Clone(r.Keys), k))
	return ring, k.ID, err
}

// Activate is r minting with a published key from now on; the key used so far is retired. A retired key cannot come back.
func (r *Ring) Activate(keyID string, now time.Time) (*Ring, error) {
	at := r.find(keyID)
	if at < 0 {
		return nil, fmt.Errorf("ring has no key %s to activate: publish a new one", keyID)
	}
	if !r.Keys[at].Retired.IsZero() {
		return nil, fmt.Errorf("ring key %s is retired: publish a new one", keyID)
	}
	keys := slices.Clone(r.Keys)
	for i := range keys {
		if i != at && keys[i].Active {
			keys[i].Active, keys[i].Retired = false, now.UTC()
		}
	}
	keys[at].Active = true
	return build(keys)
}

// Prune is r without the keys that can no longer matter: those retired, or published and never activated, more than keepFor ago. keepFor must
// be longer than MaxDuration plus the time a replica may go on minting with a key after its retirement was written.
func (r *Ring) Prune(now time.Time, keepFor time.Duration) (*Ring, error) {
	if keepFor <= MaxDuration {
		return nil, fmt.Errorf("keys must be kept for more than %v after they are retired", MaxDuration)
	}
	return build(slices.DeleteFunc(slices.Clone(r.Keys), func(k Key) bool {
		last := k.Retired
		if last.IsZero() {
			last = k.Created
		}
		return !k.Active && now.Sub(last) > keepFor
	}))
}

// UnmarshalJSON reads a stored ring and derives its subkeys.
func (r *Ring) UnmarshalJSON(text []byte) error {
	var stored struct {
		Keys []Key `json:"keys"`
	}
	if err := json.Unmarshal(text, &stored); err != nil {
		return fmt.Errorf("key ring: %w", err)
	}
	built, err := build(stored.Keys)
	if err == nil {
		*r = *built
	}
	return err
}

func build(keys []Key) (*Ring, error) {
	if len(keys) > maxKeys {
		return nil, fmt.Errorf("key ring has more than %d keys: wait until retired ones can be dropped", maxKeys)
	}
	r := &Ring{Keys: keys, subkeys: make([]subkeys, len(keys)), writers: &sync.Pool{New: newWriter}}
	for i, k := range keys {
		if r.find(k.ID) != i {
			return nil, fmt.Errorf("key ring has two keys %s", k.ID)
		}
		if err := r.subkeys[i].from(k); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// newWriter is the pool's: a flate.Writer is far too big (over 500 kB) to make one for a session.
func newWriter() any {
	w, _ := flate.NewWriterDict(nil, flate.BestCompression, []byte(dictionary)) // errs only for a level out of range
	return w
}

func (s *subkeys) from(k Key) error {
	id, err := hex.DecodeString(k.ID)
	if err != nil || len(id) != keyIDSize || hex.EncodeToString(id) != k.ID {
		return fmt.Errorf("ring key id %q is not %d lower-case hexadecimal digits", k.ID, 2*keyIDSize)
	}
	copy(s.id[:], id)
	if len(k.Secret) != secretSize || bytes.Equal(k.Secret, make([]byte, secretSize)) {
		return fmt.Errorf("ring key %s has no secret of %d bytes", k.ID, secretSize)
	}
	seal, err := hkdf.Key(sha256.New, k.Secret, nil, "podpass session sealing v1", chacha20poly1305.KeySize)
	if err != nil {
		return err
	}
	if s.derive, err = hkdf.Key(sha256.New, k.Secret, nil, "podpass session derivation v1", sha256.Size); err != nil {
		return err
	}
	s.seal, err = chacha20poly1305.NewX(seal)
	return err
}

func (r *Ring) find(keyID string) int {
	return slices.IndexFunc(r.Keys, func(k Key) bool { return k.ID == keyID })
}

// minting is the newest active key's subkeys.
func (r *Ring) minting() (*subkeys, error) {
	at := -1
	for i, k := range r.Keys[:len(r.subkeys)] {
		if k.Active && k.Retired.IsZero() && (at < 0 || !k.Created.Before(r.Keys[at].Created)) {
			at = i
		}
	}
	if at < 0 {
		return nil, ErrNoActiveKey
	}
	return &r.subkeys[at], nil
}

// opening is the subkeys of the key a token names. Ids are random and few: a scan of a handful of them beats a map.
func (r *Ring) opening(id [keyIDSize]byte) (*subkeys, error) {
	for i := range r.subkeys {
		if r.subkeys[i].id == id {
			return &r.subkeys[i], nil
		}
	}
	return nil, errors.New("sealed under a key the ring does not have")
}
