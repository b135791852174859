package assume

import (
	"encoding/hex"
	"time"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/session"
)

// Start lets a session begin now, for the given length.
func (r *Roles) Start(sess session.Session, length time.Duration) session.Session {
	sess.IssuedAt = r.Now().UTC().Truncate(time.Second)
	// Sessions know whole seconds and revocations don't: one issued in the second of a revocation, but behind it, counts from the next.
	if from := r.Store.NotRevokedFrom(sess.PrincipalID); sess.IssuedAt.Before(from) {
		sess.IssuedAt = from.UTC().Add(time.Second - time.Nanosecond).Truncate(time.Second)
	}
	sess.Expires = sess.IssuedAt.Add(length)
	return sess
}

// Mint seals a session of the given length from now on, in a token of at least minSize bytes, and tells the audit event whose it is. What fits no
// token is a *session.TooLargeError.
func (r *Roles) Mint(e *audit.Event, sess session.Session, length time.Duration, minSize int) (session.Credentials, error) {
	made, sess, err := r.Store.Ring().Mint(r.Random, r.Start(sess, length), minSize)
	if err != nil {
		return session.Credentials{}, err
	}
	e.SessionID = hex.EncodeToString(sess.ID[:])
	e.AccessKeyID = made.AccessKeyID
	e.Expires = made.Expires
	return made, nil
}
