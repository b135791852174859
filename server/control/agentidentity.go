package control

import (
	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/store"
)

// AgentIdentity is who a hosted cluster's agent is where it runs in the server's own process, and no kubelet gives it a token.
type AgentIdentity struct {
	Env     iam.Env
	Cluster string
	PodName string // of its tokens
	PodUID  string
}

// Role is the one that registering the cluster made for its agent.
func (a AgentIdentity) Role() (identity.ARN, error) {
	c, err := a.cluster()
	if err != nil {
		return identity.ARN{}, err
	}
	return agent().roleARN(c), nil
}

// Token is one of the agent's service account, for an exchange at STS, which goes on record as any other. Each call issues one, with the key
// the cluster signs with then.
func (a AgentIdentity) Token() (string, error) {
	c, err := a.cluster()
	if err != nil {
		return "", err
	}
	out, err := issue(a.Env, c, identity.ServiceAccount{Namespace: partNamespace, Name: agent().name}, &api.CreateTokenRequest{
		Audience: audience, DurationSeconds: minTokenLife, PodName: a.PodName, PodUID: a.PodUID,
	})
	if err != nil {
		return "", err
	}
	return out.Token, nil
}

func (a AgentIdentity) cluster() (*store.Cluster, error) {
	c, ok := a.Env.Store.Clusters.Get(a.Cluster)
	if !ok {
		return nil, noCluster(a.Cluster)
	}
	return c, nil
}
