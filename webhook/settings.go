package webhook

// Settings is what the flags say. The zero value, completed by New, is the EKS webhook's defaults.
type Settings struct {
	AnnotationPrefix string // --annotation-prefix
	TokenAudience    string // --token-audience
	TokenMountPath   string // --token-mount-path
	TokenExpiration  int64  // --token-expiration, seconds
	DefaultRegion    string // --aws-default-region; none where empty

	// STSRegionalEndpoint is --sts-regional-endpoint; nil where the flag was not given, which is not the same as false.
	STSRegionalEndpoint *bool
	// EKSPlatform is the platform version of an EKS cluster, such as "eks.9" (--eks-platform-version). Only Kubernetes older than 1.22 asks.
	EKSPlatform string

	ComposeRoleARN       ComposeRoleARN
	ContainerCredentials ContainerCredentials

	IRSAThroughAgent bool // --irsa-through-agent

	STSEndpoint     string   // --inject-sts-endpoint: AWS_ENDPOINT_URL_STS of pods; none where empty
	InjectCA        bool     // --inject-ca: AWS_CA_BUNDLE of pods, from ConfigMap CAConfigMap
	CAConfigMap     string   // --ca-configmap-name
	CAMountPath     string   // --ca-mount-path
	MergeNoProxy    bool     // --merge-no-proxy
	NoProxy         []string // --no-proxy: what is merged; the agent's addresses and the STS endpoint's host where empty
	DisableMetadata bool     // --disable-ec2-metadata: AWS_EC2_METADATA_DISABLED=true
}

// ComposeRoleARN lets the annotation hold a role's name alone.
type ComposeRoleARN struct {
	Enabled   bool   // --compose-role-arn
	Account   string // --role-account, 12 digits
	Partition string // --role-partition
	Path      string // --role-path, such as /pods/
}

// ContainerCredentials is how pods with an association reach the agent.
type ContainerCredentials struct {
	Audience   string // --container-credentials-audience
	MountPath  string // --container-credentials-token-mount-path
	VolumeName string // --container-credentials-token-volume-name
	TokenPath  string // --container-credentials-token-path
	FullURI    string // --container-credentials-full-uri
}

// Version is the API server's version, as far as the rule of the endpoint type needs it. The zero value means unknown.
type Version struct {
	Major, Minor int
	EKS          bool
}
