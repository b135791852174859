package store

import (
	"context"
	"encoding/hex"
	"time"
)

// Revocation ends sessions before their time: every session of a role or user issued before a moment, or one session.
type Revocation struct {
	RoleID       string    `json:"roleId,omitempty"` // or the user's; with IssuedBefore
	IssuedBefore time.Time `json:"issuedBefore,omitzero"`
	SessionID    string    `json:"sessionId,omitempty"` // hex
	Expires      time.Time `json:"expires,omitzero"`    // may be dropped after
}

// Key is where a revocation stands: role/AROA… or session/HEX; "" for one that revokes nothing.
func (r *Revocation) Key() string {
	switch {
	case r.RoleID != "" && r.SessionID == "":
		return "role/" + r.RoleID
	case r.SessionID != "" && r.RoleID == "":
		return "session/" + r.SessionID
	default:
		return ""
	}
}

// NotRevokedFrom is the first moment at which a session of a role (or user) can be issued that its revocation doesn't end; zero if there is none.
func (s *Store) NotRevokedFrom(roleID string) time.Time {
	if s.Revocations.Len() == 0 {
		return time.Time{}
	}
	r, _ := s.Revocations.Get("role/" + roleID)
	if r == nil {
		return time.Time{}
	}
	return r.IssuedBefore
}

// Revoked reports whether a session of a role (or user) was revoked. It costs next to nothing while nothing is.
func (s *Store) Revoked(roleID string, sessionID [16]byte, issuedAt time.Time) bool {
	if s.Revocations.Len() == 0 {
		return false
	}
	if r, ok := s.Revocations.Get("role/" + roleID); ok && issuedAt.Before(r.IssuedBefore) {
		return true
	}
	_, ok := s.Revocations.Get("session/" + hex.EncodeToString(sessionID[:]))
	return ok
}

// DropExpiredRevocations deletes the revocations whose sessions have all expired by themselves. RotateRing does it too.
func (s *Store) DropExpiredRevocations(ctx context.Context) error {
	for key, r := range s.Revocations.List("", "") {
		if !s.lapsed(r) {
			continue
		}
		_, err := s.Revocations.Update(ctx, key, func(old *Revocation) (*Revocation, error) {
			if old == nil || s.lapsed(old) {
				return nil, nil
			}
			return old, nil // extended meanwhile
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) lapsed(r *Revocation) bool { return !r.Expires.IsZero() && r.Expires.Before(s.now()) }
