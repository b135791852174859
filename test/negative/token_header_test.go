package negative

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"strconv"
	"strings"

	"github.com/podpass/podpass/token"
)

// tokenHeader: tokens that say how they want to be verified.
func tokenHeader(w *world) []probe {
	claims := w.claims().String()
	with := func(h members) string { return jws(w.key, h.String(), claims) }
	under := func(header members, signature func(input string) string) string {
		input := b64(header.String()) + "." + b64(claims)
		return input + "." + b64(signature(input))
	}
	h := w.header()
	unsigned := func(alg string) string {
		return b64(h.with("alg", strconv.Quote(alg)).String()) + "." + b64(claims) + "."
	}
	attackers, err := token.JWKS(w.stranger)
	if err != nil {
		panic(err) // an RSA key is a JWK
	}
	jwk := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(string(attackers)), `{"keys":[`), `]}`)
	const jwt = "InvalidIdentityToken"
	return []probe{
		w.badToken("alg none, no signature", jwt, "algorithm is none of RS256, RS384, RS512, ES256, ES384, ES512", unsigned("none")),
		w.badToken("alg None, no signature", jwt, "algorithm is none of RS256, RS384, RS512, ES256, ES384, ES512", unsigned("None")),
		w.badToken("alg nOnE and a signature", jwt, "algorithm is none of RS256, RS384, RS512, ES256, ES384, ES512", with(h.with("alg", `"nOnE"`))),
		w.badToken("alg none and a good signature", jwt, "algorithm is none of RS256, RS384, RS512, ES256, ES384, ES512", with(h.with("alg", `"none"`))),
		w.badToken("HS256 keyed with the public key as PEM", jwt, "algorithm is none of RS256, RS384, RS512, ES256, ES384, ES512", under(h.with("alg", `"HS256"`), hs256(publicPEM(w.key)))),
		w.badToken("HS256 keyed with the modulus", jwt, "algorithm is none of RS256, RS384, RS512, ES256, ES384, ES512", under(h.with("alg", `"HS256"`), hs256(string(w.key.Private.Public().(*rsa.PublicKey).N.Bytes())))),
		w.badToken("HS256 keyed with nothing", jwt, "algorithm is none of RS256, RS384, RS512, ES256, ES384, ES512", under(h.with("alg", `"HS256"`), hs256(""))),
		w.badToken("PS256 by the issuer's key", jwt, "algorithm is none of RS256, RS384, RS512, ES256, ES384, ES512", under(h.with("alg", `"PS256"`), func(input string) string { return ps256(w.key, input) })),
		w.badToken("RS384 said, RS256 signed", jwt, "is not for RS384", with(h.with("alg", `"RS384"`))),
		w.badToken("RS256 said, RS512 signed", jwt, "signature does not match", under(h, func(input string) string { return rs512(w.key, input) })),
		w.badToken("ES256 under an RSA key's id", jwt, "is not for ES256", under(h.with("alg", `"ES256"`), es256)),
		w.badToken("rs256 in small letters", jwt, "algorithm is none of RS256, RS384, RS512, ES256, ES384, ES512", with(h.with("alg", `"rs256"`))),
		w.badToken("no alg", jwt, "alg is missing", with(h.without("alg"))),
		w.badToken("alg null", jwt, `expected '"'`, with(h.with("alg", "null"))),
		w.badToken("alg a list", jwt, `expected '"'`, with(h.with("alg", `["RS256"]`))),
		w.badToken("alg twice", jwt, `member "alg" twice in one object`, with(h.also("alg", `"RS256"`))),
		w.badToken("alg twice, once escaped", jwt, `member "alg" twice in one object`, with(h.also(`\u0061lg`, `"none"`))),
		w.badToken("unknown kid", jwt, "no key has the kid", with(h.with("kid", `"nobody"`))),
		w.badToken("no kid, by a stranger's key", jwt, "signature does not match", jws(w.stranger, h.without("kid").String(), claims)),
		w.badToken("kid a path", jwt, "no key has the kid", jws(w.stranger, h.with("kid", `"../../../dev/null"`).String(), claims)),
		w.badToken("kid a query", jwt, "no key has the kid", jws(w.stranger, h.with("kid", `"x' UNION SELECT 'k'--"`).String(), claims)),
		w.badToken("kid a number", jwt, `expected '"'`, with(h.with("kid", "1"))),
		w.badToken("kid of a neighbour, by its key", jwt, "no key has the kid", jws(w.neighbourKey, h.with("kid", strconv.Quote(w.neighbourKey.ID)).String(), claims)),
		w.badToken("the issuer's kid, by a stranger's key", jwt, "signature does not match", jws(w.stranger, h.String(), claims)),
		w.badToken("jwk of its own", jwt, `parameter "jwk" is not accepted`, jws(w.stranger, h.without("kid").also("jwk", jwk).String(), claims)),
		w.badToken("jwk of its own beside the issuer's kid", jwt, `parameter "jwk" is not accepted`, jws(w.stranger, h.also("jwk", jwk).String(), claims)),
		w.badToken("jku", jwt, `parameter "jku" is not accepted`, with(h.also("jku", `"https://evil.example/jwks"`))),
		w.badToken("x5u", jwt, `parameter "x5u" is not accepted`, with(h.also("x5u", `"https://evil.example/cert"`))),
		w.badToken("x5c", jwt, `parameter "x5c" is not accepted`, with(h.also("x5c", `["MIIB"]`))),
		w.badToken("crit of something unknown", jwt, `parameter "crit" is not accepted`, with(h.also("crit", `["exp"]`))),
		w.badToken("b64 false", jwt, `parameter "b64" is not accepted`, with(h.also("b64", "false").also("crit", `["b64"]`))),
		w.badToken("zip", jwt, `parameter "zip" is not accepted`, with(h.also("zip", `"DEF"`))),
		w.badToken("typ of another kind of token", jwt, "typ is neither JWT nor at+jwt", with(h.also("typ", `"dpop+jwt"`))),
		w.badToken("a list for a header", jwt, "expected '{'", jws(w.key, "["+h.String()+"]", claims)),
		w.badToken("two headers", jwt, "something follows the document", jws(w.key, h.String()+h.String(), claims)),
		w.badToken("byte order mark in front", jwt, "expected '{'", jws(w.key, "\ufeff"+h.String(), claims)),
		w.badToken("nested a hundred deep", jwt, "nested deeper than 16", with(h.also("x", strings.Repeat("[", 100)+strings.Repeat("]", 100)))),
	}
}

func publicPEM(k *token.SigningKey) string {
	der, err := x509.MarshalPKIXPublicKey(k.Private.Public())
	if err != nil {
		panic(err) // an RSA key has a PKIX form
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func hs256(key string) func(string) string {
	return func(input string) string {
		m := hmac.New(sha256.New, []byte(key))
		m.Write([]byte(input))
		return string(m.Sum(nil))
	}
}

func ps256(k *token.SigningKey, input string) string {
	sum := sha256.Sum256([]byte(input))
	signature, err := k.Private.Sign(rand.Reader, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
	if err != nil {
		panic(err)
	}
	return string(signature)
}

func rs512(k *token.SigningKey, input string) string {
	sum := sha512.Sum512([]byte(input))
	signature, err := k.Private.Sign(rand.Reader, sum[:], crypto.SHA512)
	if err != nil {
		panic(err)
	}
	return string(signature)
}

func es256(input string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		panic(err)
	}
	return string(r.FillBytes(make([]byte, 32))) + string(s.FillBytes(make([]byte, 32)))
}
