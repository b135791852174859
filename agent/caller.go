package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/token"
)

// digest is a SHA-256: of a token, or of what makes two tokens the same caller's.
type digest [sha256.Size]byte

// known is what is remembered of a token that was verified. Strings are copies, so that they don't keep the token's whole text.
type known struct {
	key     digest // of the caller
	podUID  string // "" of a token that is bound to no pod
	account identity.ServiceAccount
	signer  keyName
	expiry  time.Time
}

// caller is who presents a token.
type caller struct {
	known
	raw      string
	hash     digest     // of raw
	from     netip.Addr // where the token came from; zero where that is not known
	verified bool       // by the cluster's keys, or by the backend earlier; otherwise nothing in known may be believed
}

// flight is the key under which callers share a call of the backend. One that is not verified shares it with nobody but itself: by its claims it
// could join, and get the credentials of, the pod it claims to be.
func (c *caller) flight() digest {
	if c.verified {
		return c.key
	}
	return c.hash
}

// identify reads and, where the keys are there, verifies a token. A token that is known again costs a hash.
func (a *Agent) identify(ctx context.Context, raw string) (*caller, *Error) {
	c := &caller{raw: raw, hash: sha256.Sum256([]byte(raw))}
	now := a.cfg.Now()
	a.mu.Lock()
	c.known, c.verified = a.known.get(c.hash)
	a.mu.Unlock()
	if c.verified {
		if !now.Before(c.expiry.Add(token.Leeway)) {
			return nil, invalid("token is expired", "the token expired at "+c.expiry.Format(time.RFC3339))
		}
		return c, nil
	}
	// Those who come with one token at once have it read and verified once. The one who does it may leave.
	found, _, _ := a.readings.Do(string(c.hash[:]), func() (any, error) {
		var r reading
		r.known, r.verified, r.err = a.examine(context.WithoutCancel(ctx), raw, c.hash, now)
		return r, nil
	})
	r := found.(reading)
	c.known, c.verified = r.known, r.verified
	if r.err != nil {
		return nil, r.err
	}
	return c, nil
}

// reading is what was found out about a token.
type reading struct {
	known
	verified bool
	err      *Error
}

// examine reads a token and, where the keys are there, verifies it, and remembers one that is good.
func (a *Agent) examine(ctx context.Context, raw string, hash digest, now time.Time) (k known, verified bool, refused *Error) {
	t, err := token.Parse(raw)
	if err != nil {
		return k, false, unreadable(err.Error(), "the token is not a service account token as kubelet writes them: "+err.Error())
	}
	if k, refused = a.read(t); refused != nil {
		return k, false, refused
	}
	if err = a.verify(ctx, t, now); err == nil {
		verified = a.keys != nil
	} else if e := (*token.Error)(nil); !errors.As(err, &e) || e.Reason != token.KeysUnavailable {
		return k, false, invalid(err.Error(), "the token was not accepted by this node's agent: "+err.Error())
	}
	if verified {
		a.mu.Lock()
		a.known.put(hash, k)
		a.mu.Unlock()
	}
	return k, verified, nil
}

// verify checks the signature where the keys can be had. Whether or not they can, the times must be right.
func (a *Agent) verify(ctx context.Context, t *token.Token, now time.Time) error {
	c := &t.Claims
	switch {
	case !now.Before(c.Expiry.Add(token.Leeway)):
		return errors.New("token is expired")
	case now.Before(c.NotBefore.Add(-token.Leeway)), now.Before(c.IssuedAt.Add(-token.Leeway)):
		return errors.New("token is not valid yet")
	case a.keys == nil:
		return nil
	}
	return t.Verify(ctx, a.keys, now)
}

// read finds out whose a token says it is.
func (a *Agent) read(t *token.Token) (known, *Error) {
	c := &t.Claims
	account, err := identity.ParseSubject(c.Subject)
	k := &c.Kubernetes
	switch {
	case err != nil,
		k.Namespace != "" && k.Namespace != account.Namespace,
		k.ServiceAccount != "" && k.ServiceAccount != account.Name:
		return known{}, invalid("token is of no service account", "the token's subject is not the Kubernetes service account it is bound to")
	case a.cfg.Issuer != "" && c.Issuer != a.cfg.Issuer:
		return known{}, invalid("token has invalid issuer", "the token's issuer is not this cluster's, "+a.cfg.Issuer)
	case a.cfg.Audience != "" && !slices.Contains(c.Audience, a.cfg.Audience):
		return known{}, invalid("token has invalid audience", "the token's audience must be "+a.cfg.Audience+"; check the audience of the projected volume")
	}
	// No claim holds a control character, so that no two lists are one text.
	parts := append([]string{c.Issuer, k.PodUID, c.Subject, k.ServiceAccountUID}, c.Audience...)
	return known{
		key: sha256.Sum256([]byte(strings.Join(parts, "\x00"))), podUID: strings.Clone(k.PodUID), signer: signerOf(t), expiry: c.Expiry,
		account: identity.ServiceAccount{Namespace: strings.Clone(account.Namespace), Name: strings.Clone(account.Name)},
	}, nil
}

// invalid is a 400 as the EKS agent's for claims it does not accept.
func invalid(what, reason string) *Error {
	return &Error{Status: http.StatusBadRequest, Message: "Service account token failed basic claim validations: " + what, Reason: reason}
}

// unreadable is a 400 as the EKS agent's for what is no token.
func unreadable(what, reason string) *Error {
	return &Error{Status: http.StatusBadRequest, Message: "Service account token cannot be parsed: " + what, Reason: reason}
}
