package sigv4

import (
	"net/http"
	"sync"
)

// maxKeys is how many signing keys are remembered: each is good for a day, a region and a service.
const maxKeys = 1024

// Keys verifies signatures and remembers the signing keys of those that were right, which an agent uses a thousand times a day. What is
// remembered follows from the secret alone and so never is out of date. The zero value is ready, and safe for concurrent use.
type Keys struct {
	mu    sync.Mutex
	known map[keyOf][]byte
}

// keyOf is all that a signing key is derived of.
type keyOf struct {
	secret string
	scope  Scope
}

// Verify computes a signature anew with the secret of its access key and compares. body is the whole body as received. A nil error means
// that whoever holds the secret made this request for this host, path, query, body and time.
func (k *Keys) Verify(s *Signature, r *http.Request, body []byte, secret string) error {
	of := keyOf{secret, s.Scope}
	k.mu.Lock()
	key, known := k.known[of]
	k.mu.Unlock()
	if !known {
		key = signingKey(secret, s.Scope)
	}
	if err := s.verify(r, body, key); err != nil || known {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil || len(k.known) >= maxKeys {
		k.known = map[keyOf][]byte{} // to begin anew is cheaper than to know which one was used last
	}
	k.known[of] = key
	return nil
}
