package stsendpoint

import (
	"strings"

	"github.com/podpass/podpass/webhook"
)

// releases is Amazon's table of the Kubernetes releases on which the type can be chosen, and from which platform version on.
func releases() []webhook.EndpointTypeRow { return webhook.EndpointTypes() }

// globalRegions are those in which "legacy" means the global STS; everywhere else it means the region's.
//
// Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html
var globalRegions = map[string]bool{
	"ap-northeast-1": true, "ap-south-1": true, "ap-southeast-1": true, "ap-southeast-2": true, "aws-global": true, "ca-central-1": true,
	"eu-central-1": true, "eu-north-1": true, "eu-west-1": true, "eu-west-2": true, "eu-west-3": true, "sa-east-1": true,
	"us-east-1": true, "us-east-2": true, "us-west-1": true, "us-west-2": true,
}

// changeOfDefaults is the day most SDKs whose default was the global STS made it the regional one.
const changeOfDefaults = "31 July 2025"

// SDK is what an AWS SDK, or a tool, makes of the variable.
type SDK struct {
	Name    string // as --sdk takes it
	Title   string
	Reads   bool   // the variable; where not, it calls its region's STS whatever that says
	Default Type   // Regional or Global
	Changed bool   // the default was global in releases before changeOfDefaults
	Rejects string // what it says to a value it does not know; "" where the words are not known
}

// Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html, and the SDKs' own code for what they say
var sdks = []SDK{
	{Name: "go-v2", Title: "AWS SDK for Go v2", Default: Regional},
	{Name: "java-v2", Title: "AWS SDK for Java 2.x", Default: Regional},
	{Name: "js-v3", Title: "AWS SDK for JavaScript v3", Default: Regional},
	{Name: "rust", Title: "AWS SDK for Rust", Default: Regional},
	{Name: "kotlin", Title: "AWS SDK for Kotlin", Default: Regional},
	{Name: "swift", Title: "AWS SDK for Swift", Default: Regional},
	{Name: "ruby-v3", Title: "AWS SDK for Ruby v3", Reads: true, Default: Regional},
	{Name: "cli-v2", Title: "AWS CLI v2", Reads: true, Default: Regional, Rejects: botocoreRejects},
	{Name: "boto3", Title: "boto3 and botocore", Reads: true, Default: Regional, Changed: true, Rejects: botocoreRejects},
	{Name: "php", Title: "AWS SDK for PHP", Reads: true, Default: Regional, Changed: true},
	{Name: "cpp", Title: "AWS SDK for C++", Reads: true, Default: Regional, Changed: true},
	{Name: "dotnet", Title: "AWS SDK for .NET", Reads: true, Default: Regional, Changed: true},
	{Name: "powershell", Title: "AWS Tools for PowerShell", Reads: true, Default: Regional, Changed: true},
	{Name: "cli-v1", Title: "AWS CLI v1", Reads: true, Default: Global, Rejects: botocoreRejects},
	{Name: "go-v1", Title: "AWS SDK for Go v1", Reads: true, Default: Global, Rejects: "unable to resolve the value of STSRegionalEndpoint for global"},
	{Name: "java-v1", Title: "AWS SDK for Java 1.x", Reads: true, Default: Global},
	{Name: "js-v2", Title: "AWS SDK for JavaScript v2", Reads: true, Default: Global},
}

const botocoreRejects = "InvalidSTSRegionalEndpointsConfigError: STS regional endpoints option global is invalid"

// SDKs are all that are known.
func SDKs() []SDK { return append([]SDK(nil), sdks...) }

// SDKNamed finds one by its name.
func SDKNamed(name string) (SDK, bool) {
	for _, s := range sdks {
		if s.Name == name {
			return s, true
		}
	}
	return SDK{}, false
}

// images are those of which it is known what they are built with: by the end of the repository, and, unless they are 0, from and below which release.
// Everything else is unknown, and said to be.
var images = []struct {
	repository  string
	from, below release
	sdk         string
}{
	{repository: "/aws-cli", from: release{1, 0}, below: release{2, 0}, sdk: "cli-v1"},
	{repository: "/aws-cli", from: release{2, 0}, below: release{3, 0}, sdk: "cli-v2"},
	{repository: "/aws-load-balancer-controller", from: release{2, 9}, sdk: "go-v2"},
	{repository: "/aws-load-balancer-controller", from: release{1, 0}, below: release{2, 9}, sdk: "go-v1"},
	{repository: "/cluster-autoscaler", from: release{1, 0}, below: release{1, 34}, sdk: "go-v1"}, // kubernetes/autoscaler#8671
	{repository: "/eks-pod-identity-agent", sdk: "go-v2"},
}

// SDKOf is what an image is known to be built with.
func SDKOf(image string) (SDK, bool) {
	image, _, _ = strings.Cut(image, "@")
	repository, tag := image, ""
	if colon := strings.LastIndex(image, ":"); colon > strings.LastIndex(image, "/") {
		repository, tag = image[:colon], image[colon+1:]
	}
	is, known := parseRelease(tag)
	for _, rule := range images {
		if !strings.HasSuffix("/"+repository, rule.repository) {
			continue
		}
		unbounded := rule.from == release{} && rule.below == release{}
		if unbounded || known && !is.less(rule.from) && (rule.below == release{} || is.less(rule.below)) {
			return SDKNamed(rule.sdk)
		}
	}
	return SDK{}, false
}
