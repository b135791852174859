package webhook

// Mechanism is how a pod gets its credentials.
type Mechanism uint8

// The mechanisms. The zero value gives no identity.
const (
	None        Mechanism = iota
	PodIdentity           // container credentials from the agent, by an association
	IRSA                  // web identity: the SDK exchanges the token at STS
	IRSAByAgent           // the same exchange, made by the agent and cached on the node
)

func (m Mechanism) String() string {
	return [...]string{"none", "pod-identity", "irsa", "irsa-through-agent"}[m]
}

// Facts are what a decision rests on beside the pod.
type Facts struct {
	Account    Account
	AccountErr error // it could not be read; Account is then empty
	Associated bool
	Stale      bool // Associated may be outdated
	Mapping    *Mapping
	Version    Version
	Jitter     int64 // seconds to take off the default lifetime of a container credentials' token
}

// Decision is what is to be added to a pod, and why. Its Findings are about the pod and its account, whether or not anything is added.
type Decision struct {
	Mechanism Mechanism
	Reason    Reason
	RoleARN   string // of IRSA
	Findings  []Finding

	Label       string // key of the label to add, value "enabled"
	Token       *TokenVolume
	CAConfigMap string // of the volume to add
	Containers  []Addition
}

// TokenVolume is a projected token.
type TokenVolume struct {
	Name, Audience, Path string
	ExpirationSeconds    int64
	DefaultMode          int // none where 0
}

// Addition is what one container gets: variables and mounts behind those it has, and longer values of NO_PROXY.
type Addition struct {
	Init    bool
	Index   int
	Env     []EnvVar
	Mounts  []VolumeMount
	Replace []Replacement
}

// Replacement is a new value for the environment variable at Index.
type Replacement struct {
	Index int
	Value string
}

// Empty reports whether the decision leaves the pod as it is.
func (d *Decision) Empty() bool {
	return d.Label == "" && d.Token == nil && d.CAConfigMap == "" && len(d.Containers) == 0
}

// Skips reports whether the pod is left alone whatever its account says, so that nothing needs to be looked up.
func (r *Rules) Skips(pod *Pod) (Reason, bool) {
	if _, ok := pod.Metadata.Annotations.Get(mirror); ok {
		return MirrorPod, true
	}
	if _, ok := pod.Metadata.Labels.Get(r.keys.skip); ok {
		return SkipLabel, true
	}
	return "", false
}

// decider gathers a decision.
type decider struct {
	rules   *Rules
	pod     *Pod
	facts   *Facts
	mapping Mapping // the zero value where there is none
	Decision
}

func (d *decider) find(reason Reason, text string) {
	d.Findings = append(d.Findings, Finding{reason, text})
}

// Decide says what the pod is to be given. It is pure: the same pod and facts, the same decision.
//
// In order: skipped, association, role of the annotation or the mapping, nothing.
func (r *Rules) Decide(pod *Pod, facts Facts) Decision {
	if reason, ok := r.Skips(pod); ok {
		return Decision{Reason: reason}
	}
	d := decider{rules: r, pod: pod, facts: &facts}
	if facts.Mapping != nil {
		d.mapping = *facts.Mapping
	}
	d.lookupFindings()
	d.nearMisses()
	role, reason := d.role()
	switch {
	case facts.Associated:
		d.Mechanism, d.Reason = PodIdentity, Associated
		if reason != NoIdentity {
			d.find(BothMechanisms, "service account "+d.account()+" has an association and a role annotation or mapping: the association is used")
		}
	case role == "":
		d.Reason = reason
		return d.Decision
	default:
		d.Mechanism, d.Reason, d.RoleARN = IRSA, reason, role
		if d.throughAgent() {
			d.Mechanism = IRSAByAgent
		}
	}
	d.inject()
	if d.Empty() {
		d.Reason = AlreadyComplete
	}
	return d.Decision
}

func (d *decider) account() string { return d.pod.Metadata.Namespace + "/" + d.pod.ServiceAccount() }

func (d *decider) lookupFindings() {
	switch {
	case d.facts.AccountErr != nil:
		d.find(LookupFailed, "service account "+d.account()+" could not be read, so its annotations were not seen")
	case !d.facts.Account.Found:
		d.find(UnknownServiceAccount, "service account "+d.account()+" does not exist")
	}
	if d.facts.Stale {
		d.find(AssociationStale, "the server could not be asked for associations: what was known last of "+d.account()+" is used")
	}
}

// inject works out what the mechanism adds.
func (d *decider) inject() {
	wiring, env := d.wiring()
	d.environmentFindings()
	volume := TokenVolume{Name: wiring.volume, Audience: wiring.audience, Path: wiring.file, DefaultMode: wiring.mode}
	volume.ExpirationSeconds = d.expiration()
	if d.Mechanism != PodIdentity {
		if audience := d.audience(); audience != "" {
			volume.Audience = audience
		}
	} else if volume.ExpirationSeconds == defaultExpiration {
		volume.ExpirationSeconds -= min(max(d.facts.Jitter, 0), maxJitter)
	}

	plan := plan{rules: d.rules, wiring: wiring, pairValues: env, endpointType: d.endpointType(), selects: d.containers()}
	additions := plan.all(d.pod)
	d.Containers = additions
	d.Findings = plan.findings(d.Findings, d.Mechanism)
	if plan.usesToken && !d.pod.hasVolume(wiring.volume) {
		d.Token = &volume
	}
	if plan.usesCA && !d.pod.hasVolume(caVolume) {
		d.CAConfigMap = d.rules.settings.CAConfigMap
	}
	if _, labelled := d.pod.Metadata.Labels.Get(d.rules.keys.podIdentity); d.Mechanism == PodIdentity && plan.injects && !labelled {
		d.Label = d.rules.keys.podIdentity
	}
}

// wiring is the mechanism's, and the values of its pair.
func (d *decider) wiring() (*wiring, [2]string) {
	w, first := &d.rules.irsa, d.RoleARN
	switch d.Mechanism {
	case PodIdentity:
		w, first = &d.rules.podID, d.rules.settings.ContainerCredentials.FullURI
	case IRSAByAgent:
		w, first = &d.rules.agent, d.rules.roleURI(d.RoleARN)
	}
	if d.pod.Windows() {
		return w, [2]string{first, w.windowsToken}
	}
	return w, [2]string{first, w.token}
}

func (d *decider) environmentFindings() {
	if d.Mechanism == IRSA {
		return
	}
	if d.pod.Spec.HostNetwork {
		d.find(HostNetwork, "the pod uses its node's network: an agent with --bind-pod-addresses refuses it, and the node's own role is within its reach")
	}
	if d.pod.Windows() {
		d.find(UnsupportedOS, "the pod is for Windows, where no agent runs: use a role annotation (IRSA) instead")
	}
}

func (p *Pod) hasVolume(name string) bool {
	for i := range p.Spec.Volumes {
		if p.Spec.Volumes[i].Name == name {
			return true
		}
	}
	return false
}
