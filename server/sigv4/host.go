package sigv4

import (
	"net"

	"github.com/podpass/podpass/identity"
)

// HostRegion is the region an AWS host name of STS or IAM stands for: sts.us-west-2.amazonaws.com and its FIPS and dual-stack forms, and the
// global names, which are their partition's global region. ok is false for every other host name, port or not.
//
// Source: https://docs.aws.amazon.com/general/latest/gr/sts.html
func HostRegion(host string) (region string, ok bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	service, region, ok := identity.ServiceHost(host)
	if !ok || service != "sts" && service != "iam" {
		return "", false
	}
	return region, true
}

// regionFits reports whether a signature for region is good at host: the host's own region under AWS's names, any well-formed one elsewhere.
func regionFits(host, region string) bool {
	if fixed, ok := HostRegion(host); ok {
		return region == fixed
	}
	return identity.ValidRegion(region)
}
