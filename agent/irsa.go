package agent

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/podpass/podpass/identity"
)

// roleParameter is the only one the endpoint knows.
const roleParameter = "role-arn"

// roleMemory is how long a role counts among those a pod has named, since it last did.
const roleMemory = time.Hour

// IRSA serves the pods of annotated service accounts: they name the role in the URL, /v1/credentials?role-arn=ARN, and send the token they would
// give to STS. What they get is what STS gives for the two: the URL grants nothing, the role's trust policy decides.
type IRSA struct {
	Backend  Backend // is told the role
	Audience string  // tokens must have it among theirs; default sts.amazonaws.com
	MaxRoles int     // one pod may name within an hour; default 10
}

func (i IRSA) complete() (*IRSA, error) {
	if i.Backend == nil {
		return nil, errors.New("agent has no backend to obtain the credentials of roles from that pods name")
	}
	if i.MaxRoles < 0 {
		return nil, errors.New("agent's limits must not be negative")
	}
	i.Audience, i.MaxRoles = orDefault(i.Audience, identity.STS), orDefault(i.MaxRoles, 10)
	return &i, nil
}

// roleAskedFor reads the query of a request; zero of none. What is there and not understood is refused: a pod whose role-arn is misspelt must not
// get another role's credentials.
func (a *Agent) roleAskedFor(query string) (role identity.ARN, refused *Error) {
	if query == "" {
		return role, nil
	}
	const form = "the URL is " + credentialsPath + ", or " + credentialsPath + "?" + roleParameter + "=ARN with the ARN percent-encoded"
	values, err := url.ParseQuery(query)
	if err != nil {
		return role, badQuery("Query of the request cannot be parsed", form)
	}
	for name := range values {
		if name != roleParameter {
			return role, badQuery("Request has a parameter other than "+roleParameter, form)
		}
	}
	switch roles := values[roleParameter]; {
	case len(roles) != 1:
		return role, badQuery("Request has more than one parameter "+roleParameter, form)
	case a.cfg.IRSA == nil:
		return role, badQuery("Agent serves no roles by their ARN",
			"this agent has no STS to ask: give it a podpass --server, or --sts-endpoint; or leave "+roleParameter+" out for the role of the association")
	default:
		if role, err = identity.ParseRoleARN(strings.Clone(roles[0])); err != nil || !nameable(role) {
			return identity.ARN{}, badQuery(roleParameter+" is not the ARN of a role", form+"; it is the value of the annotation eks.amazonaws.com/role-arn")
		}
	}
	return role, nil
}

// nameable reports whether there can be a role of this name. IAM's own rule; the resource of a policy may hold a wildcard, a role's name not.
func nameable(role identity.ARN) bool {
	const longest = 64
	path, name, ok := identity.RoleName(role)
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("_+=,.@-", r)
	}
	return ok && len(name) <= longest && !strings.ContainsFunc(name, odd) && !strings.ContainsAny(path, " *?")
}

func badQuery(what, reason string) *Error {
	return &Error{Status: http.StatusBadRequest, Message: what, Reason: reason}
}

// backendFor is the one to ask for a role, or for what the association gives.
func (a *Agent) backendFor(role identity.ARN) Backend {
	if role.IsZero() {
		return a.cfg.Backend
	}
	return a.cfg.IRSA.Backend
}

// podRoles are the roles a pod has named, with the time it last did.
type podRoles struct {
	podUID string
	named  map[identity.ARN]time.Time
}

// overRoles refuses a caller who names more roles than it may: each would be another call of the service and another place in the cache, which are
// for all pods of the node. It needs the lock, and counts.
func (a *Agent) overRoles(c *claim) *Error {
	if c.role.IsZero() {
		return nil
	}
	now, most := a.cfg.Now(), a.cfg.IRSA.MaxRoles
	pod, ok := a.roles.get(c.key)
	if !ok {
		pod = &podRoles{podUID: c.podUID, named: map[identity.ARN]time.Time{}}
		a.roles.put(c.key, pod)
	}
	if _, had := pod.named[c.role]; !had && len(pod.named) >= most {
		for role, last := range pod.named {
			if now.Sub(last) >= roleMemory {
				delete(pod.named, role)
			}
		}
		if len(pod.named) >= most {
			return badQuery("Pod asks for too many roles", fmt.Sprintf("a pod may ask for %d roles within an hour; give STS the token itself for more", most))
		}
	}
	pod.named[c.role] = now
	return nil
}
