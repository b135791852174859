package negative

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
)

// sessions: temporary credentials that are over, taken apart, or put together from two.
func sessions(w *world) []probe {
	try := func(name, code, why string, c aws.Credentials) probe {
		return probe{name: name, request: w.signed(identity, as(c)), code: code, status: statusOf(code), why: why, secrets: []string{c.SecretAccessKey, w.session.SessionToken}}
	}
	role, _ := w.Store.Roles.Get(store.RoleKey(string(podpasstest.Account), "reader"))
	mint := func(change func(*session.Session)) (aws.Credentials, session.Session) {
		s := session.Session{
			Kind: session.AssumedRole, Account: podpasstest.Account, PrincipalID: role.ID, PrincipalName: role.Name, Name: "web",
			IssuedAt: w.now.Add(-2 * time.Hour), Expires: w.now.Add(time.Hour),
		}
		change(&s)
		made, sealed, err := w.Store.Ring().Mint(rand.Reader, s, 0)
		if err != nil {
			panic(err)
		}
		return aws.Credentials{AccessKeyID: made.AccessKeyID, SecretAccessKey: made.SecretAccessKey, SessionToken: made.SessionToken}, sealed
	}
	over, _ := mint(func(s *session.Session) { s.Expires = w.now })
	gone, _ := mint(func(s *session.Session) { s.PrincipalID = "AROAQAAAAAAAAAAAAAAAA" })
	elsewhere, _ := mint(func(s *session.Session) { s.Account = "999999999999" })
	revoked, sealed := mint(func(s *session.Session) { s.Name = "revoked" })
	id := hex.EncodeToString(sealed.ID[:])
	_, err := w.Store.Revocations.Update(context.Background(), "session/"+id, func(*store.Revocation) (*store.Revocation, error) {
		return &store.Revocation{SessionID: id, Expires: w.now.Add(time.Hour)}, nil
	})
	if err != nil {
		panic(err)
	}
	second, _ := mint(func(s *session.Session) { s.Name = "second" })

	tokenless, tampered, swapped, longer, wrong := w.session, w.session, w.session, w.session, w.session
	tokenless.SessionToken = ""
	middle := len(tampered.SessionToken) / 2
	tampered.SessionToken = tampered.SessionToken[:middle] + other(tampered.SessionToken[middle]) + tampered.SessionToken[middle+1:]
	swapped.SessionToken = second.SessionToken
	longer.SessionToken += "A"
	wrong.SecretAccessKey = second.SecretAccessKey
	const invalid = "InvalidClientTokenId"
	return []probe{
		try("over", "ExpiredToken", "expired", over),
		try("without its token", invalid, "a temporary access key came without its session token", tokenless),
		try("one character of its token changed", invalid, "session token is not valid", tampered),
		try("with something behind its token", invalid, "session token is not valid", longer),
		try("with another session's token", invalid, "session token is not valid", swapped),
		try("with another session's secret", "SignatureDoesNotMatch", "the signature is wrong", wrong),
		try("of a role that is gone", invalid, "role no longer exists", gone),
		try("of the role in another account", invalid, "role no longer exists", elsewhere),
		try("revoked", invalid, "the session was revoked", revoked),
	}
}
