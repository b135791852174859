package token

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Discover fetches ISSUER/.well-known/openid-configuration, compares its issuer byte for byte, then fetches its jwks_uri, which may be on
// another host but not in the clear unless the issuer is. Each document is at most 1 MB.
//
// Source: https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
func Discover(client *http.Client, issuer string) Fetch {
	return func(ctx context.Context) (*KeySet, error) {
		// Section 4.1: a terminating slash is removed before the well-known path is appended.
		doc, err := get(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
		if err != nil {
			return nil, err
		}
		uri, err := readDiscovery(string(doc), issuer)
		if err != nil {
			return nil, fmt.Errorf("discovery document of %s: %w", issuer, err)
		}
		return fetchJWKS(ctx, client, uri)
	}
}

// APIServer fetches /openid/v1/jwks with a client already authenticated for the API server at base.
func APIServer(client *http.Client, base string) Fetch {
	return func(ctx context.Context) (*KeySet, error) {
		return fetchJWKS(ctx, client, strings.TrimSuffix(base, "/")+"/openid/v1/jwks")
	}
}

// APIServerIssuer asks the API server at base, with a client authenticated for it, which issuer its tokens name.
func APIServerIssuer(ctx context.Context, client *http.Client, base string) (issuer string, err error) {
	uri := strings.TrimSuffix(base, "/") + "/.well-known/openid-configuration"
	doc, err := get(ctx, client, uri)
	if err != nil {
		return "", err
	}
	err = read(string(doc), func(r *reader) error {
		return r.object(func(name string) (err error) {
			if name == "issuer" {
				issuer, err = r.nonEmpty()
				return err
			}
			return r.skip()
		})
	})
	if err == nil && issuer == "" {
		err = fmt.Errorf("it names no issuer")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", uri, err)
	}
	return issuer, nil
}

// readDiscovery takes the jwks_uri out of an issuer's discovery document.
func readDiscovery(text, issuer string) (uri string, err error) {
	var claimed string
	err = read(text, func(r *reader) error {
		return r.object(func(name string) (err error) {
			switch name {
			case "issuer":
				claimed, err = r.nonEmpty()
			case "jwks_uri":
				uri, err = r.nonEmpty()
			default:
				return r.skip()
			}
			return err
		})
	})
	if err != nil {
		return "", err
	}
	if claimed != issuer {
		return "", fmt.Errorf("it is the document of issuer %.255q", claimed)
	}
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Host == "" || u.User != nil:
		return "", fmt.Errorf("jwks_uri is not an absolute URL without credentials")
	case u.Scheme != "https" && !(u.Scheme == "http" && strings.HasPrefix(issuer, "http:")):
		return "", fmt.Errorf("jwks_uri must begin with https://")
	}
	return uri, nil
}

func fetchJWKS(ctx context.Context, client *http.Client, uri string) (*KeySet, error) {
	doc, err := get(ctx, client, uri)
	if err != nil {
		return nil, err
	}
	keys, err := ParseJWKS(doc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", uri, err)
	}
	return keys, nil
}

func get(ctx context.Context, client *http.Client, uri string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json, application/jwk-set+json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d", uri, resp.StatusCode)
	}
	doc, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err == nil && len(doc) > maxDocument {
		err = fmt.Errorf("%s is larger than %d bytes", uri, maxDocument)
	}
	return doc, err
}
