package session_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/session"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func newRing(t testing.TB) *session.Ring {
	t.Helper()
	r, err := session.NewRing(rand.Reader, noon)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// webIdentity is what an IRSA exchange seals.
func webIdentity() session.Session {
	return session.Session{
		Kind: session.AssumedRole, Account: "111122223333", PrincipalID: "AROARTS2DIPGWXQZJ5A7K", PrincipalName: "reader", Name: "web-7d4b9-x2x1q",
		Provider: "arn:aws:iam::111122223333:oidc-provider/127.0.0.1:8600/oidc/local", Subject: "system:serviceaccount:shop:web",
		Issuer: "http://127.0.0.1:8600/oidc/local", Cluster: "local", PodUID: "2b4a4a0e-50c6-4c4c-9e0a-3c8f3d1b6a55",
		IssuedAt: noon, Expires: noon.Add(time.Hour),
	}
}

// everything has every field set, and is long enough to be deflated.
func everything() session.Session {
	s := webIdentity()
	s.Tags = identity.Tags{{Key: "eks-cluster-name", Value: "local"}, {Key: "kubernetes-namespace", Value: "shop"}, {Key: "ünï", Value: ""}}
	s.TransitiveKeys = []string{"kubernetes-namespace"}
	s.SourceIdentity = "alice@example.com"
	s.Policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"arn:aws:s3:::a/` + strings.Repeat("x", 1500) + `"}]}`
	s.PolicyARNs = []string{"arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::111122223333:policy/p"}
	s.Chained = true
	return s
}

func mint(t testing.TB, r *session.Ring, s session.Session, minSize int) (session.Credentials, session.Session) {
	t.Helper()
	creds, sealed, err := r.Mint(rand.Reader, s, minSize)
	if err != nil {
		t.Fatal(err)
	}
	return creds, sealed
}

func TestWhatIsMintedOpens(t *testing.T) {
	r := newRing(t)
	user := session.Session{
		Kind: session.UserToken, Account: "000000000001", PrincipalID: "AIDARTS2DIPGWXQZJ5A7K", PrincipalName: "admin",
		IssuedAt: noon.Add(700 * time.Millisecond).In(time.FixedZone("x", 3600)), Expires: noon.Add(session.MaxDuration),
	}
	for name, s := range map[string]session.Session{"web identity": webIdentity(), "everything": everything(), "user": user} {
		creds, sealed := mint(t, r, s, 0)
		opened, secret, err := r.Open(creds.AccessKeyID, creds.SessionToken)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(sealed, opened); diff != "" {
			t.Errorf("%s: minted and opened differ: %s", name, diff)
		}
		want := s
		want.ID, want.IssuedAt, want.Expires = sealed.ID, s.IssuedAt.Truncate(time.Second).UTC(), s.Expires.UTC()
		if diff := cmp.Diff(want, sealed); diff != "" {
			t.Errorf("%s: asked for and minted differ: %s", name, diff)
		}
		if secret != creds.SecretAccessKey || len(secret) != 40 {
			t.Errorf("%s: secrets %q and %q", name, creds.SecretAccessKey, secret)
		}
		account, ok := identity.AccountOfID(creds.AccessKeyID)
		if !ok || account != s.Account || len(creds.AccessKeyID) != 20 || !strings.HasPrefix(creds.AccessKeyID, "ASIA") {
			t.Errorf("%s: access key id %s carries %s", name, creds.AccessKeyID, account)
		}
		if !creds.Expires.Equal(want.Expires) {
			t.Errorf("%s: credentials expire %v, want %v", name, creds.Expires, want.Expires)
		}
		if strings.Contains(fmt.Sprintf("%v %+v %#v", creds, &creds, creds), creds.SecretAccessKey) {
			t.Errorf("%s: credentials print their secret", name)
		}
	}
}

func TestEveryChangedByteIsRefused(t *testing.T) {
	r := newRing(t)
	for _, s := range []session.Session{webIdentity(), everything()} {
		creds, _ := mint(t, r, s, 0)
		raw, err := base64.StdEncoding.DecodeString(creds.SessionToken)
		if err != nil {
			t.Fatal(err)
		}
		for i := range raw {
			raw[i] ^= 1 << (i % 8)
			if _, _, err := r.Open(creds.AccessKeyID, base64.StdEncoding.EncodeToString(raw)); !errors.Is(err, session.ErrInvalid) {
				t.Errorf("byte %d changed: %v", i, err)
			}
			raw[i] ^= 1 << (i % 8)
		}
		for i := range creds.SessionToken {
			for _, c := range []byte("Az09+/= \n\r\x00") {
				changed := []byte(creds.SessionToken)
				changed[i] = c
				if string(changed) == creds.SessionToken {
					continue
				}
				if _, _, err := r.Open(creds.AccessKeyID, string(changed)); !errors.Is(err, session.ErrInvalid) {
					t.Errorf("character %d changed to %q: %v", i, c, err)
				}
			}
		}
	}
}

func TestOtherSpellingsAreRefused(t *testing.T) {
	r := newRing(t)
	s := webIdentity()
	creds, _ := mint(t, r, s, 0)
	for len(creds.SessionToken) == len(strings.TrimRight(creds.SessionToken, "=")) { // one with padding has spare bits in its last character
		s.Name += "x"
		creds, _ = mint(t, r, s, 0)
	}
	token := creds.SessionToken
	spare := []byte(token)
	last := strings.IndexByte(token, '=') - 1
	spare[last]++
	for name, other := range map[string]string{
		"empty": "", "unpadded": strings.TrimRight(token, "="), "more padding": token + "=", "trailing line break": token + "\n",
		"inner line break": token[:8] + "\r\n" + token[8:], "leading space": " " + token, "url alphabet": "-_" + token[2:], "twice": token + token,
		"cut": token[:len(token)-4], "spare bits": string(spare), "header only": token[:40], "too long": strings.Repeat("A", session.MaxToken+4),
	} {
		if _, _, err := r.Open(creds.AccessKeyID, other); !errors.Is(err, session.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATokenBelongsToItsAccessKeyID(t *testing.T) {
	r := newRing(t)
	a, _ := mint(t, r, webIdentity(), 0)
	b, _ := mint(t, r, webIdentity(), 0)
	for _, id := range []string{b.AccessKeyID, "", strings.ToLower(a.AccessKeyID), a.AccessKeyID + " ", "AKIA" + a.AccessKeyID[4:], strings.Repeat("A", 1<<20)} {
		if _, _, err := r.Open(id, a.SessionToken); !errors.Is(err, session.ErrInvalid) {
			t.Errorf("opened with access key id %.30q: %v", id, err)
		}
	}
}

func TestIdsAndNoncesAreFresh(t *testing.T) {
	r := newRing(t)
	seen := make(map[string]bool)
	for range 2000 {
		creds, s := mint(t, r, webIdentity(), 0)
		for _, v := range []string{creds.AccessKeyID, creds.SecretAccessKey, creds.SessionToken, string(s.ID[:])} {
			if seen[v] {
				t.Fatalf("%q was given out twice", v)
			}
			seen[v] = true
		}
	}
}

func TestTheSizeAskedFor(t *testing.T) {
	r := newRing(t)
	for _, s := range []session.Session{webIdentity(), everything()} {
		creds, _ := mint(t, r, s, 0)
		least := len(creds.SessionToken)
		for _, size := range []int{1, least - 1, least, least + 1, least + 2, least + 3, least + 4, 3000, 3001, 3002, 3003, 4093, 4095, 4096} {
			creds, want := mint(t, r, s, size)
			if n := len(creds.SessionToken); n < size || n > session.MaxToken || n > max(size, least)+7 {
				t.Errorf("asked for at least %d bytes, got %d", size, n)
			}
			got, _, err := r.Open(creds.AccessKeyID, creds.SessionToken)
			if err != nil {
				t.Errorf("padded to %d: %v", size, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("padded to %d: %s", size, diff)
			}
		}
	}
	if _, _, err := r.Mint(rand.Reader, webIdentity(), session.MaxToken+1); err == nil {
		t.Error("minted with a least size above the largest")
	}
}

func TestWhatDoesNotFit(t *testing.T) {
	r := newRing(t)
	noise := make([]byte, 1<<18)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString(noise)
	for _, n := range []int{5_000, 200_000} {
		s := webIdentity()
		s.Tags = identity.Tags{{Key: "noise", Value: text[:n]}}
		_, _, err := r.Mint(rand.Reader, s, 0)
		var tooLarge *session.TooLargeError
		if !errors.As(err, &tooLarge) || tooLarge.Percent < n*100/session.MaxToken*3/4 {
			t.Errorf("%d bytes of noise: %v", n, err)
		}
	}
	if got, want := (&session.TooLargeError{Percent: 112}).Error(), "Packed size of session tags consumes 112% of allotted space."; got != want {
		t.Errorf("got %q, want AWS's %q", got, want)
	}
	s := webIdentity() // AWS's own worst case for one policy: 2,048 characters, which must fit beside an ordinary session
	s.Policy = text[:2048]
	mint(t, r, s, 0)
}

func TestWhatMustNotBeMinted(t *testing.T) {
	r := newRing(t)
	for name, change := range map[string]func(*session.Session){
		"no kind":          func(s *session.Session) { s.Kind = 0 },
		"unknown kind":     func(s *session.Session) { s.Kind = 9 },
		"no account":       func(s *session.Session) { s.Account = "" },
		"short account":    func(s *session.Session) { s.Account = "1" },
		"no principal":     func(s *session.Session) { s.PrincipalID = "" },
		"no times":         func(s *session.Session) { s.IssuedAt, s.Expires = time.Time{}, time.Time{} },
		"expired at birth": func(s *session.Session) { s.Expires = s.IssuedAt },
		"too long":         func(s *session.Session) { s.Expires = s.IssuedAt.Add(session.MaxDuration + time.Second) },
		"too many tags":    func(s *session.Session) { s.Tags = make(identity.Tags, 2000) },
	} {
		s := webIdentity()
		change(&s)
		if creds, _, err := r.Mint(rand.Reader, s, 0); err == nil {
			t.Errorf("%s: minted %s", name, creds)
		}
	}
	if _, _, err := r.Mint(bytes.NewReader(make([]byte, 20)), webIdentity(), 0); err == nil {
		t.Error("minted without randomness for the nonce")
	}
	var zero session.Ring
	if _, _, err := zero.Mint(rand.Reader, webIdentity(), 0); !errors.Is(err, session.ErrNoActiveKey) {
		t.Errorf("the zero ring: %v", err)
	}
	byHand := &session.Ring{Keys: r.Keys}
	if _, _, err := byHand.Mint(rand.Reader, webIdentity(), 0); !errors.Is(err, session.ErrNoActiveKey) {
		t.Errorf("a ring put together by hand: %v", err)
	}
}

func TestRotation(t *testing.T) {
	const keep = session.MaxDuration + time.Hour
	first := newRing(t)
	old, _ := mint(t, first, webIdentity(), 0)

	published, id, err := first.Publish(rand.Reader, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	between, _ := mint(t, published, webIdentity(), 0)
	if _, _, err := first.Open(between.AccessKeyID, between.SessionToken); err != nil {
		t.Errorf("a published key is used before it is active: %v", err)
	}
	rotated, err := published.Activate(id, noon.Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	fresh, _ := mint(t, rotated, webIdentity(), 0)
	if _, _, err := published.Open(fresh.AccessKeyID, fresh.SessionToken); err != nil {
		t.Errorf("a replica that saw the publication only cannot open what the active key seals: %v", err)
	}
	if _, _, err := first.Open(fresh.AccessKeyID, fresh.SessionToken); !errors.Is(err, session.ErrInvalid) {
		t.Errorf("the old key opens what the new one sealed: %v", err)
	}
	if _, _, err := rotated.Open(old.AccessKeyID, old.SessionToken); err != nil {
		t.Errorf("a retired key does not open: %v", err)
	}

	prune := func(at time.Time) *session.Ring {
		t.Helper()
		r, err := rotated.Prune(at, keep)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if _, _, err := prune(noon.Add(2*time.Hour+keep)).Open(old.AccessKeyID, old.SessionToken); err != nil {
		t.Errorf("pruned too early: %v", err)
	}
	pruned := prune(noon.Add(2*time.Hour + keep + time.Second))
	if _, _, err := pruned.Open(old.AccessKeyID, old.SessionToken); !errors.Is(err, session.ErrInvalid) {
		t.Errorf("a pruned key opens: %v", err)
	}
	if _, _, err := pruned.Open(fresh.AccessKeyID, fresh.SessionToken); err != nil {
		t.Errorf("the active key was pruned: %v", err)
	}
	if _, err := rotated.Prune(noon, session.MaxDuration); err == nil {
		t.Error("keys may be dropped while their sessions live")
	}
	if _, err := rotated.Activate(first.Keys[0].ID, noon); err == nil {
		t.Error("a retired key came back")
	}
	if _, err := rotated.Activate("00000000", noon); err == nil {
		t.Error("a key the ring does not have was made active")
	}
	if again, err := rotated.Activate(id, noon.Add(9*time.Hour)); err != nil || cmp.Diff(rotated.Keys, again.Keys) != "" {
		t.Errorf("activating the active key changes the ring: %v", err)
	}
	if len(first.Keys) != 1 || !first.Keys[0].Active || !first.Keys[0].Retired.IsZero() {
		t.Errorf("rotation changed the ring it began with: %v", first.Keys)
	}
}

func TestAnAbandonedPublicationIsPruned(t *testing.T) {
	r, id, err := newRing(t).Publish(rand.Reader, noon)
	if err != nil {
		t.Fatal(err)
	}
	r, err = r.Prune(noon.Add(100*time.Hour), 40*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Keys) != 1 || r.Keys[0].ID == id {
		t.Errorf("left with %v", r.Keys)
	}
}

func TestRingJSON(t *testing.T) {
	r, _, err := newRing(t).Publish(rand.Reader, noon)
	if err != nil {
		t.Fatal(err)
	}
	creds, _ := mint(t, r, webIdentity(), 0)
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var read session.Ring
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Keys, read.Keys); diff != "" {
		t.Error(diff)
	}
	if _, _, err := read.Open(creds.AccessKeyID, creds.SessionToken); err != nil {
		t.Errorf("a stored ring does not open its sessions: %v", err)
	}
	secret := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32))
	key := func(id, secret string) string { return `{"id":"` + id + `","secret":"` + secret + `"}` }
	for _, bad := range []string{
		`{"keys":[` + key("0", secret) + `]}`, `{"keys":[` + key("ABCDEF01", secret) + `]}`, `{"keys":[` + key("abcdef01", "") + `]}`,
		`{"keys":[` + key("abcdef01", secret) + `,` + key("abcdef01", secret) + `]}`, `[]`, `{"keys":{}}`,
		`{"keys":[` + key("abcdef01", base64.StdEncoding.EncodeToString(make([]byte, 32))) + `]}`,
	} {
		if err := json.Unmarshal([]byte(bad), new(session.Ring)); err == nil {
			t.Errorf("read %s", bad)
		}
	}
	if got := fmt.Sprintf("%v %+v %#v %s", r, r, r, r.Keys[0]); strings.Contains(got, fmt.Sprint(r.Keys[0].Secret)) {
		t.Errorf("a ring prints its secrets: %s", got)
	}
}

func FuzzOpen(f *testing.F) {
	r := newRing(f)
	creds, want := mint(f, r, everything(), 0)
	f.Add(creds.AccessKeyID, creds.SessionToken)
	f.Add("ASIA", "AQ==")
	f.Add("", strings.Repeat("A", session.MaxToken))
	f.Fuzz(func(t *testing.T, id, token string) {
		s, _, err := r.Open(id, token)
		if err == nil && (id != creds.AccessKeyID || token != creds.SessionToken || cmp.Diff(s, want) != "") {
			t.Errorf("opened %q, %q", id, token)
		}
	})
}

func BenchmarkMint(b *testing.B) {
	r := newRing(b)
	for name, s := range map[string]session.Session{"typical": webIdentity(), "deflated": everything()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := r.Mint(rand.Reader, s, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	r := newRing(b)
	for name, s := range map[string]session.Session{"typical": webIdentity(), "deflated": everything()} {
		creds, _ := mint(b, r, s, 0)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := r.Open(creds.AccessKeyID, creds.SessionToken); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
