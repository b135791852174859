package token_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/token"
)

const (
	goodHeader = `{"alg":"RS256","kid":"k"}`
	goodClaims = `{"iss":"https://i.test","sub":"s","aud":"a","exp":2000,"iat":1000}`
)

// compact joins texts to a token, with a signature nobody has made.
func compact(header, claims string) string {
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(claims)) + "." + enc.EncodeToString([]byte("signature"))
}

func reasonOf(t *testing.T, err error) token.Reason {
	t.Helper()
	var refused *token.Error
	if !errors.As(err, &refused) {
		t.Fatalf("error %v is not a *token.Error", err)
	}
	return refused.Reason
}

func TestParseRefusesTexts(t *testing.T) {
	good := compact(goodHeader, goodClaims)
	parts := strings.Split(good, ".")
	for name, raw := range map[string]string{
		"empty":                 "",
		"one part":              parts[0],
		"two parts":             parts[0] + "." + parts[1],
		"four parts":            good + ".AAAA",
		"five parts, as JWE":    good + ".AAAA.AAAA",
		"empty header":          "." + parts[1] + "." + parts[2],
		"empty claims":          parts[0] + ".." + parts[2],
		"empty signature":       parts[0] + "." + parts[1] + ".",
		"leading space":         " " + good,
		"trailing newline":      good + "\n",
		"newline in the middle": parts[0] + "." + parts[1][:8] + "\n" + parts[1][8:] + "." + parts[2],
		"carriage return":       parts[0] + ".\r" + parts[1] + "." + parts[2],
		"padding":               good + "=",
		"standard alphabet":     parts[0] + "." + parts[1] + ".+/+/",
		"loose last character":  parts[0] + "." + parts[1] + ".QR", // QQ is the canonical text of that byte
		"bearer prefix":         "Bearer " + good,
		"JSON serialisation":    `{"protected":"e30","payload":"e30","signature":"e30"}`,
		"too long":              compact(goodHeader, `{"x":"`+strings.Repeat("a", token.MaxSize)+`"}`),
		"too long, all dots":    strings.Repeat(".", token.MaxSize+1),
	} {
		_, err := token.Parse(raw)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if r := reasonOf(t, err); r != token.Malformed {
			t.Errorf("%s: %v (%v)", name, r, err)
		}
	}
	if _, err := token.Parse(good); err != nil {
		t.Errorf("the token the others were made of: %v", err)
	}
}

func TestParseRefusesHeaders(t *testing.T) {
	for _, c := range []struct {
		name, header string
		want         token.Reason
	}{
		{"none", `{"alg":"none"}`, token.UnsupportedAlgorithm},
		{"None", `{"alg":"None"}`, token.UnsupportedAlgorithm},
		{"HS256", `{"alg":"HS256","kid":"k"}`, token.UnsupportedAlgorithm},
		{"PS256", `{"alg":"PS256","kid":"k"}`, token.UnsupportedAlgorithm},
		{"ES256K", `{"alg":"ES256K","kid":"k"}`, token.UnsupportedAlgorithm},
		{"EdDSA", `{"alg":"EdDSA","kid":"k"}`, token.UnsupportedAlgorithm},
		{"lower case", `{"alg":"rs256","kid":"k"}`, token.UnsupportedAlgorithm},
		{"no alg", `{"kid":"k"}`, token.Malformed},
		{"alg is a list", `{"alg":["RS256"]}`, token.Malformed},
		{"alg is null", `{"alg":null}`, token.Malformed},
		{"ALG", `{"ALG":"RS256"}`, token.Malformed},
		{"alg twice", `{"alg":"RS256","alg":"RS256"}`, token.Malformed},
		{"alg twice, once escaped", `{"alg":"RS256","\u0061lg":"none"}`, token.Malformed},
		{"jwk", `{"alg":"RS256","jwk":{"kty":"RSA"}}`, token.Malformed},
		{"jku", `{"alg":"RS256","jku":"https://e.test/keys"}`, token.Malformed},
		{"x5u", `{"alg":"RS256","x5u":"https://e.test/cert"}`, token.Malformed},
		{"x5c", `{"alg":"RS256","x5c":["AAAA"]}`, token.Malformed},
		{"crit", `{"alg":"RS256","crit":["exp"],"exp":1}`, token.Malformed},
		{"empty crit", `{"alg":"RS256","crit":[]}`, token.Malformed},
		{"escaped crit", `{"alg":"RS256","cr\u0069t":[]}`, token.Malformed},
		{"zip", `{"alg":"RS256","zip":"DEF"}`, token.Malformed},
		{"b64", `{"alg":"RS256","b64":false}`, token.Malformed},
		{"typ of another kind", `{"alg":"RS256","typ":"secevent+jwt"}`, token.Malformed},
		{"typ is a number", `{"alg":"RS256","typ":1}`, token.Malformed},
		{"kid is a number", `{"alg":"RS256","kid":1}`, token.Malformed},
		{"kid is empty", `{"alg":"RS256","kid":""}`, token.Malformed},
		{"kid too long", `{"alg":"RS256","kid":"` + strings.Repeat("k", 257) + `"}`, token.Malformed},
		{"kid with a line end", `{"alg":"RS256","kid":"a\nb"}`, token.Malformed},
		{"not an object", `["alg"]`, token.Malformed},
		{"trailing data", `{"alg":"RS256"}{}`, token.Malformed},
		{"trailing NUL", "{\"alg\":\"RS256\"}\x00", token.Malformed},
		{"byte order mark", "\ufeff{\"alg\":\"RS256\"}", token.Malformed},
		{"not UTF-8", "{\"alg\":\"RS256\",\"x\":\"\xff\"}", token.Malformed},
	} {
		_, err := token.Parse(compact(c.header, goodClaims))
		if err == nil {
			t.Errorf("%s: accepted", c.name)
		} else if got := reasonOf(t, err); got != c.want {
			t.Errorf("%s: %v, want %v (%v)", c.name, got, c.want, err)
		}
	}
}

func TestParseHeaders(t *testing.T) {
	for _, c := range []struct{ header, algorithm, kid string }{
		{`{"alg":"RS256"}`, "RS256", ""},
		{`{"alg":"RS384","kid":"a"}`, "RS384", "a"},
		{`{"alg":"RS512","typ":"JWT"}`, "RS512", ""},
		{`{"typ":"at+JWT","alg":"ES256","kid":"` + strings.Repeat("k", 256) + `"}`, "ES256", strings.Repeat("k", 256)},
		{` { "alg" : "ES384" , "typ":"jwt" } `, "ES384", ""},
		{`{"alg":"ES512","x5t":"AAAA","unknown":{"alg":"none"}}`, "ES512", ""},
		{`{"\u0061lg":"RS\u00325\u0036","kid":"\ud83d\ude00\/"}`, "RS256", "😀/"},
	} {
		tok, err := token.Parse(compact(c.header, goodClaims))
		if err != nil {
			t.Errorf("%s: %v", c.header, err)
		} else if tok.Algorithm != c.algorithm || tok.KeyID != c.kid {
			t.Errorf("%s: algorithm %q, kid %q", c.header, tok.Algorithm, tok.KeyID)
		}
	}
}

func TestParseRefusesClaims(t *testing.T) {
	with := func(more string) string { return strings.TrimSuffix(goodClaims, "}") + "," + more + "}" }
	without := func(member string) string {
		return strings.Replace(strings.Replace(goodClaims, member, "", 1), "{,", "{", 1)
	}
	const tags = `"https://aws.amazon.com/tags":`
	for name, claims := range map[string]string{
		"no iss":                    without(`"iss":"https://i.test",`),
		"no sub":                    without(`,"sub":"s"`),
		"no exp":                    without(`,"exp":2000`),
		"no iat":                    without(`,"iat":1000`),
		"empty iss":                 `{"iss":"","sub":"s","exp":2000,"iat":1000}`,
		"empty sub":                 `{"iss":"i","sub":"","exp":2000,"iat":1000}`,
		"iss is a list":             `{"iss":["i"],"sub":"s","exp":2000,"iat":1000}`,
		"sub with a line end":       `{"iss":"i","sub":"s\ns","exp":2000,"iat":1000}`,
		"exp is a string":           `{"iss":"i","sub":"s","exp":"2000","iat":1000}`,
		"exp with a fraction":       `{"iss":"i","sub":"s","exp":2000.0,"iat":1000}`,
		"exp with an exponent":      `{"iss":"i","sub":"s","exp":2e3,"iat":1000}`,
		"exp with a leading zero":   `{"iss":"i","sub":"s","exp":02000,"iat":1000}`,
		"exp negative":              `{"iss":"i","sub":"s","exp":-1,"iat":1000}`,
		"exp beyond the year 9999":  `{"iss":"i","sub":"s","exp":253402300800,"iat":1000}`,
		"exp beyond 64 bits":        `{"iss":"i","sub":"s","exp":18446744073709553616,"iat":1000}`,
		"exp is null":               `{"iss":"i","sub":"s","exp":null,"iat":1000}`,
		"exp twice":                 with(`"exp":9000`),
		"iat with a fraction":       `{"iss":"i","sub":"s","exp":2000,"iat":1000.5}`,
		"nbf is a string":           with(`"nbf":"1000"`),
		"nbf with a fraction":       with(`"nbf":1000.5`),
		"sub twice, once escaped":   with(`"s\u0075b":"admin"`),
		"aud is a number":           `{"iss":"i","sub":"s","aud":1,"exp":2000,"iat":1000}`,
		"aud is null":               `{"iss":"i","sub":"s","aud":null,"exp":2000,"iat":1000}`,
		"aud holds a number":        `{"iss":"i","sub":"s","aud":["a",1],"exp":2000,"iat":1000}`,
		"aud holds an empty string": `{"iss":"i","sub":"s","aud":["a",""],"exp":2000,"iat":1000}`,
		"aud nested":                `{"iss":"i","sub":"s","aud":[["a"]],"exp":2000,"iat":1000}`,
		"jti is a number":           with(`"jti":1`),
		"duplicate deep inside":     with(`"x":{"y":[{"z":1,"z":2}]}`),
		"duplicate in kubernetes":   with(`"kubernetes.io":{"pod":{"name":"a","name":"b"}}`),
		"kubernetes is a string":    with(`"kubernetes.io":"x"`),
		"pod is a string":           with(`"kubernetes.io":{"pod":"x"}`),
		"nested too deep":           with(`"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40)),
		"too many members":          with(`"x":{` + members(129) + `}`),
		"trailing data":             goodClaims + "{}",
		"trailing comma":            strings.TrimSuffix(goodClaims, "}") + ",}",
		"leading comma":             "{," + goodClaims[1:],
		"array with trailing comma": with(`"x":[1,]`),
		"unfinished":                strings.TrimSuffix(goodClaims, "}"),
		"comment":                   goodClaims + "//",
		"single quotes":             strings.ReplaceAll(goodClaims, `"`, `'`),
		"bare word":                 with(`"x":NaN`),
		"almost a word":             with(`"x":truer`),
		"number with a plus":        with(`"x":+1`),
		"number with two zeros":     with(`"x":00`),
		"number without fraction":   with(`"x":1.`),
		"number without exponent":   with(`"x":1e`),
		"lone minus":                with(`"x":-`),
		"raw control character":     with("\"x\":\"\x01\""),
		"half a surrogate pair":     with(`"x":"\ud800"`),
		"surrogates reversed":       with(`"x":"\ude00\ud83d"`),
		"surrogate and a letter":    with(`"x":"\ud83d\u0041"`),
		"unknown escape":            with(`"x":"\x41"`),
		"escape not hexadecimal":    with(`"x":"\u00g0"`),
		"escape unfinished":         `{"x":"\u00`,
		"string unfinished":         `{"x":"\`,
		"not UTF-8":                 with("\"x\":\"\xc3\x28\""),
		"overlong UTF-8":            with("\"x\":\"\xc0\xae\""),
		"tags is a list":            with(tags + `[]`),
		"tag with two values":       with(tags + `{"principal_tags":{"Team":["a","b"]}}`),
		"tag with no value":         with(tags + `{"principal_tags":{"Team":[]}}`),
		"tag with a number":         with(tags + `{"principal_tags":{"Team":[1]}}`),
		"tag twice":                 with(tags + `{"principal_tags":{"Team":["a"],"Team":["b"]}}`),
		"tag without a key":         with(tags + `{"principal_tags":{"":["a"]}}`),
		"tag with a control key":    with(tags + `{"principal_tags":{"a\u0000":["a"]}}`),
		"tags of an unknown kind":   with(tags + `{"request_tags":{}}`),
		"flat part of unknown kind": with(`"https://aws.amazon.com/tags/request_tags/a":"b"`),
		"transitive keys numbers":   with(tags + `{"transitive_tag_keys":[1]}`),
		"source identity is a list": with(`"https://aws.amazon.com/source_identity":["a"]`),
		"source identity is empty":  with(`"https://aws.amazon.com/source_identity":""`),
	} {
		_, err := token.Parse(compact(goodHeader, claims))
		if err == nil {
			t.Errorf("%s: accepted: %s", name, claims)
		} else if r := reasonOf(t, err); r != token.Malformed {
			t.Errorf("%s: %v (%v)", name, r, err)
		}
	}
}

// members are n members of different names.
func members(n int) string {
	var list []string
	for i := range n {
		list = append(list, `"`+strings.Repeat("m", i+1)+`":0`)
	}
	return strings.Join(list, ",")
}

func TestParseClaims(t *testing.T) {
	base := token.Claims{Issuer: "https://i.test", Subject: "s", Audience: []string{"a"}, Expiry: time.Unix(2000, 0).UTC(), IssuedAt: time.Unix(1000, 0).UTC()}
	for _, c := range []struct {
		name, claims string
		want         func(*token.Claims)
	}{
		{"least", goodClaims, func(*token.Claims) {}},
		{"no audience", strings.Replace(goodClaims, `"aud":"a",`, "", 1), func(c *token.Claims) { c.Audience = nil }},
		{"empty audience", strings.Replace(goodClaims, `"a"`, `[]`, 1), func(c *token.Claims) { c.Audience = nil }},
		{"audiences", strings.Replace(goodClaims, `"a"`, `["a","b"]`, 1), func(c *token.Claims) { c.Audience = []string{"a", "b"} }},
		{"white space", "\t{ \"iss\" : \"https://i.test\" ,\r\n\"sub\":\"s\",\"aud\":[ \"a\" ],\"exp\":2000 ,\"iat\":1000}\n", func(*token.Claims) {}},
		{"escapes", strings.Replace(goodClaims, `"s"`, `"\u00e9\"\\\/"`, 1), func(c *token.Claims) { c.Subject = `é"\/` }},
		{
			"members of no interest", strings.Replace(goodClaims, "{", `{"SUB":"x","email":"a\nb","n":[-0,0.5,1e3,-1.25E-7,true,false,null,{},[],""],"o":{`+members(128)+`},`, 1),
			func(*token.Claims) {},
		},
		{
			"other claims", strings.Replace(goodClaims, "{", `{"nbf":900,"jti":"j","azp":"z","amr":["mfa","pwd"],"https://aws.amazon.com/source_identity":"alice",`, 1),
			func(c *token.Claims) {
				c.NotBefore, c.ID, c.AuthorizedParty, c.AMR, c.SourceIdentity = time.Unix(900, 0).UTC(), "j", "z", []string{"mfa", "pwd"}, "alice"
			},
		},
		{
			"tags", strings.Replace(goodClaims, "{", `{"https://aws.amazon.com/tags":{"principal_tags":{"Team":["a"],"Empty":[""]},"transitive_tag_keys":["Team"]},`, 1),
			func(c *token.Claims) {
				c.Tags, c.TransitiveKeys = []token.Tag{{Key: "Team", Value: "a"}, {Key: "Empty"}}, []string{"Team"}
			},
		},
		{
			"tags in parts", strings.Replace(goodClaims, "{", `{"https://aws.amazon.com/tags/principal_tags/Team":"a","https://aws.amazon.com/tags/transitive_tag_keys":["Team"],`, 1),
			func(c *token.Claims) {
				c.Tags, c.TransitiveKeys = []token.Tag{{Key: "Team", Value: "a"}}, []string{"Team"}
			},
		},
		{
			"kubernetes", strings.Replace(goodClaims, "{", `{"kubernetes.io":{"namespace":"n","warnafter":1,"serviceaccount":{"name":"a","uid":"u"},"secret":{"name":"x"},"pod":{"uid":"pu","name":"p","x":[]}},`, 1),
			func(c *token.Claims) {
				c.Kubernetes = token.Kubernetes{Namespace: "n", ServiceAccount: "a", ServiceAccountUID: "u", Pod: "p", PodUID: "pu"}
			},
		},
	} {
		want := base
		c.want(&want)
		tok, err := token.Parse(compact(goodHeader, c.claims))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if diff := cmp.Diff(want, tok.Claims); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestHash(t *testing.T) {
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, appendix B.1
	if got := token.Hash("abc"); got != want {
		t.Errorf("got %s", got)
	}
}
