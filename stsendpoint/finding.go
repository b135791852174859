package stsendpoint

// Code is what is odd about a container, a pod, an account or the cluster. docs/sts-endpoint.md lists them.
type Code string

// The codes.
const (
	OlderThanSetting    Code = "OlderThanSetting"    // a pod does not have what a new one would be given
	RejectedValue       Code = "RejectedValue"       // SDKs refuse the value
	OwnVariable         Code = "OwnVariable"         // the workload sets the variable, or the identity, itself: the annotation does not reach it
	NotRead             Code = "NotRead"             // the value stands in a Secret, or where it may not be read
	OwnEndpoint         Code = "OwnEndpoint"         // the environment names an STS: the type plays no part
	AgentCredentials    Code = "AgentCredentials"    // Pod Identity: it is not the pod that asks STS for credentials
	NoGlobalEndpoint    Code = "NoGlobalEndpoint"    // the partition, or the region, has no way to the global STS
	GlobalUnreachable   Code = "GlobalUnreachable"   // private cluster: the global STS has no endpoint in a VPC
	RegionalUnreachable Code = "RegionalUnreachable" // private cluster without an STS endpoint
	OptInRegion         Code = "OptInRegion"         // a region that has to be opted into
	RegionNotEnabled    Code = "RegionNotEnabled"    // and the account has not
	UnknownRegion       Code = "UnknownRegion"
	Skipped             Code = "Skipped" // a label or an annotation keeps the webhook away

	ClusterTooOld     Code = "ClusterTooOld"     // the annotation is ignored
	InvalidAnnotation Code = "InvalidAnnotation" // neither true nor false
	NoRole            Code = "NoRole"            // the account gives no identity: nothing is injected
	NotInjected       Code = "NotInjected"       // the account has a role, and a new pod is not given it
	GlobalNotInjected Code = "GlobalNotInjected" // "false" leads to no value: SDKs' own defaults
	OtherDefault      Code = "OtherDefault"      // the webhook's own default is another than the release's
	NoTrial           Code = "NoTrial"           // no dry run could be had: tables are gone by
	NoAccount         Code = "NoAccount"         // the service account does not exist
	Managed           Code = "Managed"           // a tool keeps the account as its own source has it
)

// Finding is one such thing.
type Finding struct {
	Code Code   `json:"code"`
	Text string `json:"text"`
}
