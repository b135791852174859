package eksauth

import (
	"time"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
)

// Lengths of sessions, which the role's own maximum doesn't change.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-association.html (6 hours), …/pod-id-assign-target-role.html (1 hour, as every
// session of a session)
const (
	ownRole    = 6 * time.Hour
	targetRole = time.Hour
)

// exchange is one request whose token has been verified and whose association has been found.
type exchange struct {
	cluster     *store.Cluster
	clusterARN  string
	pod         *pod
	association *store.Association
	event       *audit.Event
	sessionName string
	tags        identity.Tags // of the session; empty where the association disables them
	tagKeys     []string      // all of them are transitive
}

// issued are credentials and whose they are.
type issued struct {
	accessKeyID, secretAccessKey, sessionToken string
	expires                                    time.Time
	arn, id                                    string // of the assumed role
}

func newExchange(cluster *store.Cluster, p *pod, a *store.Association, e *audit.Event) *exchange {
	x := &exchange{
		cluster: cluster, clusterARN: cluster.ARN().String(), pod: p, association: a, event: e, sessionName: sessionName(cluster.Name, p.name, e.RequestID),
	}
	if !a.DisableSessionTags {
		x.setTags()
	}
	e.SessionName = x.sessionName
	return x
}

// setTags are the six tags of Pod Identity; a token without a pod has four.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
func (x *exchange) setTags() {
	x.tags = append(make(identity.Tags, 0, 6),
		identity.Tag{Key: "eks-cluster-arn", Value: x.clusterARN},
		identity.Tag{Key: "eks-cluster-name", Value: x.cluster.Name},
		identity.Tag{Key: "kubernetes-namespace", Value: x.pod.account.Namespace},
		identity.Tag{Key: "kubernetes-service-account", Value: x.pod.account.Name},
	)
	if x.pod.name != "" {
		x.tags = append(x.tags,
			identity.Tag{Key: "kubernetes-pod-name", Value: x.pod.name},
			identity.Tag{Key: "kubernetes-pod-uid", Value: x.pod.uid},
		)
	}
	x.tagKeys = make([]string, len(x.tags))
	for i, t := range x.tags {
		x.tagKeys[i] = t.Key
	}
}

// maxSessionName is the longest there is.
const maxSessionName = 64

// sessionName is eks-CLUSTER-POD-UUID; eks-CLUSTER-UUID where there is no pod. What doesn't fit is cut off eks-CLUSTER-POD, from its end, so that the
// UUID is always whole. It is the request's: the name of a session, wherever it shows, leads back to the audit event that made it.
func sessionName(cluster, podName, uuid string) string {
	name := "eks-" + cluster
	if podName != "" {
		name += "-" + podName
	}
	return name[:min(len(name), maxSessionName-len("-")-len(uuid))] + "-" + uuid
}
