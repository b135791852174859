package webhook

import (
	"encoding/csv"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// rolePattern is what the EKS webhook takes for a role's ARN. It only warns where one differs; here such a role is not injected: the pod
// would start with an identity it can never have.
var rolePattern = regexp.MustCompile(`^arn:aws[a-z0-9-]*:iam::[0-9]{12}:role/[\w/.@+=,-]*[\w.@+=,-]$`)

// maxRoleARN is the API models' limit.
const maxRoleARN = 2048

// role is the ARN the account is to have by annotation or mapping, and which. With an empty ARN the reason is InvalidRoleARN or NoIdentity.
// An empty annotation is none: templates leave such behind.
func (d *decider) role() (string, Reason) {
	reason, text := RoleAnnotated, d.facts.Account.Annotations[d.rules.keys.role]
	if text == "" {
		reason, text = RoleMapped, d.mapping.RoleARN
	}
	if text == "" {
		return "", NoIdentity
	}
	if c := d.rules.settings.ComposeRoleARN; c.Enabled && !strings.HasPrefix(text, "arn:") {
		text = "arn:" + c.Partition + ":iam::" + c.Account + ":role" + c.Path + strings.TrimPrefix(text, "/")
	}
	if len(text) > maxRoleARN || !rolePattern.MatchString(text) {
		where := "annotation " + d.rules.keys.role + " of service account " + d.account()
		if reason == RoleMapped {
			where = "the mapping of service account " + d.account()
		}
		d.find(InvalidRoleARN, where+" is not a role's ARN: "+quoted(text))
		return "", InvalidRoleARN
	}
	return text, reason
}

func (d *decider) throughAgent() bool {
	text, ok := d.facts.Account.Annotations[ThroughAgent]
	if !ok {
		return d.rules.settings.IRSAThroughAgent
	}
	through, err := strconv.ParseBool(text)
	if err != nil {
		d.find(InvalidThroughAgent, "annotation "+ThroughAgent+" is "+quoted(text)+", neither true nor false: ignored")
		return d.rules.settings.IRSAThroughAgent
	}
	return through
}

// audience is what the account or its mapping say; empty where they don't.
func (d *decider) audience() string {
	if audience := d.facts.Account.Annotations[d.rules.keys.audience]; audience != "" {
		return audience
	}
	return d.mapping.Audience
}

// expiration is the pod's annotation before the account's, before the mapping, before the flag; what is too short is raised to what
// Kubernetes allows.
func (d *decider) expiration() int64 {
	key := d.rules.keys.expiration
	ofPod, inPod := d.pod.Metadata.Annotations.Get(key)
	ofAccount, inAccount := d.facts.Account.Annotations[key]
	if (inPod || inAccount) && d.pod.ServiceAccount() == "default" {
		d.find(DefaultAccountExpiration, "Amazon's documentation excepts the service account \"default\" from token expirations: give the pod an account of its own")
	}
	if inPod {
		if seconds, ok := d.seconds(ofPod, "the pod"); ok {
			return seconds
		}
	}
	if inAccount {
		if seconds, ok := d.seconds(ofAccount, "service account "+d.account()); ok {
			return seconds
		}
	}
	if d.mapping.TokenExpiration > 0 && d.mapping.TokenExpiration <= maxExpiration {
		return max(d.mapping.TokenExpiration, minExpiration)
	}
	return d.rules.settings.TokenExpiration
}

func (d *decider) seconds(text, of string) (int64, bool) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || seconds > maxExpiration:
		d.find(InvalidExpiration, fmt.Sprintf("annotation %s of %s is %s, not a number of seconds up to %d: ignored",
			d.rules.keys.expiration, of, quoted(text), int64(maxExpiration)))
		return 0, false
	case seconds < minExpiration:
		d.find(InvalidExpiration, fmt.Sprintf("annotation %s of %s is %d: raised to %d seconds, the least Kubernetes allows",
			d.rules.keys.expiration, of, seconds, minExpiration))
		return minExpiration, true
	}
	return seconds, true
}

// selection is which containers of a pod are injected.
type selection struct {
	names   []string
	include bool // exactly names, rather than all but names
}

func (s *selection) selects(container string) bool {
	for _, name := range s.names {
		if name == container {
			return s.include
		}
	}
	return !s.include
}

// containers reads the lists of the pod's annotations. One that cannot be read is as if it were not there, as in the EKS webhook.
func (d *decider) containers() selection {
	if names, ok := d.names(IncludeContainers); ok {
		return selection{names, true}
	}
	names, _ := d.names(d.rules.keys.skipContainers)
	return selection{names, false}
}

func (d *decider) names(key string) ([]string, bool) {
	text, ok := d.pod.Metadata.Annotations.Get(key)
	if !ok {
		return nil, false
	}
	names, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil {
		d.find(InvalidContainerList, "annotation "+key+" is "+quoted(text)+", not a list of names with commas between them: ignored")
		return nil, false
	}
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return names, true
}
