package token

import (
	"strings"
	"time"
)

const maxKeyID = 256

// The claims by which an issuer sets session tags and a source identity. The tags claim also comes in parts, as claimTags/PART.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp
const (
	claimKubernetes     = "kubernetes.io"
	claimTags           = "https://aws.amazon.com/tags"
	claimSourceIdentity = "https://aws.amazon.com/source_identity"
)

// readHeader takes alg and kid and refuses every parameter by which a token could choose its own key (jwk, jku, x5u, x5c), change what is
// signed (b64, zip) or demand what we do not understand (crit). Others are ignored, as RFC 7515 section 4 has it.
func (t *Token) readHeader(text string) error {
	err := read(text, func(r *reader) error {
		return r.object(func(name string) (err error) {
			switch name {
			case "alg":
				t.Algorithm, err = r.nonEmpty()
			case "kid":
				if t.KeyID, err = r.nonEmpty(); len(t.KeyID) > maxKeyID {
					return r.fail("kid is longer than %d bytes", maxKeyID)
				}
			case "typ":
				var typ string
				if typ, err = r.str(); err == nil && !strings.EqualFold(typ, "JWT") && !strings.EqualFold(typ, "at+jwt") {
					return r.fail("typ is neither JWT nor at+jwt")
				}
			case "crit", "jwk", "jku", "x5u", "x5c", "zip", "b64":
				return r.fail("parameter %q is not accepted", name)
			default:
				return r.skip()
			}
			return err
		})
	})
	switch {
	case err != nil:
		return err
	case t.Algorithm == "":
		return malformed("alg is missing")
	case algorithmHash(t.Algorithm) == 0:
		return &Error{Reason: UnsupportedAlgorithm, Detail: "algorithm is none of RS256, RS384, RS512, ES256, ES384, ES512"}
	}
	return nil
}

func (c *Claims) read(text string) error {
	err := read(text, func(r *reader) error {
		return r.object(func(name string) (err error) {
			switch name {
			case "iss":
				c.Issuer, err = r.nonEmpty()
			case "sub":
				c.Subject, err = r.nonEmpty()
			case "aud":
				c.Audience, err = r.strings(r.nonEmpty)
			case "exp":
				c.Expiry, err = r.seconds()
			case "iat":
				c.IssuedAt, err = r.seconds()
			case "nbf":
				c.NotBefore, err = r.seconds()
			case "jti":
				c.ID, err = r.nonEmpty()
			case "amr":
				c.AMR, err = r.strings(r.nonEmpty)
			case "azp":
				c.AuthorizedParty, err = r.nonEmpty()
			case claimKubernetes:
				return c.Kubernetes.read(r)
			case claimTags:
				return c.readTags(r)
			case claimSourceIdentity:
				c.SourceIdentity, err = r.nonEmpty()
			default:
				if rest, ok := strings.CutPrefix(name, claimTags+"/"); ok {
					return c.readFlatTag(r, rest)
				}
				return r.skip()
			}
			return err
		})
	})
	switch {
	case err != nil:
		return err
	case c.Issuer == "":
		return malformed("iss is missing")
	case c.Subject == "":
		return malformed("sub is missing")
	case c.Expiry.IsZero():
		return malformed("exp is missing")
	case c.IssuedAt.IsZero():
		return malformed("iat is missing")
	}
	return nil
}

func (k *Kubernetes) read(r *reader) error {
	object := func(name, uid *string) error {
		return r.object(func(member string) (err error) {
			switch member {
			case "name":
				*name, err = r.nonEmpty()
			case "uid":
				*uid, err = r.nonEmpty()
			default:
				return r.skip()
			}
			return err
		})
	}
	return r.object(func(name string) (err error) {
		switch name {
		case "namespace":
			k.Namespace, err = r.nonEmpty()
		case "serviceaccount":
			return object(&k.ServiceAccount, &k.ServiceAccountUID)
		case "pod":
			return object(&k.Pod, &k.PodUID)
		case "node":
			return object(&k.Node, &k.NodeUID)
		default:
			return r.skip()
		}
		return err
	})
}

// readTags reads {"principal_tags":{"Team":["a"]},"transitive_tag_keys":["Team"]}.
func (c *Claims) readTags(r *reader) error {
	return r.object(func(name string) error {
		if name == "principal_tags" {
			return r.object(func(key string) error { return c.readTag(r, key) })
		}
		return c.readFlatTag(r, name)
	})
}

// readFlatTag reads the form of issuers that cannot nest claims, ".../tags/principal_tags/Team":"a" and ".../tags/transitive_tag_keys":["Team"].
func (c *Claims) readFlatTag(r *reader, name string) error {
	if key, ok := strings.CutPrefix(name, "principal_tags/"); ok {
		return c.readTag(r, key)
	}
	if name != "transitive_tag_keys" {
		return r.fail("unknown part %.40q of the tags claim", name)
	}
	keys, err := r.strings(r.nonEmpty)
	c.TransitiveKeys = append(c.TransitiveKeys, keys...)
	return err
}

func (c *Claims) readTag(r *reader, key string) error {
	values, err := r.strings(r.plain)
	if err == nil && (key == "" || hasControl(key) || len(values) != 1) {
		err = r.fail("a principal tag must have a key and exactly one value")
	}
	if err == nil {
		c.Tags = append(c.Tags, Tag{key, values[0]})
	}
	return err
}

// nonEmpty is a string of at least one character and no control characters, which neither a log line nor an XML reply could carry.
func (r *reader) nonEmpty() (string, error) {
	s, err := r.plain()
	if err == nil && s == "" {
		return "", r.fail("empty string")
	}
	return s, err
}

// plain is nonEmpty where the empty string is a value too, as it is of a tag.
func (r *reader) plain() (string, error) {
	s, err := r.str()
	if err == nil && hasControl(s) {
		return "", r.fail("control character in a string")
	}
	return s, err
}

// strings is one string or an array of them, each read by one.
func (r *reader) strings(one func() (string, error)) ([]string, error) {
	if r.next() == '"' {
		s, err := one()
		return []string{s}, err
	}
	var list []string
	err := r.array(func() error {
		s, err := one()
		list = append(list, s)
		return err
	})
	return list, err
}

// seconds is a NumericDate written as an integer: STS takes no other, though RFC 7519 allows fractions.
func (r *reader) seconds() (time.Time, error) {
	const year9999 = 253402300799
	n, err := r.integer()
	if err == nil && n > year9999 {
		return time.Time{}, r.fail("time is beyond the year 9999")
	}
	return time.Unix(n, 0).UTC(), err
}

func hasControl(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
