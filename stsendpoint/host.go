package stsendpoint

import (
	"fmt"
	"net/url"

	"github.com/podpass/podpass/identity"
)

// globalHost is the global STS: the partition "aws" has one, and no other.
const globalHost = "sts.amazonaws.com"

// called is which host a container's SDK sends its calls to, "" where only the SDK knows, and why.
type called struct{ host, why string }

// regionalHost is a region's STS. The region "aws-global" is the global one by another name.
func regionalHost(region string) string {
	if region == "aws-global" {
		return globalHost
	}
	return "sts." + region + "." + identity.PartitionOf(region).DNSSuffix
}

// globalReach says why "legacy" does not lead to the global STS from a region, "" where it does.
func globalReach(region string) string {
	switch partition := identity.PartitionOf(region); {
	case partition.ID != "aws":
		return fmt.Sprintf("partition %s has no global STS", partition.ID)
	case !globalRegions[region]:
		return fmt.Sprintf("%s is not among the regions in which %q means the global STS: SDKs call the region's", region, valueLegacy)
	}
	return ""
}

// callOf is what a container calls. sdk is nil where it is not known which one it has.
func callOf(env environment, region string, sdk *SDK) called {
	value := env.variable()
	hidden := env.hidden()
	switch {
	case hidden != "":
		return called{"", hidden + " stands in " + env[hidden].Source + ", which is not read"}
	case env.endpoint() != "":
		return called{hostOf(env.endpoint()), "the endpoint stands in the environment, so that the type plays no part"}
	case region == "":
		return called{"", "the region is not known"}
	case value.Hidden:
		return called{"", "the value is not read"}
	case sdk != nil && !sdk.Reads:
		return called{regionalHost(region), sdk.Title + " does not read " + Variable + ": it always calls the region's STS"}
	case value.Value != "" && TypeOf(value.Value) == Invalid || value.Value == valueGlobal:
		return called{"", rejection(value.Value, sdk)}
	case identity.PartitionOf(region).ID != "aws":
		return called{regionalHost(region), globalReach(region)}
	case env.isTrue(varFIPS) || env.isTrue(varDualStack):
		return called{regionalHost(region), "FIPS and dual-stack endpoints are always the region's"}
	case value.Value == valueRegional:
		return called{regionalHost(region), ""}
	case value.Value == valueLegacy:
		return legacy(region, sdk)
	case sdk == nil && globalReach(region) != "":
		return called{regionalHost(region), globalReach(region)}
	case sdk == nil:
		return called{"", "nothing is set: it is the SDK's own default, which is the region's STS for all but the old ones (AWS CLI v1, Go v1, Java 1.x, JavaScript v2; others until " + changeOfDefaults + ")"}
	case sdk.Default == Global:
		call := legacy(region, nil)
		return called{call.host, "nothing is set: the default of " + sdk.Title}
	}
	why := "nothing is set: the default of " + sdk.Title
	if sdk.Changed {
		why += " since " + changeOfDefaults + "; older releases call the global STS"
	}
	return called{regionalHost(region), why}
}

func legacy(region string, sdk *SDK) called {
	if why := globalReach(region); why != "" {
		return called{regionalHost(region), why}
	}
	if sdk == nil {
		return called{globalHost, "if its SDK reads the variable; Go v2, Java 2.x, JavaScript v3, Rust, Kotlin and Swift do not, and call " + regionalHost(region)}
	}
	return called{globalHost, ""}
}

// rejection says what becomes of a value that SDKs do not know.
func rejection(value string, sdk *SDK) string {
	text := fmt.Sprintf("SDKs know %q and %q, and refuse %q", valueRegional, valueLegacy, value)
	if sdk == nil || sdk.Rejects == "" || value != valueGlobal {
		return text
	}
	return text + " (" + sdk.Title + ": " + sdk.Rejects + ")"
}

func hostOf(endpoint string) string {
	if u, err := url.Parse(endpoint); err == nil && u.Host != "" {
		return u.Host
	}
	return endpoint
}
