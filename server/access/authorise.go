package access

import (
	"errors"
	"net/http"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/awserr"
)

// Requester is a caller as Principal elements see it.
func (c Caller) Requester() policy.Requester {
	q := policy.Requester{Account: string(c.Account), PrincipalARN: c.PrincipalARN.String(), UniqueID: c.UniqueID}
	if c.Kind == AssumedRole {
		q.SessionARN = c.ARN.String()
	}
	return q
}

// Authorise evaluates the caller's own policies for an action on a resource in the caller's account; extra (nil: none) are the
// action's own condition keys. A refusal is AccessDenied in AWS's words, "User: ARN is not authorized to perform: ACTION on resource: RESOURCE because no identity-based
// policy allows the ACTION action"; which statement decided is in its cause only.
func (g *Gate) Authorise(r *http.Request, c Caller, action, resource string, extra *policy.Context) (policy.Decision, error) {
	if c.Kind == Anonymous {
		return policy.Decision{}, awserr.MissingAuthenticationToken()
	}
	policies, err := g.Policies(c)
	if err != nil {
		var cause *awserr.Error
		if errors.As(err, &cause) {
			err = denied(c, action, resource, "").Because(cause.Cause)
		}
		return policy.Decision{}, err
	}
	policies.ResourceAccount = string(c.Account)
	keys := extra.Clone()
	g.setKeys(keys, r, c) // over the extra ones: an action can't change who asks
	d := policy.Evaluate(&policy.Request{Requester: c.Requester(), Action: action, Resource: resource, Context: keys}, &policies)
	if !d.Allowed() {
		return d, denied(c, action, resource, d.Public()).Because(errors.New(d.Why()))
	}
	return d, nil
}

// denied is AWS's text; because is its last clause, or empty.
func denied(c Caller, action, resource, because string) *awserr.Error {
	text := "User: " + c.ARN.String() + " is not authorized to perform: " + action + " on resource: " + resource
	if because != "" {
		text += " " + because
	}
	return awserr.AccessDenied(text)
}
