package eksauth

import (
	"context"
	"errors"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/assume"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/session"
)

// decideHosted asks the trust policy of a role that is hosted here, and for a target role both sides of the second step.
func (s *service) decideHosted(x *exchange, role, target identity.ARN) (issue, error) {
	length := ownRole
	if !target.IsZero() {
		length = targetRole
	}
	first := &assume.Application{
		Action: assume.ActionAssumeRole, Role: s.roles.Find(role),
		Requester: policy.Requester{Service: identity.PodIdentity}, Keys: s.serviceKeys(x),
		SessionName: x.sessionName, Seconds: int(length / time.Second),
	}
	var refusal string
	if first.Tags, refusal = assume.NewTags(x.tags, x.tagKeys, nil); refusal != "" {
		return nil, errors.New("the tags of Pod Identity do not go together: " + refusal)
	}
	if err := s.ask(x, first, hintNoRole, hintTrust); err != nil {
		return nil, err
	}
	last := first
	if !target.IsZero() {
		var err error
		if last, err = s.decideTarget(x, first, target); err != nil {
			return nil, err
		}
	}
	return func(context.Context) (*issued, error) {
		sess := last.Session(x.session())
		sess.Policy, sess.Chained = x.association.Policy, last != first
		made, err := s.roles.Mint(x.event, sess, length, 0)
		if err != nil {
			return nil, tooLarge(err)
		}
		arn, id := last.Role.Session(x.sessionName)
		return &issued{made.AccessKeyID, made.SecretAccessKey, made.SessionToken, made.Expires, arn.String(), id}, nil
	}, nil
}

// decideTarget is the second step: the first role's session, which nobody is given, asks for the target role. Its own policies count, and the
// pod's tags are both the session's and passed along.
func (s *service) decideTarget(x *exchange, first *assume.Application, target identity.ARN) (*assume.Application, error) {
	x.event.Role, x.event.Account = target.String(), string(target.Account())
	through := x.event.Statement
	sess := s.roles.Start(first.Session(x.session()), targetRole)
	caller := access.RoleSession(first.Role.Record, &sess)
	own, err := s.Gate.Policies(caller)
	if err != nil {
		var wire *awserr.Error
		if errors.As(err, &wire) {
			return nil, untrusted(hintTarget+assume.ActionAssumeRole, wire.Cause)
		}
		return nil, err
	}
	tags, refusal := assume.NewTags(nil, nil, &sess)
	if refusal != "" {
		return nil, errors.New("the tags of Pod Identity cannot be passed on: " + refusal)
	}
	second := &assume.Application{
		Action: assume.ActionAssumeRole, Role: s.roles.Find(target),
		Requester: caller.Requester(), Own: own, Keys: s.Gate.Internal(caller, x.cluster.Region),
		SessionName: x.sessionName, Seconds: int(targetRole / time.Second), Tags: tags.SentAgain(),
	}
	second.Keys.Set("sts:externalid", x.cluster.ExternalID(x.pod.account))
	missing := hintNoTarget
	if target.Account() != x.cluster.Account {
		missing = hintTarget + second.Action // which roles another account has is not to be found out by naming them
	}
	if err := s.ask(x, second, missing, hintTarget); err != nil {
		return nil, err
	}
	x.event.Statement = through + "; " + x.event.Statement
	return second, nil
}

// ask puts the statement that decides on record, and makes a refusal the pod's answer.
func (s *service) ask(x *exchange, a *assume.Application, missing, refused string) error {
	verdict, err := s.roles.Decide(a)
	if err != nil {
		return err
	}
	x.event.Statement = verdict.Statement
	switch {
	case verdict.Allowed():
		return nil
	case a.Role.Missing != "":
		return untrusted(missing, verdict.Reason)
	}
	return untrusted(refused+verdict.Refused, verdict.Reason)
}

// serviceKeys are the condition keys of EKS asking for a role on behalf of a cluster.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html and
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html (properties of the principal)
func (s *service) serviceKeys(x *exchange) *policy.Context {
	keys := s.Gate.Internal(access.Caller{}, x.cluster.Region)
	keys.Set("aws:sourcearn", x.clusterARN)
	keys.Set("aws:sourceaccount", string(x.cluster.Account))
	keys.Set("aws:principalisawsservice", "true")
	keys.Set("aws:principalservicename", identity.PodIdentity)
	return keys
}

// session is what every session of the exchange has of the pod.
func (x *exchange) session() session.Session {
	return session.Session{Subject: x.pod.claims.Subject, Issuer: x.pod.claims.Issuer, Cluster: x.cluster.Name, PodUID: x.pod.uid}
}
