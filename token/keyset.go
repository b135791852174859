package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Limits on a JWKS document. AWS reads 100 RSA and 100 EC keys of a provider.
const (
	maxDocument = 1 << 20 // bytes
	maxKeys     = 200
	minRSA      = 2048 // bits
	maxRSA      = 4096 // bits; verification time grows with the square, and go-jose reads no more
)

// KeySet is a parsed JWKS. It does not change.
type KeySet struct {
	keys []key
	byID map[string]*key // those with a kid
}

type key struct {
	id        string
	algorithm string // the JWK's alg; "" if it names none
	public    crypto.PublicKey
}

// ParseJWKS reads a JWKS document (RFC 7517) of at most 1 MB, as strictly as a token. It keeps RSA keys of 2048 to 4096 bits and EC keys
// on P-256, P-384 and P-521 that may verify signatures, and skips others, because issuers publish keys for other uses beside them. It
// refuses the whole document if it holds private key material, or one kid for two keys. No key at all is a set too: the issuer has
// withdrawn what it had; where that is a mistake, Len tells.
func ParseJWKS(b []byte) (*KeySet, error) {
	if len(b) > maxDocument {
		return nil, fmt.Errorf("JWKS is larger than %d bytes", maxDocument)
	}
	set := &KeySet{byID: map[string]*key{}}
	found := false
	err := read(string(b), func(r *reader) error {
		return r.object(func(name string) error {
			if name != "keys" {
				return r.skip()
			}
			found = true
			return r.array(func() error {
				k, err := readKey(r)
				if err != nil || k == nil {
					return err
				}
				if len(set.keys) == maxKeys {
					return r.fail("more than %d keys", maxKeys)
				}
				set.keys = append(set.keys, *k)
				return nil
			})
		})
	})
	if err != nil {
		return nil, fmt.Errorf("JWKS: %w", err)
	}
	if !found {
		return nil, fmt.Errorf("JWKS: no member \"keys\"")
	}
	for i := range set.keys {
		k := &set.keys[i]
		if k.id == "" {
			continue
		}
		if set.byID[k.id] != nil {
			return nil, fmt.Errorf("JWKS: kid %q names two keys", k.id)
		}
		set.byID[k.id] = k
	}
	return set, nil
}

// Len is the number of keys that can verify a token.
func (s *KeySet) Len() int { return len(s.keys) }

// Set makes a set a Publisher of itself.
func (s *KeySet) Set(context.Context) (*KeySet, error) { return s, nil }

// MarshalJSON is the JWKS document of the keys, with nothing but what verifies a token.
func (s *KeySet) MarshalJSON() ([]byte, error) {
	set := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, len(s.keys))}
	for i, k := range s.keys {
		set.Keys[i] = jose.JSONWebKey{Key: k.public, KeyID: k.id, Algorithm: k.algorithm, Use: "sig"}
	}
	return json.Marshal(set)
}

// Key makes a set its own source: see Static.
func (s *KeySet) Key(_ context.Context, kid, algorithm string) (crypto.PublicKey, error) {
	if kid != "" {
		k := s.byID[kid]
		switch {
		case k == nil:
			return nil, &Error{Reason: UnknownKey, Detail: fmt.Sprintf("no key has the kid %q", kid)}
		case !k.verifies(algorithm):
			return nil, &Error{Reason: UnknownKey, Detail: fmt.Sprintf("key %q is not for %s", kid, algorithm)}
		}
		return k.public, nil
	}
	var only *key
	for i := range s.keys {
		if !s.keys[i].verifies(algorithm) {
			continue
		}
		if only != nil {
			return nil, &Error{Reason: UnknownKey, Detail: "token has no kid and the issuer has several keys for " + algorithm}
		}
		only = &s.keys[i]
	}
	if only == nil {
		return nil, &Error{Reason: UnknownKey, Detail: "no key is for " + algorithm}
	}
	return only.public, nil
}

func (k *key) verifies(algorithm string) bool {
	return fits(k.public, algorithm) && (k.algorithm == "" || k.algorithm == algorithm)
}

// readKey reads one JWK; nil if it is not a key that verifies tokens.
func readKey(r *reader) (*key, error) {
	var kty, kid, use, alg, crv, n, private string
	var ops []string
	r.next()
	from := r.at
	err := r.object(func(name string) (err error) {
		switch name {
		case "kty":
			kty, err = r.nonEmpty()
		case "kid":
			if kid, err = r.plain(); len(kid) > maxKeyID {
				return r.fail("kid is longer than %d bytes", maxKeyID)
			}
		case "use":
			use, err = r.nonEmpty()
		case "alg":
			alg, err = r.nonEmpty()
		case "crv":
			crv, err = r.nonEmpty()
		case "n":
			n, err = r.nonEmpty()
		case "key_ops":
			ops, err = r.strings(r.plain)
		case "d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv":
			private = name
			return r.skip()
		default:
			return r.skip()
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case private != "":
		return nil, r.fail("key %q holds private key material (%q): publish public keys only, and replace this one", kid, private)
	case kty != "RSA" && (kty != "EC" || crv != "P-256" && crv != "P-384" && crv != "P-521"):
		return nil, nil
	case len(n) > base64.RawURLEncoding.EncodedLen(maxRSA/8):
		return nil, nil
	case use != "" && use != "sig", ops != nil && !slices.Contains(ops, "verify"):
		return nil, nil
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON([]byte(r.text[from:r.at])); err != nil {
		return nil, r.fail("key %q: %v", kid, err)
	}
	switch public := jwk.Key.(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < minRSA {
			return nil, nil
		}
		if public.E < 3 || public.E&1 == 0 || public.N.Bit(0) == 0 {
			return nil, r.fail("key %q is not a possible RSA key", kid)
		}
	case *ecdsa.PublicKey: // go-jose has checked that the point is on the curve
	default:
		return nil, nil
	}
	if alg != "" && !fits(jwk.Key, alg) {
		return nil, nil // for encryption, or for PS256 and the like, which STS doesn't take either
	}
	return &key{id: kid, algorithm: alg, public: jwk.Key}, nil
}
