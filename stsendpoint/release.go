package stsendpoint

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/podpass/podpass/webhook"
)

// release is a version's first two numbers.
type release struct{ major, minor int }

// parseRelease reads a tag such as v2.9.1 or 2.13.0-alpine. A tag that is one number, or none, is no release: it moves.
func parseRelease(tag string) (release, bool) {
	parts := strings.SplitN(strings.TrimPrefix(tag, "v"), ".", 3)
	if len(parts) < 2 {
		return release{}, false
	}
	major, err := strconv.Atoi(parts[0])
	if err != nil {
		return release{}, false
	}
	minor, err := strconv.Atoi(strings.TrimRight(strings.SplitN(parts[1], "-", 2)[0], "+"))
	if err != nil {
		return release{}, false
	}
	return release{major, minor}, true
}

func (r release) less(than release) bool {
	return r.major < than.major || r.major == than.major && r.minor < than.minor
}

// Setting is what a cluster makes of the annotation.
type Setting struct {
	Honoured bool
	Default  Type // of pods whose account has no annotation: Regional or Global
	Why      string
}

// SettingOf is what a Kubernetes version makes of the annotation, and, before 1.22, an EKS platform version, 0 being one that is not known.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/configure-sts-endpoint.html
func SettingOf(v webhook.Version, platform int) Setting {
	name := fmt.Sprintf("Kubernetes %d.%d", v.Major, v.Minor)
	switch {
	case v == webhook.Version{}:
		return Setting{true, Regional, "the cluster's version is not known: it is taken for a current one"}
	case v.Major > 1 || v.Minor >= 22:
		return Setting{true, Regional, name + ": the annotation is honoured, and without it the endpoint is regional, as on all releases from 1.22 on"}
	case !v.EKS:
		return Setting{true, Global, name + " outside EKS: it is its webhook that honours the annotation; before 1.22 the endpoint is global without it"}
	}
	for _, row := range releases() {
		if row.Minor != v.Minor {
			continue
		}
		needs := fmt.Sprintf("platform version eks.%d", row.Platform)
		switch {
		case platform == 0:
			return Setting{true, Global, name + ": the annotation is honoured from " + needs + " on; this cluster's is not known"}
		case platform < row.Platform:
			return Setting{false, Global, fmt.Sprintf("%s, eks.%d: the annotation is ignored before %s, and pods can only use the global endpoint", name, platform, needs)}
		}
		return Setting{true, Global, fmt.Sprintf("%s, eks.%d: the annotation is honoured from %s on, and without it the endpoint is global", name, platform, needs)}
	}
	return Setting{false, Global, name + " is older than every release on which the annotation is honoured: pods can only use the global endpoint"}
}

// parsePlatform reads "eks.9" as 9, and what is no platform version as 0.
func parsePlatform(text string) int {
	number, ok := strings.CutPrefix(text, "eks.")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 0 {
		return 0
	}
	return n
}
