package access_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	awsv2 "github.com/aws/aws-sdk-go-v2/aws"
	signerv2 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

const (
	account = identity.Account("111122223333")
	keyID   = "AKIAQAAAAAAAEXAMPLE1"
	secret  = "not/a+real=secretKeyButFortyCharsLong123"

	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	allowGet = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:Get*","Resource":"*"}]}`
	denyGet  = `{"Version":"2012-10-17","Statement":[{"Sid":"No","Effect":"Deny","Action":"iam:Get*","Resource":"*"}]}`
	trust    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}`
)

var now = time.Date(2026, 11, 22, 4, 5, 6, 0, time.UTC)

// world is an account with a user, its key and a role.
type world struct {
	t     *testing.T
	store *store.Store
	gate  *access.Gate
	now   time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: storetest.Open(t), now: now}
	w.gate = access.New(access.Config{
		Store: w.store, Now: func() time.Time { return w.now }, Region: "eu-test-1",
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
		Managed: func(arn string) (string, bool) {
			return allowGet, arn == "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
		},
	})
	w.putUser(store.User{
		Account: account, Partition: "aws", Path: "/ops/", Name: "ann", ID: "AIDAQAAAAAAAEXAMPLE01",
		Tags: identity.Tags{{Key: "Team", Value: "a"}}, Inline: store.DocumentsOf(map[string]string{"all": allowAll}), Created: now,
	})
	w.putKey(store.AccessKey{ID: keyID, Account: account, User: "ann", UserID: "AIDAQAAAAAAAEXAMPLE01", Secret: secret, Active: true, Created: now})
	w.putRole(store.Role{
		Account: account, Partition: "aws", Path: "/team/", Name: "reader", ID: "AROAQAAAAAAAEXAMPLE01", MaxSession: 3600, Trust: trust,
		Tags: identity.Tags{{Key: "Team", Value: "role"}, {Key: "Tier", Value: "1"}}, Inline: store.DocumentsOf(map[string]string{"all": allowAll}), Created: now,
	})
	return w
}

func put[T any](w *world, t *store.Table[T], key string, v *T) {
	w.t.Helper()
	if _, err := t.Update(w.t.Context(), key, func(*T) (*T, error) { return v, nil }); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) putUser(u store.User) {
	put(w, w.store.Users, store.UserKey(string(u.Account), u.Name), &u)
}

func (w *world) putRole(r store.Role) {
	put(w, w.store.Roles, store.RoleKey(string(r.Account), r.Name), &r)
}

func (w *world) putKey(k store.AccessKey) { put(w, w.store.AccessKeys, k.ID, &k) }

func (w *world) changeUser(f func(*store.User)) {
	u, _ := w.store.Users.Get(store.UserKey(string(account), "ann"))
	c := *u
	f(&c)
	w.putUser(c)
}

func (w *world) changeRole(f func(*store.Role)) {
	r, _ := w.store.Roles.Get(store.RoleKey(string(account), "reader"))
	c := *r
	f(&c)
	w.putRole(c)
}

// session mints credentials of the role, or of the user.
func (w *world) session(change func(*session.Session)) awsv2.Credentials {
	w.t.Helper()
	s := session.Session{
		Kind: session.AssumedRole, Account: account, PrincipalID: "AROAQAAAAAAAEXAMPLE01", PrincipalName: "reader", Name: "web",
		Tags: identity.Tags{{Key: "team", Value: "session"}}, SourceIdentity: "ann", Provider: "arn:aws:iam::111122223333:oidc-provider/h.example.test",
		IssuedAt: now, Expires: now.Add(time.Hour),
	}
	if change != nil {
		change(&s)
	}
	c, _, err := w.store.Ring().Mint(rand.Reader, s, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return awsv2.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
}

func userSession(s *session.Session) {
	*s = session.Session{
		Kind: session.UserToken, Account: account, PrincipalID: "AIDAQAAAAAAAEXAMPLE01", PrincipalName: "ann",
		IssuedAt: now, Expires: now.Add(time.Hour),
	}
}

var longTerm = awsv2.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}

const form = "Action=GetCallerIdentity&Version=2011-06-15"

// request is signed as SDKs do.
func (w *world) request(c awsv2.Credentials, service string) *http.Request {
	w.t.Helper()
	r := httptest.NewRequest("POST", "http://podpass.example.test/", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256([]byte(form))
	if err := signerv2.NewSigner().SignHTTP(w.t.Context(), c, r, hex.EncodeToString(sum[:]), service, "us-west-2", w.now); err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) authenticate(c awsv2.Credentials, service string) (access.Caller, error) {
	w.t.Helper()
	return w.gate.Authenticate(w.request(c, service), []byte(form), service)
}

func (w *world) caller(c awsv2.Credentials) access.Caller {
	w.t.Helper()
	caller, err := w.authenticate(c, "sts")
	if err != nil {
		w.t.Fatalf("%v (%v)", err, errors.Unwrap(err))
	}
	return caller
}
