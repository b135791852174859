package identity

import (
	"fmt"
	"net/url"
	"strings"
)

// Issuer is a token issuer's URL, compared byte for byte with a token's iss claim and never normalised: two issuers
// that differ in a trailing slash or in letter case are two issuers (RFC 8414 section 2, OpenID Connect Core 2).
type Issuer struct{ url string }

// IssuerRules say which issuers beyond AWS's own rule (https, no port) are admitted.
type IssuerRules struct {
	Port bool // https://host:port, and any port
	HTTP bool // http://, as an issuer hosted on loopback has
}

// ParseIssuer reads an issuer of at most 255 characters: a scheme, a lower-case host and a path, and nothing else (no query, no
// fragment, no credentials, no escaped or upper-case host, which are how look-alikes are made).
func ParseIssuer(text string, rules IssuerRules) (Issuer, error) {
	bad := func(why string) (Issuer, error) { return Issuer{}, fmt.Errorf("issuer %q %s", text, why) }
	if len(text) > 255 {
		return Issuer{}, fmt.Errorf("issuer is longer than 255 characters")
	}
	for i := 0; i < len(text); i++ {
		if text[i] <= ' ' || text[i] > '~' {
			return bad("holds a character that is not printable ASCII")
		}
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return bad("is not a URL")
	case u.Scheme != "https" && !(u.Scheme == "http" && rules.HTTP):
		return bad("must begin with https://")
	case !strings.HasPrefix(text, u.Scheme+"://"):
		return bad("must begin with https://")
	case u.Host == "" || u.Hostname() == "":
		return bad("has no host name")
	case u.User != nil || strings.ContainsAny(text, "?#@\\"):
		return bad("must have no query, fragment or credentials")
	case u.Port() != "" && !rules.Port || strings.HasSuffix(u.Host, ":"):
		return bad("must not name a port")
	case u.Host != strings.ToLower(u.Host):
		return bad("must have its host name in lower case")
	}
	return Issuer{text}, nil
}

// MustIssuer is ParseIssuer with every rule relaxed, for texts correct by construction.
func MustIssuer(text string) Issuer {
	i, err := ParseIssuer(text, IssuerRules{Port: true, HTTP: true})
	if err != nil {
		panic(err)
	}
	return i
}

func (i Issuer) String() string { return i.url }

// IsZero reports whether i is no issuer.
func (i Issuer) IsZero() bool { return i.url == "" }

// HostPath is the issuer without its scheme: what IAM calls the provider, and the prefix of its condition keys.
func (i Issuer) HostPath() string {
	_, rest, _ := strings.Cut(i.url, "://")
	return rest
}

// ProviderARN is the ARN of the issuer's IAM OIDC provider in an account.
func (i Issuer) ProviderARN(partition string, account Account) ARN {
	return account.IAM(partition, "oidc-provider/"+i.HostPath())
}

// MarshalText makes an issuer its own text in JSON.
func (i Issuer) MarshalText() ([]byte, error) { return []byte(i.url), nil }

// UnmarshalText reads back what MarshalText wrote; it admits ports and http, because it was checked when it was written.
func (i *Issuer) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*i = Issuer{}
		return nil
	}
	p, err := ParseIssuer(string(b), IssuerRules{Port: true, HTTP: true})
	if err == nil {
		*i = p
	}
	return err
}
