package agent

import (
	"context"
	"errors"
	"net/http"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/upstream"
)

// EKSAuth is a Backend that asks EKS Auth, AWS's or ours, about one cluster's tokens.
func EKSAuth(client *upstream.EKSAuth, cluster string) Backend { return eksAuth{client, cluster} }

type eksAuth struct {
	client  *upstream.EKSAuth
	cluster string
}

func (b eksAuth) Obtain(ctx context.Context, r Request) (*Credentials, error) {
	out, err := b.client.AssumeRoleForPodIdentity(ctx, b.cluster, r.Token)
	if err != nil {
		return nil, blameOwn(answerOf(err))
	}
	return credentialsOf(out.Credentials, out.AssumedRoleARN, out.AssociationID, out.Endpoint), nil
}

func credentialsOf(c upstream.Credentials, assumedRole, association, endpoint string) *Credentials {
	out := &Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expiration: c.Expiration,
		AssociationID: association, Endpoint: endpoint,
	}
	if arn, err := identity.ParseARN(assumedRole); err == nil {
		out.AccountID = string(arn.Account())
	}
	return out
}

// answerOf is a service's answer as the agent's; an error that is none stays what it is. An answer without a code is a proxy's, or of
// something else that is no such service.
func answerOf(err error) error {
	var answer *upstream.Error
	var none *upstream.Unavailable
	if !errors.As(err, &answer) && errors.As(err, &none) {
		answer = none.Last()
	}
	if answer == nil || answer.Code == "" || answer.Status < http.StatusBadRequest {
		return err
	}
	return &Error{Status: answer.Status, Code: answer.Code, Message: answer.Message, Reason: answer.Reason, RequestID: answer.RequestID}
}

// blameOwn gives the reason where EKS Auth refused the agent and not the pod, which a 403 tells.
func blameOwn(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusForbidden && e.Reason == "" {
		e.Reason = "the service did not take the agent's own credentials; check that the node's role may eks-auth:AssumeRoleForPodIdentity, and the node's clock"
	}
	return err
}
