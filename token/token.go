package token

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
)

// MaxSize is the longest token read, in bytes, as in STS's API model (WebIdentityToken, 4-20000).
const MaxSize = 20000

// Token is parsed and not yet verified: nothing in it may be believed before Verify has returned nil.
type Token struct {
	Algorithm string // RS256, RS384, RS512, ES256, ES384 or ES512
	KeyID     string // the kid header; "" if absent
	Claims    Claims

	signed    string // header and claims as they stood in the token, what the signature is over
	signature []byte
}

// Claims are what the exchange uses of a token. Strings hold no control characters.
type Claims struct {
	Issuer                      string
	Subject                     string
	Audience                    []string  // of aud, a string or an array; empty if absent
	Expiry, IssuedAt, NotBefore time.Time // whole seconds, UTC; NotBefore zero if absent
	ID                          string    // jti
	AMR                         []string
	AuthorizedParty             string // azp
	Kubernetes                  Kubernetes
	// from the claims https://aws.amazon.com/tags and https://aws.amazon.com/source_identity
	Tags           []Tag // in the order they stood; AWS's limits on them are not checked here
	TransitiveKeys []string
	SourceIdentity string
}

// Tag is one principal tag: one value a key; more is Malformed.
type Tag struct{ Key, Value string }

// Kubernetes is the kubernetes.io claim; empty strings where absent.
type Kubernetes struct {
	Namespace, ServiceAccount, ServiceAccountUID, Pod, PodUID, Node, NodeUID string
}

// Parse reads a token in JWS compact serialisation (RFC 7515, section 7.1) of at most MaxSize bytes and refuses, as an *Error that is
// Malformed or UnsupportedAlgorithm, whatever two readers could understand in two ways: anything but three canonical base64url parts,
// a JSON member twice, trailing data, text that is not UTF-8. It requires iss, sub, and exp and iat as integers, as STS does.
func Parse(raw string) (*Token, error) {
	if len(raw) > MaxSize {
		return nil, malformed("token is longer than %d bytes", MaxSize)
	}
	if strings.Count(raw, ".") != 2 {
		return nil, malformed("token does not have three parts")
	}
	end := strings.LastIndexByte(raw, '.')
	header, claims, _ := strings.Cut(raw[:end], ".")

	t := &Token{signed: raw[:end]}
	text, err := decode(header)
	if err == nil {
		err = t.readHeader(string(text))
	}
	if err != nil {
		return nil, refusal("header", err)
	}
	if text, err = decode(claims); err == nil {
		err = t.Claims.read(string(text))
	}
	if err != nil {
		return nil, refusal("claims", err)
	}
	if t.signature, err = decode(raw[end+1:]); err != nil {
		return nil, refusal("signature", err)
	}
	if len(t.signature) == 0 {
		return nil, malformed("token has no signature")
	}
	return t, nil
}

// Hash is the hex SHA-256 of the raw token's text, what audit events carry instead of it.
func Hash(raw string) string {
	sum := sha256.Sum256([]byte(raw))
	return hex.EncodeToString(sum[:])
}

// decode reads canonical, unpadded base64url. Decoders, Go's strict one included, skip line ends, and lenient ones ignore the unused bits
// of the last character: either would make several texts one token. Strict minds the bits, and what was skipped shows in the length.
func decode(part string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || base64.RawURLEncoding.EncodedLen(len(b)) != len(part) {
		return nil, malformed("not canonical unpadded base64url")
	}
	return b, nil
}

func refusal(part string, err error) *Error {
	if e, ok := err.(*Error); ok {
		return &Error{Reason: e.Reason, Detail: "token " + part + ": " + e.Detail}
	}
	return malformed("token %s: %v", part, err)
}
