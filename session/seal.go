package session

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/podpass/podpass/identity"
)

// version of the token's form; it is the token's first byte and bound as associated data.
const version = 1

const (
	headerSize = 1 + keyIDSize
	sealedFrom = headerSize + chacha20poly1305.NonceSizeX
	overhead   = sealedFrom + chacha20poly1305.Overhead
)

// Mint seals a session; minSize pads the token to at least that many bytes (MinimumSessionTokenSize, at most MaxToken). random gives the session
// id and the nonce. The session returned is s as Open will give it back. A *TooLargeError says that it does not fit into MaxToken.
func (r *Ring) Mint(random io.Reader, s Session, minSize int) (Credentials, Session, error) {
	key, err := r.minting()
	if err != nil {
		return Credentials{}, Session{}, err
	}
	s.IssuedAt, s.Expires = s.IssuedAt.Truncate(time.Second).UTC(), s.Expires.Truncate(time.Second).UTC()
	if err := s.check(); err != nil {
		return Credentials{}, Session{}, err
	}
	if minSize > MaxToken {
		return Credentials{}, Session{}, fmt.Errorf("session token of at least %d bytes: the most is %d", minSize, MaxToken)
	}
	token := make([]byte, sealedFrom, 1024)
	token[0] = version
	copy(token[1:], key.id[:])
	if _, err := io.ReadFull(random, s.ID[:]); err != nil {
		return Credentials{}, Session{}, fmt.Errorf("session id: %w", err)
	}
	nonce := token[headerSize:sealedFrom]
	if _, err := io.ReadFull(random, nonce); err != nil {
		return Credentials{}, Session{}, fmt.Errorf("session nonce: %w", err)
	}
	payload, err := r.encode(&s, base64.StdEncoding.DecodedLen(minSize+3)-overhead)
	if err != nil {
		return Credentials{}, Session{}, err
	}
	size := base64.StdEncoding.EncodedLen(overhead + len(payload))
	if size > MaxToken {
		return Credentials{}, Session{}, &TooLargeError{Percent: (size*100 + MaxToken - 1) / MaxToken}
	}
	id, secret, err := key.credentials(&s)
	if err != nil {
		return Credentials{}, Session{}, err
	}
	token = key.seal.Seal(token, nonce, payload, additional(token[:headerSize], id))
	return Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: base64.StdEncoding.EncodeToString(token), Expires: s.Expires}, s, nil
}

// Open authenticates a session token presented with an access key id, and gives the secret access key its requests must be signed with. It does not judge
// expiry or revocation. Errors: ErrInvalid for anything not sealed by this ring or carried by another access key id.
func (r *Ring) Open(accessKeyID, sessionToken string) (s Session, secret string, err error) {
	// The decoder skips line breaks even when it is strict; a token has one spelling.
	if len(sessionToken) > MaxToken || len(accessKeyID) > 128 || strings.ContainsAny(sessionToken, "\r\n") {
		return Session{}, "", ErrInvalid
	}
	token, err := base64.StdEncoding.Strict().DecodeString(sessionToken)
	if err != nil || len(token) < overhead || token[0] != version {
		return Session{}, "", ErrInvalid
	}
	key, err := r.opening([keyIDSize]byte(token[1:headerSize]))
	if err != nil {
		return Session{}, "", ErrInvalid
	}
	payload, err := key.seal.Open(token[sealedFrom:sealedFrom], token[headerSize:sealedFrom], token[sealedFrom:], additional(token[:headerSize], accessKeyID))
	if err != nil {
		return Session{}, "", ErrInvalid
	}
	if s, err = decode(payload); err != nil {
		return Session{}, "", ErrInvalid
	}
	id, secret, err := key.credentials(&s)
	if err != nil || subtle.ConstantTimeCompare([]byte(id), []byte(accessKeyID)) != 1 {
		return Session{}, "", ErrInvalid
	}
	return s, secret, nil
}

// credentials derives the access key id (it carries the account, as AWS's do) and the 40-character secret access key of a session.
func (k *subkeys) credentials(s *Session) (id, secret string, err error) {
	tail, err := hkdf.Expand(sha256.New, k.derive, "access key id "+string(s.ID[:]), 8)
	if err != nil {
		return "", "", err
	}
	raw, err := hkdf.Expand(sha256.New, k.derive, "secret access key "+string(s.ID[:]), 30)
	if err != nil {
		return "", "", err
	}
	return identity.UniqueID(identity.PrefixTemporary, s.Account, [8]byte(tail)), base64.StdEncoding.EncodeToString(raw), nil
}

func additional(header []byte, accessKeyID string) []byte {
	return append(append(make([]byte, 0, 64), header...), accessKeyID...)
}
