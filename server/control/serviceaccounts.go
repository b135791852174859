package control

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

const onServiceAccountPath = "clusters/{cluster}/namespaces/{namespace}/serviceaccounts/{name}"

func (s *service) serviceAccountActions() []restjson.Action {
	const path = onServiceAccountPath
	return []restjson.Action{
		restjson.NewAction("GetServiceAccount", http.MethodGet, route(path), s.getServiceAccount),
		restjson.NewAction("ListTrustingRoles", http.MethodGet, route(path+"/roles"), s.listTrustingRoles),
		restjson.NewAction("CreateToken", http.MethodPost, route(path+"/token"), s.createToken),
	}
}

// onServiceAccount is the input of the actions on one service account.
type onServiceAccount struct {
	Cluster   string `label:"cluster" json:"-"`
	Namespace string `label:"namespace" json:"-"`
	Name      string `label:"name" json:"-"`
}

// serviceAccount finds the cluster the caller may know of, checks the name and authorises the action on the account's ARN.
func (s *service) serviceAccount(c *restjson.Call, action string, in onServiceAccount) (*store.Cluster, identity.ServiceAccount, error) {
	c.Event.Cluster = in.Cluster
	sa, err := identity.ParseServiceAccount(in.Namespace, in.Name)
	if err != nil {
		return nil, sa, invalid("%v.", err)
	}
	c.Event.Namespace, c.Event.ServiceAccount = sa.Namespace, sa.Name
	found, ok := s.store.Clusters.Get(in.Cluster)
	if !ok || !s.reaches(c, found.Account) {
		return nil, sa, noCluster(in.Cluster)
	}
	return found, sa, s.authorise(c, action, serviceAccountARN(found, sa))
}

func (s *service) getServiceAccount(_ context.Context, c *restjson.Call, in *onServiceAccount) (*api.ServiceAccount, error) {
	cluster, sa, err := s.serviceAccount(c, "GetServiceAccount", *in)
	if err != nil {
		return nil, err
	}
	out := &api.ServiceAccount{
		Cluster: cluster.Name, ClusterARN: cluster.ARN().String(), Account: string(cluster.Account), Region: cluster.Region,
		Namespace: sa.Namespace, Name: sa.Name, Hosted: cluster.Keys == store.KeysHosted,
	}
	if found, ok := s.store.ServiceAccounts.Get(store.ServiceAccountKey(cluster.Name, sa.Namespace, sa.Name)); ok {
		out.Exists, out.UID, out.Annotations = true, found.UID, found.Annotations
	}
	// An association goes before the annotation, as for EKS's webhook.
	if a, ok := s.store.AssociationFor(cluster.Name, sa); ok {
		out.Association = showAssociation(cluster, a)
		out.Association.Upstream = s.livesUpstream(cmp.Or(a.TargetRoleARN, a.RoleARN))
		out.Mechanism, out.Role = api.PodIdentity, a.RoleARN
	} else if role := out.Annotations[api.RoleARNAnnotation]; role != "" {
		out.Mechanism, out.Role = api.IRSA, role
	}
	return out, nil
}

func (s *service) livesUpstream(role string) bool {
	arn, err := identity.ParseARN(role)
	if err != nil {
		return false
	}
	account, ok := s.store.Accounts.Get(string(arn.Account()))
	return ok && account.Upstream != nil
}

func showAssociation(c *store.Cluster, a *store.Association) *api.Association {
	return &api.Association{
		ID: a.ID, ARN: a.ARN(c).String(), Role: a.RoleARN, TargetRole: a.TargetRoleARN, DisableSessionTags: a.DisableSessionTags,
		Created: a.Created, Modified: a.Modified,
	}
}

// maxRoles is the most roles that listTrustingRoles names: the list is for a person to choose from.
const maxRoles = 100

// listTrustingRoles asks every role's own trust policy, by the rules of an exchange.
func (s *service) listTrustingRoles(_ context.Context, c *restjson.Call, in *onServiceAccount) (*api.RolesResult, error) {
	cluster, sa, err := s.serviceAccount(c, "ListTrustingRoles", *in)
	if err != nil {
		return nil, err
	}
	out := &api.RolesResult{Roles: []string{}}
	provider := cluster.Issuer.ProviderARN(cluster.Partition, cluster.Account)
	registered, ok := s.store.Providers.Get(store.ProviderKey(provider.String()))
	if !ok || !slices.Contains(registered.ClientIDs, audience) {
		return out, nil
	}
	for _, role := range s.store.Roles.List(store.RoleKey(string(cluster.Account), ""), "") {
		if !s.trusts(role, cluster.Issuer, registered.ARN(), sa) {
			continue
		}
		if len(out.Roles) == maxRoles {
			out.Truncated = true
			break
		}
		out.Roles = append(out.Roles, role.ARN().String())
	}
	slices.Sort(out.Roles)
	return out, nil
}

// trusts reports whether a role would admit a web identity token of the service account with the usual audience.
func (s *service) trusts(role *store.Role, issuer identity.Issuer, provider identity.ARN, sa identity.ServiceAccount) bool {
	trust, err := s.store.Compiled(role.Trust, policy.Trust)
	if err != nil {
		return false
	}
	keys := new(policy.Context)
	keys.Set(issuer.HostPath()+":aud", audience)
	keys.Set(issuer.HostPath()+":sub", sa.Subject())
	for _, tag := range role.Tags {
		keys.Set("aws:resourcetag/"+tag.Key, tag.Value)
		keys.Set("iam:resourcetag/"+tag.Key, tag.Value)
	}
	decision := policy.Evaluate(&policy.Request{
		Requester: policy.Requester{Federated: provider.String()}, Action: "sts:AssumeRoleWithWebIdentity", Resource: role.ARN().String(),
		Context: keys, Pins: role.TrustPins,
	}, &policy.Policies{
		Resource:        []policy.Source{{ID: "trust policy of " + role.ARN().String(), Doc: trust}},
		RequireResource: true, ResourceAccount: string(role.Account),
	})
	return decision.Allowed()
}
