package webhook

// Reason is why a pod was given what it was given, or what is odd about it: a code that log lines, metrics, audit annotations and
// admission warnings carry, and that docs/errors.md has a section on.
type Reason string

// Why a pod is, or is not, given an identity. One of these is the reason of every decision.
const (
	Associated       Reason = "Associated"       // an association is in effect for its account
	RoleAnnotated    Reason = "RoleAnnotated"    // its account carries the role annotation
	RoleMapped       Reason = "RoleMapped"       // ConfigMap pod-identity-webhook has a role for its account
	NoIdentity       Reason = "NoIdentity"       // none of these
	AlreadyComplete  Reason = "AlreadyComplete"  // an identity is due, and everything it needs is there already
	InvalidRoleARN   Reason = "InvalidRoleARN"   // the annotation, or the mapping, is no role's ARN
	SkipLabel        Reason = "SkipLabel"        // the pod carries the label that skips it
	MirrorPod        Reason = "MirrorPod"        // a static pod's picture in the API server: it cannot be changed
	NotPodCreation   Reason = "NotPodCreation"   // the review is about something else
	LookupFailed     Reason = "LookupFailed"     // refused: the service account could not be read
	AssociationStale Reason = "AssociationStale" // refused: associations may have changed
)

// What is odd about a pod or its account. A decision carries any number of these; LookupFailed, AssociationStale and InvalidRoleARN too,
// where the pod was admitted nevertheless.
const (
	UnknownServiceAccount    Reason = "UnknownServiceAccount"
	BothMechanisms           Reason = "BothMechanisms"
	NearMissAnnotation       Reason = "NearMissAnnotation"
	MisplacedAnnotation      Reason = "MisplacedAnnotation"
	HalfDefinedPair          Reason = "HalfDefinedPair"
	HandConfigured           Reason = "HandConfigured"
	MountPathTaken           Reason = "MountPathTaken"
	HostNetwork              Reason = "HostNetwork"
	UnsupportedOS            Reason = "UnsupportedOS"
	DefaultAccountExpiration Reason = "DefaultAccountExpiration"
	InvalidExpiration        Reason = "InvalidExpiration"
	InvalidRegionalSetting   Reason = "InvalidRegionalSetting"
	InvalidThroughAgent      Reason = "InvalidThroughAgent"
	InvalidContainerList     Reason = "InvalidContainerList"
	PlatformTooOld           Reason = "PlatformTooOld"
	NoProxyNotLiteral        Reason = "NoProxyNotLiteral"
)

// Reasons are all there are, in the order of docs/errors.md.
func Reasons() []Reason {
	return []Reason{
		Associated, RoleAnnotated, RoleMapped, NoIdentity, AlreadyComplete, InvalidRoleARN, SkipLabel, MirrorPod, NotPodCreation,
		LookupFailed, AssociationStale,
		UnknownServiceAccount, BothMechanisms, NearMissAnnotation, MisplacedAnnotation, HalfDefinedPair, HandConfigured, MountPathTaken,
		HostNetwork, UnsupportedOS, DefaultAccountExpiration, InvalidExpiration, InvalidRegionalSetting, InvalidThroughAgent,
		InvalidContainerList, PlatformTooOld, NoProxyNotLiteral,
	}
}
