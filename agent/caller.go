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

	forAssociation, forRoles bool // what its audiences are good for
}

// claim is what a token's owner asks for.
type claim struct {
	known
	role identity.ARN // zero: that of its association
	slot digest       // where its credentials are kept
}

func (k known) claim(role identity.ARN) claim {
	if role.IsZero() {
		return claim{k, role, k.key}
	}
	return claim{k, role, withRole(k.key, role)}
}

// withRole is another digest for each role; of none it is the one given.
func withRole(of digest, role identity.ARN) digest {
	if role.IsZero() {
		return of
	}
	return sha256.Sum256(append(of[:], role.String()...))
}

// caller is who presents a token.
type caller struct {
	claim
	raw      string
	hash     digest     // of raw
	from     netip.Addr // where the token came from; zero where that is not known
	verified bool       // by the cluster's keys, or by the backend earlier; otherwise nothing in known may be believed
}

// flight is the key under which callers share a call of the backend. One that is not verified shares it with nobody but itself: by its claims it
// could join, and get the credentials of, the pod it claims to be.
func (c *caller) flight() digest {
	if c.verified {
		return c.slot
	}
	return withRole(c.hash, c.role)
}

// identify reads and, where the keys are there, verifies a token. A token that is known again costs a hash.
func (a *Agent) identify(ctx context.Context, raw string, role identity.ARN) (*caller, *Error) {
	c := &caller{raw: raw, hash: sha256.Sum256([]byte(raw))}
	now := a.cfg.Now()
	a.mu.Lock()
	k, verified := a.known.get(c.hash)
	a.mu.Unlock()
	if verified {
		if !now.Before(k.expiry.Add(token.Leeway)) {
			return nil, invalid("token is expired", "the token expired at "+k.expiry.Format(time.RFC3339))
		}
		c.claim, c.verified = k.claim(role), true
		return c, a.fits(&c.claim)
	}
	// Those who come with one token at once have it read and verified once. The one who does it may leave.
	key := withRole(c.hash, role)
	found, _, _ := a.readings.Do(string(key[:]), func() (any, error) {
		var r reading
		r.claim, r.verified, r.err = a.examine(context.WithoutCancel(ctx), raw, role, c.hash, now)
		return r, nil
	})
	r := found.(reading)
	c.claim, c.verified = r.claim, r.verified
	return c, r.err
}

// reading is what was found out about a token.
type reading struct {
	claim
	verified bool
	err      *Error
}

// examine reads a token and, where the keys are there, verifies it, and remembers one that is good.
func (a *Agent) examine(ctx context.Context, raw string, role identity.ARN, hash digest, now time.Time) (c claim, verified bool, refused *Error) {
	t, err := token.Parse(raw)
	if err != nil {
		return c, false, unreadable(err.Error(), "the token is not a service account token as kubelet writes them: "+err.Error())
	}
	k, refused := a.read(t)
	if refused != nil {
		return c, false, refused
	}
	c = k.claim(role)
	if refused = a.fits(&c); refused != nil {
		return c, false, refused
	}
	if err = a.verify(ctx, t, now); err == nil {
		verified = a.keys != nil
	} else if e := (*token.Error)(nil); !errors.As(err, &e) || e.Reason != token.KeysUnavailable {
		return c, false, invalid(err.Error(), "the token was not accepted by this node's agent: "+err.Error())
	}
	if verified {
		a.mu.Lock()
		a.known.put(hash, k)
		a.mu.Unlock()
	}
	return c, verified, nil
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
	}
	// No claim holds a control character, so that no two lists are one text.
	parts := append([]string{c.Issuer, k.PodUID, c.Subject, k.ServiceAccountUID}, c.Audience...)
	return known{
		key: sha256.Sum256([]byte(strings.Join(parts, "\x00"))), podUID: strings.Clone(k.PodUID), signer: signerOf(t), expiry: c.Expiry,
		account:        identity.ServiceAccount{Namespace: strings.Clone(account.Namespace), Name: strings.Clone(account.Name)},
		forAssociation: a.cfg.Audience == "" || slices.Contains(c.Audience, a.cfg.Audience),
		forRoles:       a.cfg.IRSA != nil && slices.Contains(c.Audience, a.cfg.IRSA.Audience),
	}, nil
}

// fits refuses a token whose audience is for something else than what is asked for.
func (a *Agent) fits(c *claim) *Error {
	const what, check = "token has invalid audience", "; check the audience of the projected volume"
	switch {
	case c.role.IsZero() && c.forAssociation, !c.role.IsZero() && c.forRoles:
		return nil
	case c.role.IsZero() && c.forRoles: // so there is IRSA
		return invalid(what, "a token of audience "+a.cfg.IRSA.Audience+" is good for a role that is named: "+credentialsPath+"?"+roleParameter+
			"=ARN; for the role of its association the audience must be "+a.cfg.Audience)
	case c.role.IsZero():
		return invalid(what, "the token's audience must be "+a.cfg.Audience+check)
	case a.cfg.IRSA == nil: // in another agent's cache: a request is refused before
		return invalid(what, "this agent serves no roles by their ARN")
	case c.forAssociation && a.cfg.Audience != "":
		return invalid(what, "a token of audience "+a.cfg.Audience+" is good for the role of its association, without "+roleParameter+
			"; for a role that is named the audience must be "+a.cfg.IRSA.Audience)
	}
	return invalid(what, "for a role that is named the token's audience must be "+a.cfg.IRSA.Audience+check)
}

// invalid is a 400 as the EKS agent's for claims it does not accept.
func invalid(what, reason string) *Error {
	return &Error{Status: http.StatusBadRequest, Message: "Service account token failed basic claim validations: " + what, Reason: reason}
}

// unreadable is a 400 as the EKS agent's for what is no token.
func unreadable(what, reason string) *Error {
	return &Error{Status: http.StatusBadRequest, Message: "Service account token cannot be parsed: " + what, Reason: reason}
}
