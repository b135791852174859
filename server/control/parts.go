package control

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/store"
)

// part is one of Podpass's own programs in a registered cluster. It holds no long-lived secret: it assumes its role with the token of its
// own service account.
type part struct {
	name    string   // of its service account in podpass-system, and the beginning of its role's name
	actions []string // on its cluster, and on nothing else
}

func agent() part {
	return part{"podpass-agent", []string{"eks-auth:AssumeRoleForPodIdentity", "podpass:GetClusterKeys", "podpass:WatchAssociations"}}
}

// A webhook also takes part in the write barrier. An agent, which is on every node, must not be able to hold up changes.
func webhook() part {
	return part{"podpass-webhook", []string{"podpass:JoinWriteBarrier", "podpass:WatchAssociations"}}
}

func parts() [2]part { return [...]part{agent(), webhook()} }

// The namespace of Podpass's own service accounts, and the path of their roles.
const (
	partNamespace = "podpass-system"
	partPath      = "/podpass/"
)

// roleName is podpass-agent-CLUSTER. IAM's names have 64 characters and clusters' up to 100, so of a long one the beginning is kept, with a hash
// that tells it from others that begin alike.
func (p part) roleName(cluster string) string {
	const longest = 64
	name := p.name + "-" + cluster
	if len(name) <= longest {
		return name
	}
	hash := sha256.Sum256([]byte(cluster))
	tail := "-" + hex.EncodeToString(hash[:4])
	return name[:longest-len(tail)] + tail
}

func (p part) roleARN(c *store.Cluster) identity.ARN {
	return c.Account.IAM(c.Partition, "role"+partPath+p.roleName(c.Name))
}

// role is what the part's role should be.
func (p part) role(c *store.Cluster) iam.RoleSpec {
	return iam.RoleSpec{
		Account: c.Account, Partition: c.Partition, Path: partPath, Name: p.roleName(c.Name),
		Description: "Used by " + p.name + " in cluster " + c.Name,
		Trust: irsaTrust(c.Issuer.ProviderARN(c.Partition, c.Account), c.Issuer,
			identity.ServiceAccount{Namespace: partNamespace, Name: p.name}),
		Inline: map[string]string{
			"cluster": document(map[string]any{"Effect": "Allow", "Action": p.actions, "Resource": c.ARN().String()}),
		},
	}
}
