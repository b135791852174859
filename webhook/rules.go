package webhook

import (
	"net/url"
	"path"
	"strings"
)

// Rules are completed settings, ready to decide by. They don't change, and may be used from many goroutines.
type Rules struct {
	settings Settings
	platform int // 0 where unknown
	keys     keys
	irsa     wiring
	podID    wiring
	agent    wiring // IRSA through the agent
	agentURI string // what a role's escaped ARN is appended to
}

// keys are the annotations and labels, spelled out once.
type keys struct {
	role, audience, regional, expiration string // of accounts; expiration of pods too
	skipContainers, skip, podIdentity    string // of pods
}

// Ours, which are not under the annotation prefix.
const (
	IncludeContainers = "podpass.io/include-containers" // annotation of pods: only these containers; wins over skip-containers
	ThroughAgent      = "podpass.io/through-agent"      // annotation of accounts: "true" or "false"
	Inject            = "podpass.io/inject"             // label of pods and namespaces
	InjectRequired    = "required"                      // its value: rather no pod than one without its identity

	mirror = "kubernetes.io/config.mirror"
)

// wiring is what a mechanism puts into a pod.
type wiring struct {
	volume, mountPath, file string // file is the token's path in the volume
	token, windowsToken     string // and where programs read it
	audience                string
	mode                    int       // defaultMode of the volume; none where 0
	pair                    [2]string // the environment variables; the second names the token's file in either
	foreign                 [2]string // the other mechanism's
}

var (
	webIdentityPair = [2]string{"AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"}
	containerPair   = [2]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"}
)

// NewRules completes and checks settings.
func NewRules(s Settings) (*Rules, error) {
	s, err := s.Complete()
	if err != nil {
		return nil, err
	}
	r := &Rules{settings: s}
	r.platform, _ = parsePlatform(s.EKSPlatform) // Complete has checked it
	prefix := s.AnnotationPrefix + "/"
	r.keys = keys{
		role: prefix + "role-arn", audience: prefix + "audience", regional: prefix + "sts-regional-endpoints", expiration: prefix + "token-expiration",
		skipContainers: prefix + "skip-containers", skip: prefix + "skip-pod-identity-webhook", podIdentity: prefix + "pod-identity",
	}
	r.irsa = wiring{
		volume: tokenVolume, mountPath: s.TokenMountPath, file: tokenFile, audience: s.TokenAudience,
		pair: webIdentityPair, foreign: containerPair,
	}
	c := s.ContainerCredentials
	r.podID = wiring{
		volume: c.VolumeName, mountPath: c.MountPath, file: c.TokenPath, audience: c.Audience, mode: 420,
		pair: containerPair, foreign: webIdentityPair,
	}
	for _, w := range []*wiring{&r.irsa, &r.podID} {
		w.token = path.Join(w.mountPath, w.file)
		w.windowsToken = windowsPath(w.token)
	}
	r.agent = r.irsa
	r.agent.pair, r.agent.foreign = containerPair, webIdentityPair
	r.agentURI = c.FullURI + "?role-arn="
	if strings.Contains(c.FullURI, "?") {
		r.agentURI = c.FullURI + "&role-arn="
	}
	return r, nil
}

// roleURI is where the agent gives out credentials of a role for a token of the IRSA audience. The URL grants nothing: the role's trust
// policy decides, as if the pod had asked STS itself.
func (r *Rules) roleURI(role string) string { return r.agentURI + url.QueryEscape(role) }
