package webhook

import (
	"strconv"
	"strings"
)

// The values of AWS_STS_REGIONAL_ENDPOINTS that SDKs know. There is no "global": SDKs refuse it, and call what it would mean "legacy".
const (
	EndpointRegional = "regional"
	EndpointLegacy   = "legacy"
)

// Version is the API server's version, as far as the rule of the endpoint type needs it. The zero value means unknown.
type Version struct {
	Major, Minor int
	EKS          bool
}

// ParseVersion reads an API server's gitVersion, such as v1.36.3 or v1.21.14-eks-18ef993; what is no version is unknown.
func ParseVersion(gitVersion string) Version {
	core, build, _ := strings.Cut(strings.TrimPrefix(gitVersion, "v"), "-")
	major, rest, _ := strings.Cut(core, ".")
	minor, _, _ := strings.Cut(rest, ".")
	v := Version{EKS: strings.HasPrefix(build, "eks")}
	var err error
	if v.Major, err = strconv.Atoi(major); err != nil {
		return Version{}
	}
	if v.Minor, err = strconv.Atoi(minor); err != nil {
		return Version{}
	}
	return v
}

// regionalByDefault reports whether pods use their region's STS where nothing says otherwise: since Kubernetes 1.22.
func (v Version) regionalByDefault() bool {
	return v == (Version{}) || v.Major > 1 || v.Major == 1 && v.Minor >= 22
}

// EndpointTypeRow is one row of Amazon's table of the releases on which the endpoint type can be chosen.
type EndpointTypeRow struct {
	Minor    int    // Kubernetes 1.Minor
	Platform int    // the first platform version, eks.Platform, that honours the annotation
	Default  string // "global" or "regional"
}

// endpointTypes is the table, of releases that have left it too. From 1.22 on the platform is merely the first there was, so that the
// annotation always works.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/configure-sts-endpoint.html
var endpointTypes = [...]EndpointTypeRow{
	{18, 9, "global"},
	{19, 7, "global"},
	{20, 3, "global"},
	{21, 3, "global"},
	{22, 1, "regional"},
	{23, 1, "regional"},
	{24, 2, "regional"},
	{25, 1, "regional"},
	{26, 1, "regional"},
	{27, 1, "regional"},
	{28, 1, "regional"},
	{29, 1, "regional"},
	{30, 2, "regional"},
	{31, 1, "regional"},
}

// EndpointTypes is Amazon's table, oldest release first.
func EndpointTypes() []EndpointTypeRow { return append([]EndpointTypeRow(nil), endpointTypes[:]...) }

// ignoresEndpointType reports whether v is an EKS release on which the annotation does nothing yet. platform is 0 where it isn't known,
// and is then given the benefit of the doubt.
func ignoresEndpointType(v Version, platform int) bool {
	if !v.EKS || v.regionalByDefault() {
		return false
	}
	for _, row := range endpointTypes {
		if row.Minor == v.Minor {
			return platform != 0 && platform < row.Platform
		}
	}
	return true // older than the table
}

// endpointType is the value of AWS_STS_REGIONAL_ENDPOINTS, empty where it is left out.
func (d *decider) endpointType() string {
	if text, ok := d.facts.Account.Annotations[d.rules.keys.regional]; ok {
		if ignoresEndpointType(d.facts.Version, d.rules.platform) {
			d.find(PlatformTooOld, "annotation "+d.rules.keys.regional+" does nothing on this EKS platform version: pods call the global STS")
			return ""
		}
		regional, err := strconv.ParseBool(text)
		if err == nil {
			return endpointValue(regional)
		}
		d.find(InvalidRegionalSetting, "annotation "+d.rules.keys.regional+" is "+quoted(text)+", neither true nor false: ignored")
	}
	switch regional := d.mapping.UseRegionalSTS; {
	case regional != nil:
		return endpointValue(*regional)
	case d.rules.settings.STSRegionalEndpoint != nil:
		return endpointValue(*d.rules.settings.STSRegionalEndpoint)
	case d.facts.Version.regionalByDefault():
		return EndpointRegional
	}
	return ""
}

func endpointValue(regional bool) string {
	if regional {
		return EndpointRegional
	}
	return EndpointLegacy
}
