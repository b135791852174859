package upstream

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/podpass/podpass/identity"
)

// Endpoint is one place where a service answers.
type Endpoint struct {
	URL    string // base URL, with no slash at its end
	Region string // signatures are scoped to it
}

func (e Endpoint) String() string { return e.URL }

// ParseEndpoint reads "URL" or "REGION=URL". The region is the one named, or the one AWS's host name holds (sts.us-west-2.amazonaws.com), or
// the default. The URL is https; http is admitted for loopback, and elsewhere only if an operator said so (insecureHTTP): tokens and credentials are
// then for everyone on the way to read.
func ParseEndpoint(text, defaultRegion string, insecureHTTP bool) (Endpoint, error) {
	region, base, named := strings.Cut(text, "=")
	if scheme := strings.Index(text, "://"); !named || scheme >= 0 && scheme < len(region) {
		region, base, named = "", text, false
	}
	u, err := url.Parse(base)
	switch {
	case err != nil: // its text may hold a password, and so may the error's
		return Endpoint{}, fmt.Errorf("the endpoint is not a URL such as https://sts.us-west-2.amazonaws.com")
	case u.User != nil:
		return Endpoint{}, fmt.Errorf("endpoint %s://%s must have no user name", u.Scheme, u.Host)
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return Endpoint{}, fmt.Errorf("endpoint %q is not a URL such as https://sts.us-west-2.amazonaws.com", text)
	case strings.ContainsAny(base, "?#"):
		return Endpoint{}, fmt.Errorf("endpoint %q must have no query or fragment", text)
	case u.Scheme == "http" && !insecureHTTP && !loopback(u.Hostname()):
		return Endpoint{}, fmt.Errorf("endpoint %q must begin with https:// (http off loopback needs --insecure-http)", text)
	}
	e := Endpoint{URL: strings.TrimRight(base, "/"), Region: defaultRegion}
	_, host, known := identity.ServiceHost(u.Hostname())
	switch {
	case named && known && region != host:
		return Endpoint{}, fmt.Errorf("endpoint %q is one of region %s, not %s", base, host, region)
	case named:
		e.Region = region
	case known:
		e.Region = host
	}
	if !identity.ValidRegion(e.Region) {
		return Endpoint{}, fmt.Errorf("endpoint %q needs a region: set AWS_REGION, or write it as us-west-2=%s", text, e.URL)
	}
	return e, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
