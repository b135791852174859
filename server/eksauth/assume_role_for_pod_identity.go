package eksauth

import (
	"context"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/restjson"
)

// assumeRoleForPodIdentityInput is without eksNodeName, instanceId and zone, which later models have: nothing is believed of them, so they are
// left unread.
type assumeRoleForPodIdentityInput struct {
	ClusterName string `json:"-" label:"clusterName"`
	Token       string `json:"token"`
}

type assumeRoleForPodIdentityOutput struct {
	Subject                subject                `json:"subject"`
	Audience               string                 `json:"audience"`
	PodIdentityAssociation podIdentityAssociation `json:"podIdentityAssociation"`
	AssumedRoleUser        assumedRoleUser        `json:"assumedRoleUser"`
	Credentials            credentials            `json:"credentials"`
}

type subject struct {
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
}

type podIdentityAssociation struct {
	ARN string `json:"associationArn"`
	ID  string `json:"associationId"`
}

// assumedRoleUser has assumeRoleId where STS has AssumedRoleId.
type assumedRoleUser struct {
	ARN string `json:"arn"`
	ID  string `json:"assumeRoleId"` // AROA…:SESSION
}

type credentials struct {
	SessionToken    string        `json:"sessionToken"`
	SecretAccessKey string        `json:"secretAccessKey"`
	AccessKeyID     string        `json:"accessKeyId"`
	Expiration      restjson.Time `json:"expiration"`
}

// assumeRoleForPodIdentity exchanges a pod's token. Nothing about roles and associations is told before the token has been verified, and nothing is
// dialled before all is decided that can be decided here.
func (s *service) assumeRoleForPodIdentity(
	ctx context.Context, c *restjson.Call, in *assumeRoleForPodIdentityInput,
) (*assumeRoleForPodIdentityOutput, error) {
	cluster, err := s.cluster(c, in.ClusterName)
	if err != nil {
		return nil, err
	}
	pod, err := s.verify(ctx, c.Event, cluster, in.Token)
	if err != nil {
		return nil, err
	}
	association, ok := s.Store.AssociationFor(cluster.Name, pod.account)
	if !ok {
		return nil, noAssociation(cluster.Name, pod.account)
	}
	c.Event.Association = association.ID
	x := newExchange(cluster, pod, association, c.Event)
	issue, err := s.decide(x)
	if err != nil {
		return nil, err
	}
	if err := s.Keys.Review(ctx, cluster, pod.raw, pod.claims); err != nil {
		return nil, tokenRefused(err)
	}
	made, err := issue(ctx)
	if err != nil {
		return nil, err
	}
	return &assumeRoleForPodIdentityOutput{
		Subject:                subject{pod.account.Namespace, pod.account.Name},
		Audience:               identity.PodIdentity,
		PodIdentityAssociation: podIdentityAssociation{association.ARN(cluster).String(), association.ID},
		AssumedRoleUser:        assumedRoleUser{made.arn, made.id},
		Credentials:            credentials{made.sessionToken, made.secretAccessKey, made.accessKeyID, restjson.Time(made.expires)},
	}, nil
}
