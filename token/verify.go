package token

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"math/big"
	"time"
)

// Leeway is how far the clocks of an issuer and of this machine may disagree, on every time in a token.
const Leeway = 60 * time.Second

// Verify checks the signature with the source's key for the token's kid, then the times against now:
//
//   - exp is the first second at which the token is over (RFC 7519, "on or after"): refused from exp + Leeway on, that instant included;
//   - nbf is the first second at which it is valid: accepted from nbf - Leeway on, that instant included;
//   - iat may lie any time back, and ahead as far as nbf may.
//
// The error is an *Error. Times are looked at last, so that a forged token learns nothing of the clock.
func (t *Token) Verify(ctx context.Context, keys Source, now time.Time) error {
	if keys == nil {
		return &Error{Reason: KeysUnavailable, Detail: "issuer has no key source"}
	}
	key, err := keys.Key(ctx, t.KeyID, t.Algorithm)
	if err != nil {
		if refused := (*Error)(nil); errors.As(err, &refused) {
			return refused
		}
		return &Error{Reason: KeysUnavailable, Detail: err.Error()}
	}
	if !t.signedBy(key) {
		return &Error{Reason: BadSignature, Detail: "signature does not match"}
	}
	c := &t.Claims
	switch {
	case !now.Before(c.Expiry.Add(Leeway)):
		return &Error{Reason: Expired, Detail: "token has expired", Now: now, Limit: c.Expiry}
	case now.Before(c.NotBefore.Add(-Leeway)):
		return &Error{Reason: NotYetValid, Detail: "token is not valid yet", Now: now, Limit: c.NotBefore}
	case now.Before(c.IssuedAt.Add(-Leeway)):
		return &Error{Reason: NotYetValid, Detail: "token was issued in the future", Now: now, Limit: c.IssuedAt}
	}
	return nil
}

// signedBy lets the key, not the token, say which family of algorithms is meant: an RSA key takes RS*, a curve its one ES*.
func (t *Token) signedBy(key crypto.PublicKey) bool {
	if !fits(key, t.Algorithm) {
		return false
	}
	hash := algorithmHash(t.Algorithm)
	digest := digest(hash, t.signed)
	switch key := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, hash, digest, t.signature) == nil
	case *ecdsa.PublicKey:
		// RFC 7518 section 3.4: r and s, each as long as the curve's order, and nothing else.
		size := (key.Params().BitSize + 7) / 8
		if len(t.signature) != 2*size {
			return false
		}
		return ecdsa.Verify(key, digest, new(big.Int).SetBytes(t.signature[:size]), new(big.Int).SetBytes(t.signature[size:]))
	}
	return false
}

// fits reports whether a key is of the kind an algorithm is for.
func fits(key crypto.PublicKey, algorithm string) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return algorithm == "RS256" || algorithm == "RS384" || algorithm == "RS512"
	case *ecdsa.PublicKey:
		switch key.Params().BitSize {
		case 256:
			return algorithm == "ES256"
		case 384:
			return algorithm == "ES384"
		case 521:
			return algorithm == "ES512"
		}
	}
	return false
}

// algorithmHash is the hash of an algorithm accepted here, and 0 for any other.
func algorithmHash(algorithm string) crypto.Hash {
	switch algorithm {
	case "RS256", "ES256":
		return crypto.SHA256
	case "RS384", "ES384":
		return crypto.SHA384
	case "RS512", "ES512":
		return crypto.SHA512
	}
	return 0
}

func digest(hash crypto.Hash, text string) []byte {
	switch hash {
	case crypto.SHA256:
		sum := sha256.Sum256([]byte(text))
		return sum[:]
	case crypto.SHA384:
		sum := sha512.Sum384([]byte(text))
		return sum[:]
	default:
		sum := sha512.Sum512([]byte(text))
		return sum[:]
	}
}
