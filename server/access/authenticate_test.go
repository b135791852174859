package access_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	awsv2 "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
)

// who is the comparable part of a caller.
type who struct {
	Kind                                            access.Kind
	Account, ARN, PrincipalARN, UserID, UniqueID, R string
	Tags                                            identity.Tags
	Session, Role, User                             bool
}

func summary(c access.Caller) who {
	return who{
		c.Kind, string(c.Account), c.ARN.String(), c.PrincipalARN.String(), c.UserID, c.UniqueID, c.Region,
		c.Tags, c.Session != nil, c.Role != nil, c.User != nil,
	}
}

func TestAuthenticate(t *testing.T) {
	w := newWorld(t)
	const userARN = "arn:aws:iam::111122223333:user/ops/ann"
	tests := map[string]struct {
		creds awsv2.Credentials
		want  who
	}{
		"user": {longTerm, who{
			Kind: access.User, Account: "111122223333", ARN: userARN, PrincipalARN: userARN, UserID: "AIDAQAAAAAAAEXAMPLE01", UniqueID: "AIDAQAAAAAAAEXAMPLE01",
			R: "us-west-2", Tags: identity.Tags{{Key: "Team", Value: "a"}}, User: true,
		}},
		"role": {w.session(nil), who{
			Kind: access.AssumedRole, Account: "111122223333", ARN: "arn:aws:sts::111122223333:assumed-role/reader/web",
			PrincipalARN: "arn:aws:iam::111122223333:role/team/reader", UserID: "AROAQAAAAAAAEXAMPLE01:web", UniqueID: "AROAQAAAAAAAEXAMPLE01",
			R: "us-west-2", Tags: identity.Tags{{Key: "Tier", Value: "1"}, {Key: "team", Value: "session"}}, Session: true, Role: true,
		}},
		"user's session": {w.session(userSession), who{
			Kind: access.UserSession, Account: "111122223333", ARN: userARN, PrincipalARN: userARN, UserID: "AIDAQAAAAAAAEXAMPLE01", UniqueID: "AIDAQAAAAAAAEXAMPLE01",
			R: "us-west-2", Tags: identity.Tags{{Key: "Team", Value: "a"}}, Session: true, User: true,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := w.caller(test.creds)
			if diff := cmp.Diff(test.want, summary(c)); diff != "" {
				t.Error(diff)
			}
			if c.AccessKeyID != test.creds.AccessKeyID {
				t.Errorf("access key %s", c.AccessKeyID)
			}
		})
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	const invalid, expired, mismatch = "InvalidClientTokenId", "ExpiredToken", "SignatureDoesNotMatch"
	tests := map[string]struct {
		prepare func(w *world) awsv2.Credentials
		service string // default sts
		code    string
		cause   string
	}{
		"unknown key": {prepare: func(*world) awsv2.Credentials {
			return awsv2.Credentials{AccessKeyID: "AKIAQAAAAAAAEXAMPLE9", SecretAccessKey: secret}
		}, code: invalid, cause: "there is no such access key"},
		"key that is none": {prepare: func(*world) awsv2.Credentials {
			return awsv2.Credentials{AccessKeyID: "x", SecretAccessKey: secret}
		}, code: invalid},
		"wrong secret": {prepare: func(*world) awsv2.Credentials {
			return awsv2.Credentials{AccessKeyID: keyID, SecretAccessKey: secret + "x"}
		}, code: mismatch},
		"inactive key": {prepare: func(w *world) awsv2.Credentials {
			w.putKey(store.AccessKey{ID: keyID, Account: account, User: "ann", UserID: "AIDAQAAAAAAAEXAMPLE01", Secret: secret})
			return longTerm
		}, code: invalid, cause: "not active"},
		"deleted user": {prepare: func(w *world) awsv2.Credentials {
			put[store.User](w, w.store.Users, store.UserKey(string(account), "ann"), nil)
			return longTerm
		}, code: invalid, cause: "user of the access key does not exist"},
		"user made again": {prepare: func(w *world) awsv2.Credentials {
			put[store.User](w, w.store.Users, store.UserKey(string(account), "ann"), nil)
			w.putUser(store.User{Account: account, Partition: "aws", Path: "/", Name: "ann", ID: "AIDAQAAAAAAAEXAMPLE02"})
			return longTerm
		}, code: invalid},
		"long-term key with a token": {prepare: func(w *world) awsv2.Credentials {
			c := longTerm
			c.SessionToken = w.session(nil).SessionToken
			return c
		}, code: invalid},
		"session without its token": {prepare: func(w *world) awsv2.Credentials {
			c := w.session(nil)
			c.SessionToken = ""
			return c
		}, code: invalid, cause: "without its session token"},
		"session with another's token": {prepare: func(w *world) awsv2.Credentials {
			c := w.session(nil)
			c.SessionToken = w.session(nil).SessionToken
			return c
		}, code: invalid},
		"token changed": {prepare: func(w *world) awsv2.Credentials {
			c := w.session(nil)
			b := []byte(c.SessionToken)
			b[len(b)/2] ^= 1
			c.SessionToken = string(b)
			return c
		}, code: invalid},
		"token of another ring": {prepare: func(w *world) awsv2.Credentials {
			return newWorld(w.t).session(nil)
		}, code: invalid},
		"session, wrong secret": {prepare: func(w *world) awsv2.Credentials {
			c := w.session(nil)
			c.SecretAccessKey = secret
			return c
		}, code: mismatch},
		"expired this second": {prepare: func(w *world) awsv2.Credentials {
			c := w.session(nil)
			w.now = now.Add(time.Hour)
			return c
		}, code: expired},
		"expired, wrong secret": {prepare: func(w *world) awsv2.Credentials {
			c := w.session(nil)
			c.SecretAccessKey = secret
			w.now = now.Add(2 * time.Hour)
			return c
		}, code: mismatch},
		"role deleted": {prepare: func(w *world) awsv2.Credentials {
			c := w.session(nil)
			put[store.Role](w, w.store.Roles, store.RoleKey(string(account), "reader"), nil)
			return c
		}, code: invalid, cause: "role no longer exists"},
		"role made again": {prepare: func(w *world) awsv2.Credentials {
			c := w.session(nil)
			w.changeRole(func(r *store.Role) { r.ID = "AROAQAAAAAAAEXAMPLE02" })
			return c
		}, code: invalid},
		"role of another account": {prepare: func(w *world) awsv2.Credentials {
			return w.session(func(s *session.Session) { s.Account = "444455556666" })
		}, code: invalid},
		"user of the session deleted": {prepare: func(w *world) awsv2.Credentials {
			c := w.session(userSession)
			put[store.User](w, w.store.Users, store.UserKey(string(account), "ann"), nil)
			return c
		}, code: invalid},
		"role revoked": {prepare: func(w *world) awsv2.Credentials {
			put(w, w.store.Revocations, "role/AROAQAAAAAAAEXAMPLE01", &store.Revocation{RoleID: "AROAQAAAAAAAEXAMPLE01", IssuedBefore: now.Add(time.Second)})
			return w.session(nil)
		}, code: invalid, cause: "revoked"},
		"user's session calls IAM":   {prepare: func(w *world) awsv2.Credentials { return w.session(userSession) }, service: "iam", code: invalid},
		"EKS, six minutes late":      {prepare: func(w *world) awsv2.Credentials { return longTerm }, service: "eks", code: mismatch},
		"EKS Auth, six minutes late": {prepare: func(w *world) awsv2.Credentials { return longTerm }, service: "eks-auth", code: mismatch},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.service == "" {
				test.service = "sts"
			}
			creds := test.prepare(w)
			r := w.request(creds, test.service)
			if strings.HasPrefix(test.service, "eks") {
				w.now = w.now.Add(6 * time.Minute)
			}
			c, err := w.gate.Authenticate(r, []byte(form), test.service)
			var wire *awserr.Error
			if !errors.As(err, &wire) || wire.Code != test.code || wire.Status != 403 || !strings.Contains(wire.Reason(), test.cause) {
				t.Errorf("got %v (%v), want %s (%s)", err, errors.Unwrap(err), test.code, test.cause)
			}
			if diff := cmp.Diff(who{}, summary(c)); diff != "" {
				t.Errorf("refused, and yet: %s", diff)
			}
			for _, private := range []string{creds.SecretAccessKey, creds.SessionToken} {
				if private != "" && wire != nil && strings.Contains(wire.Error()+wire.Reason(), private) {
					t.Errorf("the error holds a secret: %v: %v", wire, wire.Cause)
				}
			}
		})
	}
}

// Sessions issued at or after a role's revocation live; one session can be ended alone.
func TestRevocation(t *testing.T) {
	w := newWorld(t)
	put(w, w.store.Revocations, "role/AROAQAAAAAAAEXAMPLE01", &store.Revocation{RoleID: "AROAQAAAAAAAEXAMPLE01", IssuedBefore: now})
	one, other := w.session(nil), w.session(nil)
	id := w.caller(one).Session.ID
	put(w, w.store.Revocations, "session/"+hex.EncodeToString(id[:]), &store.Revocation{SessionID: hex.EncodeToString(id[:])})
	if _, err := w.authenticate(one, "sts"); err == nil {
		t.Error("a revoked session passes")
	}
	w.caller(other)
}

func TestClosedStoreAnswersNothing(t *testing.T) {
	w := newWorld(t)
	r := w.request(longTerm, "sts")
	s, err := store.Open(t.Context(), store.Config{DataDir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = access.New(access.Config{Store: s, Now: func() time.Time { return now }}).Authenticate(r, []byte(form), "sts")
	var wire *awserr.Error
	if !errors.As(err, &wire) || wire.Status != 503 {
		t.Errorf("got %v", err)
	}
}
