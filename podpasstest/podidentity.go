package podpasstest

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/podpass/podpass/server/eks"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
	"github.com/podpass/podpass/upstream"
)

// Association is one to be added.
type Association struct {
	Cluster                   string // default Cluster
	Namespace, ServiceAccount string // names or globs
	Role                      string // ARN, or name of a role of Account
	Target                    string // likewise; "" none
	DisableSessionTags        bool
	Policy                    string // session policy
}

// AddAssociation adds or replaces an association, through the checks EKS makes.
func (s *Server) AddAssociation(t testing.TB, a Association) *store.Association {
	t.Helper()
	if a.Cluster == "" {
		a.Cluster = Cluster
	}
	cluster, ok := s.Store.Clusters.Get(a.Cluster)
	if !ok {
		t.Fatalf("there is no cluster %s", a.Cluster)
	}
	spec := eks.AssociationSpec{
		Cluster: cluster, Namespace: a.Namespace, ServiceAccount: a.ServiceAccount, RoleARN: roleARN(a.Role),
		DisableSessionTags: a.DisableSessionTags, Policy: a.Policy,
	}
	if a.Target != "" {
		spec.TargetRoleARN = roleARN(a.Target)
	}
	var out *store.Association
	s.transact(t, "association of "+a.Namespace+"/"+a.ServiceAccount, func(env iam.Env, tx *store.Tx) (err error) {
		_, out, err = eks.Env(env).PutAssociation(tx, spec)
		return err
	})
	return out
}

// DeleteAssociation removes the one that AddAssociation answered with.
func (s *Server) DeleteAssociation(t testing.TB, a *store.Association) {
	t.Helper()
	_, err := s.Store.Associations.Update(context.Background(), store.AssociationKey(a.Cluster, a.Namespace, a.ServiceAccount),
		func(*store.Association) (*store.Association, error) { return nil, nil })
	if err != nil {
		t.Fatalf("deleting association %s: %v", a.ID, err)
	}
}

func roleARN(role string) string {
	if strings.HasPrefix(role, "arn:") {
		return role
	}
	return RoleARN(role)
}

// PodIdentityTrust is a trust policy that lets Pod Identity in with session tags, under conditions if there are any: operator, key, value.
func PodIdentityTrust(conditions ...[3]string) string {
	statement := map[string]any{
		"Effect": "Allow", "Principal": map[string]any{"Service": "pods.eks.amazonaws.com"}, "Action": []string{"sts:AssumeRole", "sts:TagSession"},
	}
	if len(conditions) > 0 {
		all := map[string]map[string]any{}
		for _, c := range conditions {
			if all[c[0]] == nil {
				all[c[0]] = map[string]any{}
			}
			all[c[0]][c[1]] = c[2]
		}
		statement["Condition"] = all
	}
	return document(statement)
}

// PodToken is a Token for Pod Identity.
func (s *Server) PodToken(t testing.TB, namespace, serviceAccount string, options ...TokenOption) string {
	t.Helper()
	return s.Token(t, namespace, serviceAccount, append([]TokenOption{Audience("pods.eks.amazonaws.com")}, options...)...)
}

// Pod is the pod a token is bound to; empty names are those of a token that is bound to none.
func Pod(name, uid string) TokenOption {
	return func(c *token.Claims) { c.Kubernetes.Pod, c.Kubernetes.PodUID = name, uid }
}

// PodIdentity exchanges a pod's token of the hosted cluster at EKS Auth, as the caller given or, where that is the zero value, the administrator. A
// refusal is an *upstream.Error, whose Reason is what the pod is told.
func (s *Server) PodIdentity(c aws.Credentials, raw string) (*upstream.PodIdentity, error) {
	return s.PodIdentityOf(c, Cluster, raw)
}

// PodIdentityOf is PodIdentity for any cluster.
func (s *Server) PodIdentityOf(c aws.Credentials, cluster, raw string) (*upstream.PodIdentity, error) {
	if c.AccessKeyID == "" {
		c = s.Admin
	}
	endpoints := upstream.NewEndpoints([]upstream.Endpoint{{URL: s.URL, Region: Region}}, upstream.Options{Now: s.Clock.Now})
	out, err := upstream.NewEKSAuth(endpoints, As(c), upstream.NewHTTPClient(nil)).AssumeRoleForPodIdentity(context.Background(), cluster, raw)
	if nobody, ok := err.(*upstream.Unavailable); ok && nobody.Last() != nil {
		return nil, nobody.Last() // it was asked, and answered that it can't
	}
	return out, err
}

// Granted makes EKS Auth's credentials the SDK's own.
func Granted(p *upstream.PodIdentity) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: p.Credentials.AccessKeyID, SecretAccessKey: p.Credentials.SecretAccessKey, SessionToken: p.Credentials.SessionToken,
	}
}

// ClusterARN is the hosted cluster's.
func ClusterARN() string {
	return "arn:aws:eks:" + Region + ":" + string(Account) + ":cluster/" + Cluster
}
