package main

import (
	"strconv"

	"github.com/spf13/pflag"

	"github.com/podpass/podpass/webhook"
)

// bindSettings are the flags of what is written into pods, which podpass inject has too.
func bindSettings(f *pflag.FlagSet, s *webhook.Settings) {
	f.StringVar(&s.AnnotationPrefix, "annotation-prefix", "eks.amazonaws.com", "`domain` of annotations")
	f.StringVar(&s.TokenAudience, "token-audience", "sts.amazonaws.com", "`audience` of tokens, where no annotation says another")
	f.StringVar(&s.TokenMountPath, "token-mount-path", "/var/run/secrets/eks.amazonaws.com/serviceaccount", "`directory` of tokens")
	f.Int64Var(&s.TokenExpiration, "token-expiration", 86400, "lifetime of tokens in `seconds`, where no annotation says another")
	f.StringVar(&s.DefaultRegion, "aws-default-region", "", "`region` put into AWS_REGION and AWS_DEFAULT_REGION of pods")
	f.Var(&optionalBool{&s.STSRegionalEndpoint}, "sts-regional-endpoint", "AWS_STS_REGIONAL_ENDPOINTS of pods where no annotation says it: true regional, false legacy (default: the Kubernetes version's)")
	f.Lookup("sts-regional-endpoint").NoOptDefVal = "true"
	f.StringVar(&s.EKSPlatform, "eks-platform-version", "", "EKS platform `version`, such as eks.9; only Kubernetes older than 1.22 asks")
	f.BoolVar(&s.ComposeRoleARN.Enabled, "compose-role-arn", false, "let the annotation hold a role's name alone")
	f.StringVar(&s.ComposeRoleARN.Account, "role-account", "", "with --compose-role-arn: `account` of the role")
	f.StringVar(&s.ComposeRoleARN.Partition, "role-partition", "", "with --compose-role-arn: `partition` (default: the region's)")
	f.StringVar(&s.ComposeRoleARN.Path, "role-path", "/", "with --compose-role-arn: `path` of the role")

	k := &s.ContainerCredentials
	f.StringVar(&k.Audience, "container-credentials-audience", "pods.eks.amazonaws.com", "`audience` of tokens for the agent")
	f.StringVar(&k.MountPath, "container-credentials-token-mount-path", "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount", "`directory` of tokens for the agent")
	f.StringVar(&k.VolumeName, "container-credentials-token-volume-name", "eks-pod-identity-token", "`name` of the volume of tokens for the agent")
	f.StringVar(&k.TokenPath, "container-credentials-token-path", "eks-pod-identity-token", "`name` of the token's file")
	f.StringVar(&k.FullURI, "container-credentials-full-uri", "http://169.254.170.23/v1/credentials", "`URL` of the agent")

	f.BoolVar(&s.IRSAThroughAgent, "irsa-through-agent", false, "give annotated accounts their credentials through the agent")
	f.StringVar(&s.STSEndpoint, "inject-sts-endpoint", "", "`URL` put into AWS_ENDPOINT_URL_STS of pods")
	f.BoolVar(&s.InjectCA, "inject-ca", false, "mount a CA bundle into pods, and put it into AWS_CA_BUNDLE")
	f.StringVar(&s.CAConfigMap, "ca-configmap-name", "podpass-ca", "`name` of the ConfigMap of that bundle")
	f.StringVar(&s.CAMountPath, "ca-mount-path", "/var/run/secrets/podpass.io/ca", "`directory` of that bundle")
	f.BoolVar(&s.MergeNoProxy, "merge-no-proxy", false, "add the agent's addresses to NO_PROXY of containers that have a proxy")
	f.StringSliceVar(&s.NoProxy, "no-proxy", nil, "`names` to add instead (default: the agent's addresses and the host of --inject-sts-endpoint)")
	f.BoolVar(&s.DisableMetadata, "disable-ec2-metadata", false, "put AWS_EC2_METADATA_DISABLED=true into pods")
}

// optionalBool is a flag for which not given is something else than false.
type optionalBool struct{ to **bool }

func (o *optionalBool) Set(text string) error {
	value, err := strconv.ParseBool(text)
	if err == nil {
		*o.to = &value
	}
	return err
}

func (o *optionalBool) String() string {
	if o.to == nil || *o.to == nil {
		return ""
	}
	return strconv.FormatBool(**o.to)
}

func (o *optionalBool) Type() string { return "bool" }
