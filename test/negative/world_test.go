package negative

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/token"
)

const minute = time.Minute

// identity is the body of the signed call that the signature family carries about.
const identity = "Action=GetCallerIdentity&Version=2011-06-15"

// world is an authority whose clock stands still, and everything a case is made of.
type world struct {
	*podpasstest.Server
	now      time.Time
	key      *token.SigningKey // the issuer's
	stranger *token.SigningKey // nobody's
	neighbour
	alice   aws.Credentials
	session aws.Credentials // of role reader
	agent   aws.Credentials // may exchange pods' tokens
	client  *http.Client
	door    door // that tokens are tried at
}

// neighbour is another registered cluster, whose tokens are good where its own provider is trusted.
type neighbour struct {
	issuer       string
	neighbourKey *token.SigningKey
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Server: podpasstest.Start(t), client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	w.now = time.Now().UTC().Truncate(time.Second)
	w.key, w.stranger = w.SigningKey(t), newKey(t)
	w.issuer, w.neighbourKey = "https://neighbour.example/id/2", newKey(t)
	jwks, err := token.JWKS(w.neighbourKey)
	if err != nil {
		t.Fatal(err)
	}
	w.AddCluster(t, "neighbour", w.issuer, jwks)
	w.AddProvider(t, podpasstest.Account, w.issuer, "sts.amazonaws.com")
	w.AddRole(t, podpasstest.Role{Name: "reader", Trusts: []string{"shop/web"}, Allows: []string{"s3:*"}})
	w.alice = w.AddUser(t, podpasstest.Account, "alice", podpasstest.Allow("sts:*"))
	w.session = w.exchanged(t, "reader", "shop", "web")
	w.addPodIdentity(t)
	w.door = atSTS
	w.Clock.Stop(w.now)
	return w
}

func newKey(t *testing.T) *token.SigningKey {
	t.Helper()
	key, err := token.NewSigningKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// exchanged are credentials of a role, by an exchange that is in order.
func (w *world) exchanged(t *testing.T, role, namespace, serviceAccount string) aws.Credentials {
	t.Helper()
	out, err := w.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(context.Background(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(podpasstest.RoleARN(role)), RoleSessionName: aws.String("web"),
		WebIdentityToken: aws.String(w.Token(t, namespace, serviceAccount)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return podpasstest.Issued(out.Credentials)
}

// members are the members of a JSON object, in order and as they shall be written, so that a case can write them wrong.
type members []struct{ name, value string }

func (m members) with(name, value string) members {
	out := append(members(nil), m...)
	for i := range out {
		if out[i].name == name {
			out[i].value = value
			return out
		}
	}
	return out.also(name, value)
}

// also writes a member that may be there already.
func (m members) also(name, value string) members {
	return append(append(members(nil), m...), struct{ name, value string }{name, value})
}

func (m members) without(name string) members {
	var out members
	for _, member := range m {
		if member.name != name {
			out = append(out, member)
		}
	}
	return out
}

func (m members) String() string {
	parts := make([]string, len(m))
	for i, member := range m {
		parts[i] = `"` + member.name + `":` + member.value
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// claims are those of a good token. Its text has a length that leaves unused bits in its last character as base64.
func (w *world) claims() members {
	m := members{}.
		also("aud", `["`+w.door.audience+`"]`).also("exp", w.in(3600)).also("iat", w.in(0)).also("iss", strconv.Quote(w.Issuer)).
		also("jti", `"`+"1bd38ad8-33b5-4018-a6c9-81beaf84c89d"+`"`).
		also("kubernetes.io", `{"namespace":"shop","pod":{"name":"web-x7k2p","uid":"32b2260f-5a66-4e48-b430-605c245d7840"},"serviceaccount":{"name":"web","uid":"1d73a72f-a6cf-48c9-8e58-20961e6abf9e"}}`).
		also("nbf", w.in(0)).also("sub", `"system:serviceaccount:shop:web"`)
	return m.with("jti", `"`+strings.Repeat("j", 36+(4-len(m.String())%3)%3)+`"`)
}

// in is a NumericDate so many seconds from the authority's time.
func (w *world) in(seconds int) string { return strconv.FormatInt(w.now.Unix()+int64(seconds), 10) }

func (w *world) header() members {
	return members{}.also("alg", `"RS256"`).also("kid", strconv.Quote(w.key.ID))
}

// sign is a token of the issuer's with these claims.
func (w *world) sign(claims members) string { return jws(w.key, w.header().String(), claims.String()) }

// jws signs whatever header and claims with RS256.
func jws(key *token.SigningKey, header, claims string) string {
	input := b64(header) + "." + b64(claims)
	return input + "." + b64(rs256(key, input))
}

func rs256(key *token.SigningKey, input string) string {
	sum := sha256.Sum256([]byte(input))
	signature, err := key.Private.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return err.Error() // no signature then, and the case that wanted it to be good fails
	}
	return string(signature)
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// exchange is AssumeRoleWithWebIdentity for role reader, with further parameters in pairs.
func (w *world) exchange(raw string, pairs ...string) *http.Request {
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"},
		"RoleArn": {podpasstest.RoleARN("reader")}, "RoleSessionName": {"web"}, "WebIdentityToken": {raw},
	}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return w.post(form.Encode())
}

func (w *world) post(body string) *http.Request {
	r, err := http.NewRequest(http.MethodPost, w.URL+"/", strings.NewReader(body))
	if err != nil {
		panic(err) // the URL is the authority's
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// badToken is a probe of a token for role reader at the world's door. code is STS's name for what is wrong.
func (w *world) badToken(name, code, why, raw string) probe {
	p := probe{name: name, request: w.door.request(w, raw), code: code, status: statusOf(code), why: why, secrets: secretsOf(raw)}
	if named := w.door.codes[code]; named != "" {
		p.code, p.status = named, http.StatusBadRequest
	}
	return p
}

func statusOf(code string) int {
	switch code {
	case "AccessDenied", "SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken", "MissingAuthenticationToken":
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

// signing is how a request is signed; cases bend it.
type signing struct {
	credentials     aws.Credentials
	service, region string
	at              time.Time
	before, after   func(*http.Request) // signing
}

type bend func(*signing)

func as(c aws.Credentials) bend { return func(s *signing) { s.credentials = c } }
func at(t time.Time) bend       { return func(s *signing) { s.at = t } }
func scoped(service, region string) bend {
	return func(s *signing) { s.service, s.region = service, region }
}
func before(change func(*http.Request)) bend { return func(s *signing) { s.before = change } }
func after(change func(*http.Request)) bend  { return func(s *signing) { s.after = change } }
func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// signed is a request signed as alice for STS, unless bent.
func (w *world) signed(body string, bends ...bend) *http.Request {
	s := signing{credentials: w.alice, service: "sts", region: podpasstest.Region, at: w.now}
	for _, b := range bends {
		b(&s)
	}
	r := w.post(body)
	if s.before != nil {
		s.before(r)
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(context.Background(), s.credentials, r, hex.EncodeToString(sum[:]), s.service, s.region, s.at); err != nil {
		panic(err) // static credentials sign
	}
	if s.after != nil {
		s.after(r)
	}
	return r
}

// presign is a presigned GetCallerIdentity.
func (w *world) presign(bends ...bend) *http.Request {
	s := signing{credentials: w.alice, service: "sts", region: podpasstest.Region, at: w.now}
	for _, b := range bends {
		b(&s)
	}
	r, err := http.NewRequest(http.MethodGet, w.URL+"/?"+identity, nil)
	if err != nil {
		panic(err)
	}
	if s.before != nil {
		s.before(r)
	}
	sum := sha256.Sum256(nil)
	signedURL, _, err := v4.NewSigner().PresignHTTP(context.Background(), s.credentials, r, hex.EncodeToString(sum[:]), s.service, s.region, s.at)
	if err != nil {
		panic(err)
	}
	if r, err = http.NewRequest(http.MethodGet, signedURL, nil); err != nil {
		panic(err)
	}
	if s.after != nil {
		s.after(r)
	}
	return r
}

// iam is a call of IAM's by the administrator.
func (w *world) iam(action string, pairs ...string) *http.Request {
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return w.signed(form.Encode(), as(w.Admin), scoped("iam", podpasstest.Region))
}

// badPolicy is a probe of a policy document that a request carries.
func (w *world) badPolicy(d bad, how string, r *http.Request) probe {
	return probe{name: how + d.name, request: r, code: "MalformedPolicyDocument", status: http.StatusBadRequest, why: d.why, secrets: []string{w.Admin.SecretAccessKey}}
}

func (p probe) as(code string, status int) probe {
	p.code, p.status = code, status
	return p
}
