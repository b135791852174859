package session

import (
	"errors"
	"fmt"
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

func (k Kind) known() bool { return k == AssumedRole || k == UserToken }

const (
	// MaxToken is the longest session token, in bytes (STS API, September 2026).
	MaxToken = 4096
	// MaxDuration is the longest session there is: GetSessionToken's 36 hours. Rings keep retired keys for longer than this.
	MaxDuration = 36 * time.Hour
)

var (
	// ErrInvalid is Open's only error: the token was not sealed by this ring, was changed, or belongs to another access key id. It does not
	// say which.
	ErrInvalid = errors.New("session token is not valid")

	// ErrNoActiveKey is Mint's error for a ring none of whose keys is in use.
	ErrNoActiveKey = errors.New("key ring has no active key: rotate the ring")
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

// String names the credentials without giving them away, whatever verb prints them.
func (c Credentials) String() string { return c.AccessKeyID }

// GoString is String, for %#v.
func (c Credentials) GoString() string { return c.AccessKeyID }

// TooLargeError is returned by Mint for what does not fit into MaxToken bytes. On the wire it is PackedPolicyTooLarge, with this very text.
type TooLargeError struct {
	Percent int // of MaxToken, above 100
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("Packed size of session tags consumes %d%% of allotted space.", e.Percent)
}

// check refuses what a token must never stand for.
func (s *Session) check() error {
	if !s.Kind.known() {
		return fmt.Errorf("session of unknown kind %d", s.Kind)
	}
	if _, err := identity.ParseAccount(string(s.Account)); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if s.PrincipalID == "" {
		return errors.New("session names no principal")
	}
	if len(s.Tags) > maxList || len(s.TransitiveKeys) > maxList || len(s.PolicyARNs) > maxList {
		return fmt.Errorf("session has a list of more than %d entries", maxList)
	}
	if s.IssuedAt.Unix() < 0 || !s.Expires.After(s.IssuedAt) || s.Expires.Sub(s.IssuedAt) > MaxDuration {
		return fmt.Errorf("session issued at %v must expire within %v of that, not at %v", s.IssuedAt, MaxDuration, s.Expires)
	}
	return nil
}
