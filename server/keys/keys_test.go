package keys_test

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/keys"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
	"github.com/podpass/podpass/token"
)

var now = time.Unix(1500, 0)

func clock() time.Time { return now }

func put(t *testing.T, s *store.Store, c store.Cluster) *store.Cluster {
	t.Helper()
	c.Account, c.Partition, c.Region = cmp.Or(c.Account, "111122223333"), "aws", "us-west-2"
	got, err := s.Clusters.Update(t.Context(), c.Name, func(*store.Cluster) (*store.Cluster, error) { return &c, nil })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// install makes the account that put registers clusters in the management account.
func install(t *testing.T, s *store.Store) {
	t.Helper()
	_, err := s.Meta.Update(t.Context(), store.MetaKey, func(*store.Meta) (*store.Meta, error) {
		return &store.Meta{Management: "111122223333", Partition: "aws", Region: "us-west-2"}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, s *store.Store, name string) {
	t.Helper()
	if _, err := s.Clusters.Update(t.Context(), name, func(*store.Cluster) (*store.Cluster, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
}

func newKey(t *testing.T) *token.SigningKey {
	t.Helper()
	key, err := token.NewSigningKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func stored(t *testing.T, key *token.SigningKey) store.SigningKey {
	t.Helper()
	text, err := key.MarshalPEM()
	if err != nil {
		t.Fatal(err)
	}
	return store.SigningKey{ID: key.ID, PEM: string(text)}
}

func jwks(t *testing.T, signing ...*token.SigningKey) string {
	t.Helper()
	doc, err := token.JWKS(signing...)
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

// verify signs a token of an issuer and verifies it with the issuer's source; the reason is 0 where it is accepted.
func verify(t *testing.T, k *keys.Keys, issuer string, by *token.SigningKey) (*store.Cluster, token.Reason) {
	t.Helper()
	raw, err := by.Sign(token.Claims{
		Issuer: issuer, Subject: "system:serviceaccount:a:b", Audience: []string{"x"}, ID: "j", Expiry: time.Unix(2000, 0), IssuedAt: time.Unix(1000, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := token.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	cluster, source := k.ForIssuer(identity.MustIssuer(issuer), "111122223333")
	var refused *token.Error
	switch err := tok.Verify(t.Context(), source, now); {
	case err == nil:
		return cluster, 0
	case errors.As(err, &refused):
		return cluster, refused.Reason
	default:
		t.Fatal(err)
		return nil, 0
	}
}

// expect verifies a token and compares the cluster found ("" for none) and the reason of the refusal (0 for none).
func expect(t *testing.T, at string, k *keys.Keys, issuer string, by *token.SigningKey, cluster string, want token.Reason) {
	t.Helper()
	found, got := verify(t, k, issuer, by)
	name := ""
	if found != nil {
		name = found.Name
	}
	if name != cluster || got != want {
		t.Errorf("%s: cluster %q, reason %v; want %q, %v", at, name, got, cluster, want)
	}
}

func TestForIssuer(t *testing.T) {
	s := storetest.Open(t)
	k := keys.New(keys.Config{Store: s, Now: clock})
	a, b := newKey(t), newKey(t)
	const iss = "https://kubernetes.default.svc.cluster.local"

	expect(t, "nothing registered", k, iss, a, "", token.UnknownKey)
	put(t, s, store.Cluster{Name: "one", Issuer: identity.MustIssuer(iss), Keys: store.KeysPinned, JWKS: jwks(t, a)})
	expect(t, "pinned", k, iss, a, "one", 0)
	expect(t, "pinned, another key", k, iss, b, "one", token.UnknownKey)
	for _, lookAlike := range []string{iss + "/", "http://kubernetes.default.svc.cluster.local", "https://kubernetes.default.svc.cluster.loca1", iss + ":443"} {
		expect(t, lookAlike, k, lookAlike, a, "", token.UnknownKey)
	}
	put(t, s, store.Cluster{Name: "one", Issuer: identity.MustIssuer(iss), Keys: store.KeysPinned, JWKS: jwks(t, b)})
	expect(t, "pinned anew, old key", k, iss, a, "one", token.UnknownKey)
	expect(t, "pinned anew", k, iss, b, "one", 0)
	put(t, s, store.Cluster{Name: "one", Issuer: identity.MustIssuer(iss + "/two"), Keys: store.KeysPinned, JWKS: jwks(t, b)})
	expect(t, "issuer changed, old one", k, iss, b, "", token.UnknownKey)
	expect(t, "issuer changed", k, iss+"/two", b, "one", 0)
	put(t, s, store.Cluster{Name: "two", Issuer: identity.MustIssuer(iss + "/two"), Keys: store.KeysPinned, JWKS: jwks(t, b)})
	expect(t, "an issuer of two clusters", k, iss+"/two", b, "", token.UnknownKey)
	remove(t, s, "one")
	expect(t, "the other deregistered", k, iss+"/two", b, "two", 0)
	remove(t, s, "two")
	expect(t, "deregistered", k, iss+"/two", b, "", token.UnknownKey)
	put(t, s, store.Cluster{Name: "two", Issuer: identity.MustIssuer(iss + "/two"), Keys: store.KeysPinned, JWKS: jwks(t, a)})
	expect(t, "registered again with another key, old one", k, iss+"/two", b, "two", token.UnknownKey)
	expect(t, "registered again with another key", k, iss+"/two", a, "two", 0)
}

// Whoever registers a cluster vouches for its keys in his own account. Elsewhere the management account's word counts, and the issuer's own.
func TestWhoseWordCounts(t *testing.T) {
	const (
		management, own, other = identity.Account("111122223333"), identity.Account("222233334444"), identity.Account("555566667777")
		https, http            = "https://issuer.example/id", "http://issuer.example/id"
	)
	tests := map[string]struct {
		registered identity.Account
		issuer     string
		source     store.KeySource
		asked      identity.Account
		found      bool
	}{
		"pinned, own account":                {own, https, store.KeysPinned, own, true},
		"pinned, another account":            {own, https, store.KeysPinned, other, false},
		"pinned, management account":         {own, https, store.KeysPinned, management, false},
		"hosted, another account":            {own, https, store.KeysHosted, other, false},
		"API server, another account":        {own, https, store.KeysAPIServer, other, false},
		"discovery, another account":         {own, https, store.KeysDiscovery, other, true},
		"discovery by http, another account": {own, http, store.KeysDiscovery, other, false},
		"unknown source, another account":    {own, https, "telepathy", other, false},
		"management's, another account":      {management, https, store.KeysPinned, other, true},
		"nobody's account":                   {own, https, store.KeysPinned, "", false},
	}
	s := storetest.Open(t)
	install(t, s)
	key := newKey(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			put(t, s, store.Cluster{
				Name: "one", Account: test.registered, Issuer: identity.MustIssuer(test.issuer), Keys: test.source, JWKS: jwks(t, key),
			})
			k := keys.New(keys.Config{Store: s, Now: clock})
			cluster, source := k.ForIssuer(identity.MustIssuer(test.issuer), test.asked)
			if (cluster != nil) != test.found {
				t.Errorf("cluster found: %v, want %v", cluster != nil, test.found)
			}
			if test.found {
				return
			}
			_, err := source.Key(t.Context(), key.ID, "RS256")
			if refused := (*token.Error)(nil); !errors.As(err, &refused) || refused.Reason != token.UnknownKey {
				t.Errorf("key: %v", err)
			}
		})
	}
}

func TestHostedIssuer(t *testing.T) {
	s := storetest.Open(t)
	k := keys.New(keys.Config{Store: s, Now: clock})
	a, b, c := newKey(t), newKey(t), newKey(t)
	const iss = "http://127.0.0.1:8600/oidc/local"
	hosted := func(signing ...*token.SigningKey) *store.Cluster {
		cluster := store.Cluster{Name: "local", Issuer: identity.MustIssuer(iss), Keys: store.KeysHosted}
		for i, key := range signing {
			record := stored(t, key)
			record.Active = i == 0
			cluster.SigningKeys = append(cluster.SigningKeys, record)
		}
		return put(t, s, cluster)
	}
	hosted(a)
	expect(t, "one key", k, iss, a, "local", 0)
	expect(t, "a key not published", k, iss, b, "local", token.UnknownKey)
	cluster := hosted(a, b)
	expect(t, "overlap, old key", k, iss, a, "local", 0)
	expect(t, "overlap, new key", k, iss, b, "local", 0)
	expect(t, "a key never published", k, iss, c, "local", token.UnknownKey)
	doc, err := keys.HostedJWKS(cluster)
	if err != nil || string(doc) != jwks(t, a, b) {
		t.Errorf("document %s, %v", doc, err)
	}
	hosted(b)
	expect(t, "overlap over", k, iss, a, "local", token.UnknownKey)
	hosted()
	expect(t, "no keys", k, iss, b, "local", token.UnknownKey)
}

// What can't be read or isn't known is refused, not guessed at, and registering it says why.
func TestUnusableRecords(t *testing.T) {
	s := storetest.Open(t)
	k := keys.New(keys.Config{Store: s, Now: clock, AllowDiscovery: true})
	a := newKey(t)
	const iss = "https://i.test"
	for name, c := range map[string]store.Cluster{
		"no key source":      {JWKS: jwks(t, a)},
		"unknown key source": {Keys: "future", JWKS: jwks(t, a)},
		"no JWKS":            {Keys: store.KeysPinned},
		"empty JWKS":         {Keys: store.KeysPinned, JWKS: `{"keys":[]}`},
		"broken JWKS":        {Keys: store.KeysPinned, JWKS: jwks(t, a) + "x"},
		"broken signing key": {Keys: store.KeysHosted, SigningKeys: []store.SigningKey{stored(t, a), {ID: "x", PEM: "y"}}},
		"no kubeconfig":      {Keys: store.KeysAPIServer},
	} {
		c.Name, c.Issuer = "one", identity.MustIssuer(iss)
		record := put(t, s, c)
		expect(t, name, k, iss, a, "one", token.UnknownKey)
		if err := k.Check(t.Context(), record); err == nil {
			t.Errorf("%s: check found nothing wrong", name)
		}
	}
}

// site is an issuer's web server; it counts what it is asked.
type site struct {
	*httptest.Server
	jwks  atomic.Value
	asked atomic.Int32
}

func newSite(t *testing.T, tls bool, path, doc string) *site {
	t.Helper()
	s := &site{}
	s.jwks.Store(doc)
	mux := http.NewServeMux()
	mux.HandleFunc("/id/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, s.URL+"/id", s.URL+path)
	})
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if path == "/openid/v1/jwks" && r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, s.jwks.Load().(string))
	})
	s.Server = httptest.NewUnstartedServer(mux)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes refused are meant
	if tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func TestDiscoveryOfARegisteredCluster(t *testing.T) {
	s := storetest.Open(t)
	install(t, s)
	k := keys.New(keys.Config{Store: s, Now: clock})
	a := newKey(t)
	web := newSite(t, false, "/keys", jwks(t, a))
	iss := web.URL + "/id"

	cluster := put(t, s, store.Cluster{Name: "one", Issuer: identity.MustIssuer(iss), Keys: store.KeysDiscovery})
	if err := k.Check(t.Context(), cluster); err != nil {
		t.Error(err)
	}
	expect(t, "discovered", k, iss, a, "one", 0)
	expect(t, "again", k, iss, a, "one", 0)
	if n := web.asked.Load(); n != 2 {
		t.Errorf("asked %d times, want one each for the check and for the tokens", n)
	}
	put(t, s, store.Cluster{Name: "one", Issuer: identity.MustIssuer(iss), Keys: store.KeysDiscovery, AllowNoPod: true})
	expect(t, "another setting changed", k, iss, a, "one", 0)
	if n := web.asked.Load(); n != 2 {
		t.Errorf("asked %d times: fetched again for a change that concerns no keys", n)
	}
	put(t, s, store.Cluster{Name: "one", Issuer: identity.MustIssuer(iss), Keys: store.KeysPinned, JWKS: jwks(t, newKey(t))})
	expect(t, "key source changed", k, iss, a, "one", token.UnknownKey)

	// Only the management account sends this server to loopback and into private networks.
	tenant := put(t, s, store.Cluster{Name: "one", Account: "222233334444", Issuer: identity.MustIssuer(iss), Keys: store.KeysDiscovery})
	if err := k.Check(t.Context(), tenant); err == nil || web.asked.Load() != 2 {
		t.Errorf("for another account's cluster: %v, asked %d times", err, web.asked.Load())
	}

	web.jwks.Store(`{"keys":[]}`)
	if err := k.Check(t.Context(), cluster); err == nil {
		t.Error("check is content with no keys")
	}
	web.Close()
	if err := k.Check(t.Context(), cluster); err == nil {
		t.Error("check is content with no issuer")
	}
	put(t, s, *cluster)
	expect(t, "unreachable", k, iss, a, "one", token.KeysUnavailable)
}

func TestUnregisteredIssuers(t *testing.T) {
	s := storetest.Open(t)
	a := newKey(t)
	web := newSite(t, true, "/keys", jwks(t, a))
	iss := web.URL + "/id"

	expect(t, "discovery not allowed", keys.New(keys.Config{Store: s, Now: clock, Client: web.Client()}), iss, a, "", token.UnknownKey)
	if n := web.asked.Load(); n != 0 {
		t.Errorf("dialled all the same")
	}
	expect(t, "public client", keys.New(keys.Config{Store: s, Now: clock, AllowDiscovery: true}), iss, a, "", token.KeysUnavailable)

	k := keys.New(keys.Config{Store: s, Now: clock, AllowDiscovery: true, Client: web.Client()})
	expect(t, "discovery allowed", k, iss, a, "", 0)
	expect(t, "again", k, iss, a, "", 0)
	if n := web.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	put(t, s, store.Cluster{Name: "one", Issuer: identity.MustIssuer(iss), Keys: store.KeysPinned, JWKS: jwks(t, newKey(t))})
	expect(t, "registered since", k, iss, a, "one", token.UnknownKey)
	remove(t, s, "one")

	// However many issuers are asked for, the sources kept are bounded: this one is among those dropped or not, and works either way.
	for i := range 3000 {
		k.ForIssuer(identity.MustIssuer(fmt.Sprintf("https://i%d.test", i)), "111122223333")
	}
	expect(t, "after many others", k, iss, a, "", 0)
}

func kubeconfig(change func(map[string]any)) string {
	c := map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "c",
		"contexts": []any{map[string]any{"name": "c", "context": map[string]any{"cluster": "c", "user": "u"}}},
		"clusters": []any{map[string]any{"name": "c", "cluster": map[string]any{"server": "https://192.0.2.1:6443"}}},
		"users":    []any{map[string]any{"name": "u", "user": map[string]any{"token": "secret"}}},
	}
	change(c)
	b, _ := json.Marshal(c)
	return string(b)
}

func of(c map[string]any, list, name string) map[string]any {
	return c[list].([]any)[0].(map[string]any)[name].(map[string]any)
}

func TestAPIServerCluster(t *testing.T) {
	s := storetest.Open(t)
	k := keys.New(keys.Config{Store: s, Now: clock})
	a := newKey(t)
	web := newSite(t, true, "/openid/v1/jwks", jwks(t, a))
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	const iss = "https://kubernetes.default.svc"
	config := func(authority []byte, bearer string) string {
		return kubeconfig(func(c map[string]any) {
			of(c, "clusters", "cluster")["server"] = web.URL
			of(c, "clusters", "cluster")["certificate-authority-data"] = authority
			of(c, "users", "user")["token"] = bearer
		})
	}
	cluster := store.Cluster{Name: "one", Issuer: identity.MustIssuer(iss), Keys: store.KeysAPIServer, Kubeconfig: config(ca, "secret")}
	put(t, s, cluster)
	expect(t, "through the API server", k, iss, a, "one", 0)
	cluster.Kubeconfig = config(ca, "wrong")
	put(t, s, cluster)
	expect(t, "wrong token", k, iss, a, "one", token.KeysUnavailable)
	cluster.Kubeconfig = config(nil, "secret")
	put(t, s, cluster)
	expect(t, "unknown authority", k, iss, a, "one", token.KeysUnavailable)
}

func TestKubeconfigClientRefuses(t *testing.T) {
	cluster := func(name string, value any) func(map[string]any) {
		return func(c map[string]any) { of(c, "clusters", "cluster")[name] = value }
	}
	user := func(name string, value any) func(map[string]any) {
		return func(c map[string]any) { of(c, "users", "user")[name] = value }
	}
	for name, c := range map[string]struct {
		change func(map[string]any)
		hint   string // of the error; "" where it is accepted
	}{
		"plain":                 {func(map[string]any) {}, ""},
		"loopback in the clear": {cluster("server", "http://127.0.0.1:8001"), ""},
		"in the clear":          {cluster("server", "http://192.0.2.1:8001"), "plain http"},
		"a name in the clear":   {cluster("server", "http://localhost:8001"), "plain http"},
		"another scheme":        {cluster("server", "ftp://127.0.0.1"), "https"},
		"no server":             {cluster("server", ""), "kubeconfig"},
		"unverified":            {cluster("insecure-skip-tls-verify", true), "certificate-authority-data"},
		"authority in a file":   {cluster("certificate-authority", "/etc/hostname"), "--flatten"},
		"token in a file":       {user("tokenFile", "/etc/hostname"), "--flatten"},
		"certificate in a file": {user("client-certificate", "/etc/hostname"), "--flatten"},
		"key in a file":         {user("client-key", "/etc/hostname"), "--flatten"},
		"a program":             {user("exec", map[string]any{"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "interactiveMode": "Never"}), "plugin"},
		"an auth provider":      {user("auth-provider", map[string]any{"name": "gcp"}), "plugin"},
		"no context":            {func(c map[string]any) { delete(c, "current-context") }, "kubeconfig"},
	} {
		_, _, err := keys.KubeconfigClient(kubeconfig(c.change))
		switch {
		case c.hint == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.hint != "" && (err == nil || !strings.Contains(err.Error(), c.hint)):
			t.Errorf("%s: %v, want a word of %q", name, err, c.hint)
		}
	}
	if _, _, err := keys.KubeconfigClient("%"); err == nil {
		t.Error("not YAML: accepted")
	}
}

func BenchmarkForIssuer(b *testing.B) {
	s := storetest.Open(b)
	k := keys.New(keys.Config{Store: s, Now: clock})
	issuer := identity.MustIssuer("https://i.test")
	if _, err := s.Clusters.Update(b.Context(), "one", func(*store.Cluster) (*store.Cluster, error) {
		return &store.Cluster{Name: "one", Issuer: issuer, Keys: store.KeysPinned, JWKS: `{"keys":[]}`}, nil
	}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		k.ForIssuer(issuer, "111122223333")
	}
}
