package webhook

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/podpass/podpass/identity"
)

// Settings is what the flags say. The zero value, completed, has the EKS webhook's defaults.
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

// The EKS webhook's defaults, and the names it gives to what no flag names.
const (
	defaultPrefix     = "eks.amazonaws.com"
	defaultMountPath  = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
	defaultExpiration = 86400
	tokenVolume       = "aws-iam-token"
	tokenFile         = "token"

	minExpiration = 600     // kubelet's and the API server's least
	maxExpiration = 1 << 32 // above which the API server refuses the pod

	// Jitter is taken off a default lifetime, so that tokens of pods created together are not renewed together.
	maxJitter = defaultExpiration - 79200

	caVolume = "podpass-ca"
	caKey    = "ca.crt"
)

// Complete fills in the defaults. All mistakes are reported together, each by the flag it was made in.
func (s Settings) Complete() (Settings, error) {
	fill(&s.AnnotationPrefix, defaultPrefix)
	fill(&s.TokenAudience, identity.STS)
	fill(&s.TokenMountPath, defaultMountPath)
	fill(&s.CAConfigMap, "podpass-ca")
	fill(&s.CAMountPath, "/var/run/secrets/podpass.io/ca")
	fill(&s.ComposeRoleARN.Path, "/")
	fill(&s.ComposeRoleARN.Partition, identity.PartitionOf(s.DefaultRegion).ID)
	c := &s.ContainerCredentials
	fill(&c.Audience, identity.PodIdentity)
	fill(&c.MountPath, "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount")
	fill(&c.VolumeName, "eks-pod-identity-token")
	fill(&c.TokenPath, "eks-pod-identity-token")
	fill(&c.FullURI, "http://169.254.170.23/v1/credentials")
	if s.TokenExpiration == 0 {
		s.TokenExpiration = defaultExpiration
	}
	s.TokenExpiration = max(s.TokenExpiration, minExpiration)
	if len(s.NoProxy) == 0 {
		s.NoProxy = []string{"169.254.170.23", "[fd00:ec2::23]"}
		if u, err := url.Parse(s.STSEndpoint); err == nil && u.Hostname() != "" {
			s.NoProxy = append(s.NoProxy, u.Hostname())
		}
	}
	return s, s.check()
}

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

func (s *Settings) check() error {
	var mistakes []error
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	for _, path := range []struct{ flag, value string }{
		{"token-mount-path", s.TokenMountPath},
		{"container-credentials-token-mount-path", s.ContainerCredentials.MountPath},
		{"ca-mount-path", s.CAMountPath},
	} {
		if !strings.HasPrefix(path.value, "/") || strings.Contains(path.value, ":") {
			wrong("--%s %q is not an absolute path", path.flag, path.value)
		}
	}
	if strings.ContainsAny(s.AnnotationPrefix, "/ ") {
		wrong("--annotation-prefix %q must be a domain such as %s", s.AnnotationPrefix, defaultPrefix)
	}
	if s.TokenExpiration > maxExpiration {
		wrong("--token-expiration %d is more than the %d seconds that Kubernetes allows", s.TokenExpiration, int64(maxExpiration))
	}
	for _, u := range []struct{ flag, value string }{
		{"container-credentials-full-uri", s.ContainerCredentials.FullURI},
		{"inject-sts-endpoint", s.STSEndpoint},
	} {
		if parsed, err := url.Parse(u.value); u.value != "" && (err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https") {
			wrong("--%s %q is not an http or https URL", u.flag, u.value)
		}
	}
	if c := s.ComposeRoleARN; c.Enabled {
		if _, err := identity.ParseAccount(c.Account); err != nil {
			wrong("--compose-role-arn needs the account of the roles: --role-account %q: %w", c.Account, err)
		}
		if !strings.HasPrefix(c.Path, "/") || !strings.HasSuffix(c.Path, "/") {
			wrong("--role-path %q must begin and end with a slash", c.Path)
		}
	}
	if _, err := parsePlatform(s.EKSPlatform); err != nil {
		mistakes = append(mistakes, err)
	}
	return errors.Join(mistakes...)
}

// parsePlatform reads "eks.9" as 9, and nothing as 0.
func parsePlatform(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(text, "eks."))
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("--eks-platform-version %q is not a platform version such as eks.9", text)
	}
	return n, nil
}
