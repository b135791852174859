package negative

import (
	"strconv"
	"strings"
)

// tokenClaims: tokens whose claims were changed, say a thing twice or not at all, or say another name.
func tokenClaims(w *world) []probe {
	c := w.claims()
	good := w.sign(c)
	parts := strings.Split(good, ".")
	raw := func(claims string) string { return jws(w.key, w.header().String(), claims) }
	someoneElse := w.sign(c.with("sub", `"system:serviceaccount:shop:other"`))
	const jwt, denied, untrusted = "InvalidIdentityToken", "AccessDenied", "sts:AssumeRoleWithWebIdentity: "
	audience := w.why("knows sts.amazonaws.com", "the token is for ")
	return []probe{
		w.badToken("subject changed after signing", jwt, "signature does not match", parts[0]+"."+b64(c.with("sub", `"system:serviceaccount:kube-system:admin"`).String())+"."+parts[2]),
		w.badToken("expiry changed after signing", jwt, "signature does not match", parts[0]+"."+b64(c.with("exp", w.in(1<<30)).String())+"."+parts[2]),
		w.badToken("one character of the signature changed", jwt, "signature does not match", good[:len(good)-100]+other(good[len(good)-100])+good[len(good)-99:]),
		w.badToken("signature of another token", jwt, "signature does not match", parts[0]+"."+parts[1]+"."+strings.Split(someoneElse, ".")[2]),
		w.badToken("signature cut short", jwt, "token signature: not canonical unpadded base64url", good[:len(good)-4]),
		w.badToken("signature of zeros", jwt, "signature does not match", parts[0]+"."+parts[1]+"."+b64(strings.Repeat("\x00", 256))),
		w.badToken("signature of one, padded", jwt, "signature does not match", parts[0]+"."+parts[1]+"."+b64(strings.Repeat("\x00", 255)+"\x01")),
		w.badToken("text behind the claims", jwt, "something follows the document", raw(c.String()+" {}")),
		w.badToken("sub twice", jwt, `member "sub" twice in one object`, raw(c.also("sub", `"system:serviceaccount:shop:web"`).String())),
		w.badToken("sub twice, once escaped", jwt, `member "sub" twice in one object`, raw(c.also(`\u0073ub`, `"system:serviceaccount:shop:web"`).String())),
		w.badToken("aud twice", jwt, `member "aud" twice in one object`, raw(c.also("aud", `"vault"`).String())),
		w.badToken("exp twice", jwt, `member "exp" twice in one object`, raw(c.also("exp", w.in(1<<30)).String())),
		w.badToken("a member twice deep inside", jwt, `member "namespace" twice in one object`, raw(c.with("kubernetes.io", `{"namespace":"shop","namespace":"kube-system"}`).String())),
		w.badToken("claims a list", jwt, "expected '{'", raw("["+c.String()+"]")),
		w.badToken("claims not UTF-8", jwt, "is not UTF-8", raw(c.with("sub", "\"system:serviceaccount:shop:web\xff\"").String())),
		w.badToken("control character in a claim", jwt, "control character in a string", raw(c.with("sub", `"system:serviceaccount:shop:web\u0000"`).String())),
		w.badToken("single quotes", jwt, `expected '"'`, raw(strings.ReplaceAll(c.String(), `"`, `'`))),
		w.badToken("a comment", jwt, "something follows the document", raw(c.String()+"//")),
		w.badToken("sub missing", jwt, "sub is missing", raw(c.without("sub").String())),
		w.badToken("sub empty", jwt, "empty string", raw(c.with("sub", `""`).String())),
		w.badToken("sub a list", jwt, `expected '"'`, raw(c.with("sub", `["system:serviceaccount:shop:web"]`).String())),
		w.badToken("Sub instead of sub", jwt, "sub is missing", raw(c.without("sub").also("Sub", `"system:serviceaccount:shop:web"`).String())),
		w.badToken("aud missing", jwt, w.why("Missing a required claim: aud", `the token is for ""`), raw(c.without("aud").String())),
		w.badToken("aud an empty list", jwt, w.why("Missing a required claim: aud", `the token is for ""`), raw(c.with("aud", "[]").String())),
		w.badToken("aud null", jwt, "expected '['", raw(c.with("aud", "null").String())),
		w.badToken("aud a list of lists", jwt, `expected '"'`, raw(c.with("aud", `[["sts.amazonaws.com"]]`).String())),
		w.badToken("another audience", jwt, audience, raw(c.with("aud", `"vault"`).String())),
		w.badToken("the other service's audience", jwt, audience, raw(c.with("aud", strconv.Quote(w.door.otherAudience)).String())),
		w.badToken("audience in capitals", jwt, audience, raw(c.with("aud", strconv.Quote(strings.ToUpper(w.door.audience[:4])+w.door.audience[4:])).String())),
		w.badToken("audience with something behind", jwt, audience, raw(c.with("aud", strconv.Quote(w.door.audience+".evil.example")).String())),
		w.badToken("audience in one string with another", jwt, audience, raw(c.with("aud", strconv.Quote("vault "+w.door.audience)).String())),
		w.badToken("azp says what aud does not", jwt, audience, raw(c.with("aud", `"vault"`).also("azp", strconv.Quote(w.door.audience)).String())),
		w.badToken("session tag with two values", jwt, "a principal tag must have a key and exactly one value", raw(c.also("https://aws.amazon.com/tags", `{"principal_tags":{"Team":["a","b"]}}`).String())),
		w.badToken("another subject", denied, w.why(untrusted, "the token's subject is shop/other, its kubernetes.io claim says"), someoneElse),
		w.badToken("subject in other letters", denied, w.why(untrusted, `"Web" is not a DNS name`), raw(c.with("sub", `"system:serviceaccount:shop:Web"`).String())),
		w.badToken("subject with more behind", denied, w.why(untrusted, "the token's subject is shop/web2, its"), raw(c.with("sub", `"system:serviceaccount:shop:web2"`).String())),
		w.badToken("subject with a space behind", denied, w.why(untrusted, `"web " is not a DNS name`), raw(c.with("sub", `"system:serviceaccount:shop:web "`).String())),
		w.badToken("subject with a wildcard", denied, w.why(untrusted, `"*" is not a DNS name`), raw(c.with("sub", `"system:serviceaccount:shop:*"`).String())),
		w.badToken("subject with a look-alike letter", denied, w.why(untrusted, "is not a DNS name"), raw(c.with("sub", `"system:serviceaccount:shop:wеb"`).String())),
	}
}

// sessionClaims: tokens whose issuer sets what the role's trust policy does not let it set. EKS Auth doesn't read these claims.
func sessionClaims(w *world) []probe {
	with := func(name, value string) string { return w.sign(w.claims().also(name, value)) }
	return []probe{
		w.badToken("session tags", "AccessDenied", "sts:TagSession: ", with("https://aws.amazon.com/tags", `{"principal_tags":{"Team":["a"]}}`)),
		w.badToken("source identity", "AccessDenied", "sts:SetSourceIdentity: ", with("https://aws.amazon.com/source_identity", `"root"`)),
	}
}

// tokenIssuer: tokens that name another issuer than the one that signed them, or nearly the same.
func tokenIssuer(w *world) []probe {
	c := w.claims()
	from := func(issuer string) string { return w.sign(c.with("iss", strconv.Quote(issuer))) }
	host := strings.TrimPrefix(w.Issuer, "http://")
	const jwt, other = "InvalidIdentityToken", "says it is of issuer"
	return []probe{
		w.badToken("iss missing", jwt, "iss is missing", w.sign(c.without("iss"))),
		w.badToken("iss twice", jwt, `member "iss" twice in one object`, w.sign(c.also("iss", strconv.Quote(w.Issuer)))),
		w.badToken("an unknown issuer", jwt, w.why("has no provider", other), from("https://unknown.example")),
		w.badToken("a neighbour's issuer, by our key", jwt, w.why("no key has the kid", other), from(w.issuer)),
		w.badToken("our issuer, by a neighbour's key", jwt, "no key has the kid", jws(w.neighbourKey, w.header().with("kid", strconv.Quote(w.neighbourKey.ID)).String(), c.String())),
		w.badToken("slash behind", jwt, w.why("has no provider", other), from(w.Issuer+"/")),
		w.badToken("another scheme", jwt, w.why("has no provider", other), from("https://"+host)),
		w.badToken("scheme in capitals", jwt, w.why("must begin with https://", other), from("HTTP://"+host)),
		w.badToken("no scheme", jwt, w.why("is not a URL", other), from(host)),
		w.badToken("path in capitals", jwt, w.why("has no provider", other), from(strings.Replace(w.Issuer, "/oidc/", "/OIDC/", 1))),
		w.badToken("query behind", jwt, w.why("must have no query, fragment or credentials", other), from(w.Issuer+"?x=1")),
		w.badToken("fragment behind", jwt, w.why("must have no query, fragment or credentials", other), from(w.Issuer+"#x")),
		w.badToken("dot segments", jwt, w.why("has no provider", other), from(w.Issuer+"/x/..")),
		w.badToken("the issuer as user name of another host", jwt, w.why("must have no query, fragment or credentials", other), from("http://"+host+"@evil.example")),
		w.badToken("the issuer as path of another host", jwt, w.why("has no provider", other), from("https://evil.example/"+host)),
		w.badToken("space behind", jwt, w.why("holds a character that is not printable ASCII", other), from(w.Issuer+" ")),
		w.badToken("escaped letter", jwt, w.why("has no provider", other), from(strings.Replace(w.Issuer, "/oidc/", "/%6Fidc/", 1))),
	}
}

// tokenTimes: tokens out of their time, which a minute of disagreement between clocks doesn't cover.
func tokenTimes(w *world) []probe {
	c := w.claims()
	const jwt, expired = "InvalidIdentityToken", "ExpiredTokenException"
	return []probe{
		w.badToken("expired a minute ago to the second", expired, "token has expired", w.sign(c.with("exp", w.in(-60)))),
		w.badToken("expired an hour ago", expired, "token has expired", w.sign(c.with("exp", w.in(-3600)))),
		w.badToken("expired in 1970", expired, "token has expired", w.sign(c.with("exp", "1"))),
		w.badToken("valid in 61 s", jwt, "token is not valid yet", w.sign(c.with("nbf", w.in(61)))),
		w.badToken("issued in 61 s", jwt, "token was issued in the future", w.sign(c.with("iat", w.in(61)))),
		w.badToken("exp missing", jwt, "exp is missing", w.sign(c.without("exp"))),
		w.badToken("exp null", jwt, "expected an integer", w.sign(c.with("exp", "null"))),
		w.badToken("exp a string", jwt, "expected an integer", w.sign(c.with("exp", `"`+w.in(3600)+`"`))),
		w.badToken("exp with a fraction", jwt, "number is not written as an integer", w.sign(c.with("exp", w.in(3600)+".5"))),
		w.badToken("exp with an exponent", jwt, "number is not written as an integer", w.sign(c.with("exp", "9e9"))),
		w.badToken("exp negative", jwt, "expected an integer", w.sign(c.with("exp", "-1"))),
		w.badToken("exp beyond 64 bits", jwt, "number too large", w.sign(c.with("exp", "18446744073709551617"))),
		w.badToken("iat missing", jwt, "iat is missing", w.sign(c.without("iat"))),
	}
}

// other is a character of base64url that isn't c.
func other(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}
