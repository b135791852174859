package access

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/sigv4"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
)

// window is how far a signature's time may be off: 15 minutes, and 5 for EKS and EKS Auth, as on AWS.
func window(service string) time.Duration {
	if service == "eks" || service == "eks-auth" {
		return 5 * time.Minute
	}
	return 15 * time.Minute
}

// Authenticate verifies the SigV4 signature of r (header or presigned) over body, opens the session, checks that role or user still exist,
// expiry, revocation and key status. service is the signing name required ("sts"). Errors are *awserr.Error.
//
// The order is: can the store be answered from, can the signature be read, is it scoped to this service, host and time, whose key is it,
// is it right, and only then is anything told apart about a session, that it has expired. Everything else about a key or session
// that isn't good is InvalidClientTokenId; the cause says what.
func (g *Gate) Authenticate(r *http.Request, body []byte, service string) (Caller, error) {
	if err := g.Store.Check(); err != nil {
		return Caller{}, awserr.ServiceUnavailable(err)
	}
	s, err := sigv4.Parse(r)
	if err != nil {
		return Caller{}, err
	}
	now := g.Now()
	if err := s.Check(r, sigv4.Rules{Service: service, Window: window(service), Now: now}); err != nil {
		return Caller{}, err
	}
	var c Caller
	if strings.HasPrefix(s.AccessKeyID, identity.PrefixTemporary) {
		c, err = g.temporary(r, body, s, now)
	} else {
		c, err = g.longTerm(r, body, s)
	}
	if err != nil {
		return Caller{}, err
	}
	if c.Kind == UserSession && service == "iam" {
		return Caller{}, invalid(s, errors.New("a session of GetSessionToken without multi-factor authentication may not call IAM"))
	}
	c.AccessKeyID, c.Region = s.AccessKeyID, s.Scope.Region
	return c, nil
}

// longTerm is a user with an access key of its own.
func (g *Gate) longTerm(r *http.Request, body []byte, s *sigv4.Signature) (Caller, error) {
	key, ok := g.Store.AccessKeys.Get(s.AccessKeyID)
	switch {
	case !ok:
		return Caller{}, invalid(s, errors.New("there is no such access key"))
	case !key.Active:
		return Caller{}, invalid(s, errors.New("the access key is not active"))
	case s.SecurityToken != "":
		return Caller{}, invalid(s, errors.New("a long-term access key came with a session token"))
	}
	user := g.user(key.UserID)
	if user == nil || user.Account != key.Account {
		return Caller{}, invalid(s, errors.New("the user of the access key does not exist"))
	}
	if err := g.keys.Verify(s, r, body, key.Secret); err != nil {
		return Caller{}, err
	}
	return userCaller(User, user, nil), nil
}

// temporary is a session of a role or a user.
func (g *Gate) temporary(r *http.Request, body []byte, s *sigv4.Signature, now time.Time) (Caller, error) {
	if s.SecurityToken == "" {
		return Caller{}, invalid(s, errors.New("a temporary access key came without its session token"))
	}
	opened, secret, err := g.Store.Ring().Open(s.AccessKeyID, s.SecurityToken)
	if err != nil {
		return Caller{}, invalid(s, err)
	}
	if err := g.keys.Verify(s, r, body, secret); err != nil {
		return Caller{}, err
	}
	if !now.Before(opened.Expires) {
		return Caller{}, awserr.ExpiredToken().Because(fmt.Errorf("the session of access key %s expired at %s", s.AccessKeyID, opened.Expires.Format(time.RFC3339)))
	}
	if g.Store.Revoked(opened.PrincipalID, opened.ID, opened.IssuedAt) {
		return Caller{}, invalid(s, errors.New("the session was revoked"))
	}
	switch opened.Kind {
	case session.AssumedRole:
		role := g.role(opened.PrincipalID)
		if role == nil || role.Account != opened.Account {
			return Caller{}, invalid(s, errors.New("the session's role no longer exists"))
		}
		return RoleSession(role, &opened), nil
	case session.UserToken:
		user := g.user(opened.PrincipalID)
		if user == nil || user.Account != opened.Account {
			return Caller{}, invalid(s, errors.New("the session's user no longer exists"))
		}
		return userCaller(UserSession, user, &opened), nil
	}
	return Caller{}, invalid(s, fmt.Errorf("the session is of unknown kind %d", opened.Kind))
}

func userCaller(kind Kind, user *store.User, opened *session.Session) Caller {
	arn := user.ARN()
	return Caller{
		Kind: kind, Account: user.Account, ARN: arn, PrincipalARN: arn, UserID: user.ID, UniqueID: user.ID,
		Tags: user.Tags, Session: opened, User: user,
	}
}

// RoleSession is the caller that a session of a role makes. The role is the one whose unique id the session has.
func RoleSession(role *store.Role, opened *session.Session) Caller {
	return Caller{
		Kind: AssumedRole, Account: role.Account,
		ARN: role.Account.AssumedRole(role.Partition, role.Name, opened.Name), PrincipalARN: role.ARN(),
		UserID: role.ID + ":" + opened.Name, UniqueID: role.ID,
		Tags: role.Tags.With(opened.Tags), Session: opened, Role: role,
	}
}

// user and role find a principal by its unique id: one that was deleted and made again under the same name is another.
func (g *Gate) user(id string) *store.User {
	if found := g.Store.Users.By(store.ByID, id); len(found) == 1 {
		return found[0]
	}
	return nil
}

func (g *Gate) role(id string) *store.Role {
	if found := g.Store.Roles.By(store.ByID, id); len(found) == 1 {
		return found[0]
	}
	return nil
}

func invalid(s *sigv4.Signature, cause error) error {
	return awserr.InvalidClientTokenID().Because(fmt.Errorf("access key %s: %w", s.AccessKeyID, cause))
}
