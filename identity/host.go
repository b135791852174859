package identity

import "strings"

// ServiceHost reads the host name of an AWS service, without a port: SERVICE.REGION.SUFFIX and its FIPS and dual-stack forms, and the global
// names of services that have them, whose region is their partition's global one. ok is false for every other name.
//
// Source: https://docs.aws.amazon.com/general/latest/gr/sts.html, https://docs.aws.amazon.com/general/latest/gr/eks.html
func ServiceHost(host string) (service, region string, ok bool) {
	service, rest, _ := strings.Cut(strings.TrimSuffix(strings.ToLower(host), "."), ".")
	service = strings.TrimSuffix(service, "-fips")
	if service == "" {
		return "", "", false
	}
	switch rest {
	case "amazonaws.com", "global.api.aws":
		return service, "us-east-1", true
	case "us-gov.amazonaws.com":
		return service, "us-gov-west-1", true
	}
	region, suffix, _ := strings.Cut(rest, ".")
	for _, p := range partitions {
		if (suffix == p.DNSSuffix || suffix == p.DualStackSuffix) && ValidRegion(region) {
			return service, region, true
		}
	}
	return "", "", false
}
