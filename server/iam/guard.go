package iam

import (
	"errors"
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/awsquery"
)

// guard asks the gate for every action.
type guard struct{ gate *access.Gate }

// authorise evaluates the caller's policies for an action on a resource of the caller's account. shown is what a refusal calls the resource:
// it must not tell more than the request did, such as the path of a role that was asked for by its name.
func (g guard) authorise(c *awsquery.Call, action, resource, shown string, keys *policy.Context) error {
	if resource != "*" {
		c.Event.Resource = resource
	}
	decision, err := g.gate.Authorise(c.Request, c.Caller, action, resource, keys)
	if err == nil {
		c.Event.Statement = decision.Why()
		return nil
	}
	var refusal *awserr.Error
	if shown == resource || !errors.As(err, &refusal) {
		return err
	}
	worded := *refusal
	worded.Message = strings.Replace(refusal.Message, "on resource: "+resource, "on resource: "+shown, 1)
	return &worded
}

// foreign refuses an ARN of another account as a missing permission, whatever the caller's policies say and whether or not it exists.
func (g guard) foreign(c *awsquery.Call, action string, resource identity.ARN) error {
	return awserr.AccessDenied("User: " + c.Caller.ARN.String() + " is not authorized to perform: " + action + " on resource: " + resource.String()).
		Because(errors.New("the resource belongs to another account"))
}

// partition is the one new resources of the caller's account are named in.
func partition(c *awsquery.Call) string { return c.Caller.ARN.Partition() }
