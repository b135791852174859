package control

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
)

func (s *service) keyActions() []restjson.Action {
	return []restjson.Action{
		restjson.NewAction("RotateSessionKeys", http.MethodPost, route("keys/rotate"), s.rotateSessionKeys),
	}
}

func (s *service) sessionActions() []restjson.Action {
	return []restjson.Action{
		restjson.NewAction("RevokeSessions", http.MethodPost, route("revocations"), s.revoke),
		restjson.NewAction("Whois", http.MethodGet, route("whois/{id}"), s.whois),
	}
}

// rotateSessionKeys concerns every account's sessions, so it belongs to the management account.
func (s *service) rotateSessionKeys(ctx context.Context, c *restjson.Call, _ *empty) (*api.RotateSessionKeysResult, error) {
	if err := s.requireManagement(c, "RotateSessionKeys"); err != nil {
		return nil, err
	}
	if err := s.authorise(c, "RotateSessionKeys", s.resource(c, "", c.Caller.Account, "keyring")); err != nil {
		return nil, err
	}
	if err := s.store.RotateRing(ctx); err != nil {
		return nil, err
	}
	out := new(api.RotateSessionKeysResult)
	for _, k := range s.store.Ring().Keys {
		out.KeyIDs = append(out.KeyIDs, k.ID)
		if k.Active {
			out.Active = k.ID
		}
	}
	return out, nil
}

func (s *service) revoke(ctx context.Context, c *restjson.Call, in *api.RevokeRequest) (*api.RevokeResult, error) {
	switch {
	case (in.Role == "") == (in.AccessKeyID == ""):
		return nil, invalid("Name either a role or the access key id of one session.")
	case in.Role != "":
		return s.revokeRole(ctx, c, in)
	case !in.IssuedBefore.IsZero():
		return nil, invalid("issuedBefore goes with a role, not with one session.")
	}
	return s.revokeSession(ctx, c, in.AccessKeyID)
}

// revokeRole ends the sessions of a role that were issued before a moment. The moment only ever moves forward: a session that was revoked
// stays so.
func (s *service) revokeRole(ctx context.Context, c *restjson.Call, in *api.RevokeRequest) (*api.RevokeResult, error) {
	role, err := s.role(c, in.Role)
	if err != nil {
		return nil, err
	}
	c.Event.Role = role.ARN().String()
	if err := s.authorise(c, "RevokeSessions", role.ARN().String()); err != nil {
		return nil, err
	}
	now := s.Env.Now().UTC()
	moment := in.IssuedBefore.UTC()
	if in.IssuedBefore.IsZero() {
		moment = now
	}
	if moment.After(now) {
		return nil, invalid("issuedBefore is in the future: no session could be issued until then.")
	}
	want := store.Revocation{RoleID: role.ID, IssuedBefore: moment, Expires: moment.Add(session.MaxDuration)}
	done, err := s.store.Revocations.Update(ctx, want.Key(), func(old *store.Revocation) (*store.Revocation, error) {
		if old != nil && old.IssuedBefore.After(want.IssuedBefore) {
			return old, nil
		}
		return &want, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.RevokeResult{Role: role.ARN().String(), IssuedBefore: done.IssuedBefore}, nil
}

// role finds a role of the caller's account by name or ARN.
func (s *service) role(c *restjson.Call, nameOrARN string) (*store.Role, error) {
	name, missing := nameOrARN, notFound("There is no role %s in account %s.", nameOrARN, c.Caller.Account)
	if strings.HasPrefix(nameOrARN, "arn:") {
		arn, err := identity.ParseARN(nameOrARN)
		if err != nil {
			return nil, invalid("%v.", err)
		}
		if _, _, ok := identity.RoleName(arn); !ok || arn.Account() != c.Caller.Account {
			return nil, missing
		}
		name = arn.ResourceName()
	}
	found, ok := s.store.Roles.Get(store.RoleKey(string(c.Caller.Account), name))
	if !ok || name != nameOrARN && found.ARN().String() != nameOrARN {
		return nil, missing
	}
	return found, nil
}

// revokeSession ends the one session that has an access key id. Which session that is stands in the audit events: the key id itself
// is only a label.
func (s *service) revokeSession(ctx context.Context, c *restjson.Call, accessKeyID string) (*api.RevokeResult, error) {
	e, ok := s.issued(c, accessKeyID)
	if !ok || e.SessionID == "" {
		return nil, notFound("No audit event of account %s says which session has access key %s. Revoke its role's sessions instead.",
			c.Caller.Account, accessKeyID)
	}
	resource := e.Role
	if resource == "" {
		resource = s.resource(c, "", c.Caller.Account, "session/"+accessKeyID)
	}
	c.Event.Role, c.Event.SessionID = e.Role, e.SessionID
	if err := s.authorise(c, "RevokeSessions", resource); err != nil {
		return nil, err
	}
	want := store.Revocation{SessionID: e.SessionID, Expires: e.Expires}
	if want.Expires.IsZero() {
		want.Expires = e.Time.Add(session.MaxDuration)
	}
	if want.Expires.Before(s.Env.Now().Add(-time.Minute)) {
		return nil, invalid("The session of access key %s expired %s.", accessKeyID, want.Expires.UTC().Format(time.RFC3339))
	}
	_, err := s.store.Revocations.Update(ctx, want.Key(), func(*store.Revocation) (*store.Revocation, error) { return &want, nil })
	if err != nil {
		return nil, err
	}
	return &api.RevokeResult{Role: e.Role, SessionID: e.SessionID}, nil
}
