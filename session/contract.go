package session

import (
	"io"
	"time"

	"github.com/podpass/podpass/identity"
)

// Kind of principal a session stands for; the zero value is refused.
type Kind uint8

const (
	_ Kind = iota
	AssumedRole
	UserToken // GetSessionToken of a user
)

// Session is what a session token seals. It is complete: verifying a session needs no lookup but of its role or user.
type Session struct {
	ID                [16]byte // random, set by Mint
	Kind              Kind
	Account           identity.Account
	PrincipalID       string        // AROA… of the role, AIDA… of the user
	PrincipalName     string        // role or user name
	Name              string        // role session name
	Tags              identity.Tags // session tags (inherited transitive ones included)
	TransitiveKeys    []string
	SourceIdentity    string
	Policy            string   // inline session policy, "" none
	PolicyARNs        []string // managed session policies
	Chained           bool
	Provider          string // OIDC provider ARN
	Subject, Issuer   string
	Cluster, PodUID   string
	IssuedAt, Expires time.Time // whole seconds
}

// Credentials are what the caller gets.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expires                                    time.Time
}

// MaxToken is the longest session token, in bytes (STS API, September 2026).
const MaxToken = 4096

// TooLargeError is returned by Mint for what does not fit.
type TooLargeError struct{ Percent int }

func (e *TooLargeError) Error() string { panic("contract") }

// Ring is the set of sealing keys, immutable; JSON is its stored form.
type Ring struct {
	Keys []Key `json:"keys"`
}
type Key struct {
	ID      string    `json:"id"`
	Secret  []byte    `json:"secret"` // 32 bytes
	Created time.Time `json:"created"`
	Active  bool      `json:"active"`           // used for minting (the newest active one)
	Retired time.Time `json:"retired,omitzero"` // when a newer key took over; dropped once every session it sealed has expired
}

// Mint seals a session; minSize pads the token to at least that many bytes (MinimumSessionTokenSize). random gives the session id and nonce.
func (r *Ring) Mint(random io.Reader, s Session, minSize int) (Credentials, Session, error) {
	panic("contract")
}

// Open authenticates a session token presented with an access key id. It does not judge expiry or revocation.
// Errors: ErrInvalid for anything not sealed by this ring or carried by another access key id.
func (r *Ring) Open(accessKeyID, sessionToken string) (s Session, secret string, err error) {
	panic("contract")
}
