package control

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/eks"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/store"
)

func (p *plan) account() identity.Account { return p.call.Caller.Account }
func (p *plan) partition() string         { return p.call.Caller.ARN.Partition() }

func (p *plan) cluster(ctx context.Context, d *api.Document, spec *api.ClusterSpec) (object, error) {
	want, key, err := p.planCluster(ctx, p.call, "Apply", d.Metadata.Name, spec, d.Metadata.Tags)
	if err != nil {
		return object{}, err
	}
	p.clusters[want.Name] = &want
	return object{name: want.Name, change: api.ObjectChange{ARN: want.ARN().String()}, put: func(tx *store.Tx) (string, string, error) {
		before, after, err := putCluster(tx, p.Env, want, key)
		return renderCluster(before), renderCluster(after), err
	}}, nil
}

func (p *plan) provider(d *api.Document, spec *api.OIDCProviderSpec) (object, error) {
	issuer, err := identity.ParseIssuer(spec.URL, identity.IssuerRules{})
	if err != nil {
		return object{}, invalid("%v.", err)
	}
	want := iam.ProviderSpec{
		Account: p.account(), Partition: p.partition(), Issuer: issuer, ClientIDs: spec.ClientIDs, Thumbprints: spec.Thumbprints,
		Tags: tagList(d.Metadata.Tags),
	}
	if len(want.ClientIDs) == 0 {
		want.ClientIDs = []string{audience}
	}
	arn := issuer.ProviderARN(p.partition(), p.account()).String()
	o := object{name: arn, change: api.ObjectChange{ARN: arn}, put: func(tx *store.Tx) (string, string, error) {
		for _, c := range store.ReadBy(tx, p.store.Clusters, store.ByIssuer, issuer.String()) {
			if c.Account == p.account() && !slices.Contains(want.ClientIDs, audience) {
				return "", "", invalid("The provider is that of cluster %s, whose agent and webhook need the client id %s.", c.Name, audience)
			}
		}
		before, after, err := p.Env.PutProvider(tx, want)
		return renderProvider(d.Metadata.Name, before), renderProvider(d.Metadata.Name, after), err
	}}
	return o, p.authorise(arn)
}

func (p *plan) policy(d *api.Document, spec *api.PolicySpec) (object, error) {
	want := iam.PolicySpec{
		Account: p.account(), Partition: p.partition(), Path: cmp.Or(spec.Path, "/"), Name: d.Metadata.Name, Description: spec.Description,
		Document: policyText(spec.Document), Tags: tagList(d.Metadata.Tags),
	}
	arn := p.account().IAM(p.partition(), "policy"+want.Path+want.Name).String()
	o := object{name: strings.ToLower(arn), change: api.ObjectChange{ARN: arn}, put: func(tx *store.Tx) (string, string, error) {
		before, after, err := p.Env.PutPolicy(tx, want)
		return renderPolicy(before), renderPolicy(after), err
	}}
	return o, p.authorise(arn)
}

func (p *plan) role(d *api.Document, spec *api.RoleSpec) (object, error) {
	want := iam.RoleSpec{
		Account: p.account(), Partition: p.partition(), Path: cmp.Or(spec.Path, "/"), Name: d.Metadata.Name, Description: spec.Description,
		MaxSession: spec.MaxSessionDuration, Trust: policyText(spec.TrustPolicy), Tags: tagList(d.Metadata.Tags), Boundary: spec.PermissionsBoundary,
	}
	for _, named := range spec.Policies {
		want.Attached = append(want.Attached, p.policyARN(named))
	}
	if want.Boundary != "" {
		want.Boundary = p.policyARN(want.Boundary)
	}
	if len(spec.InlinePolicies) > 0 {
		want.Inline = map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(spec.InlinePolicies)) {
			want.Inline[name] = policyText(spec.InlinePolicies[name])
		}
	}
	if spec.Trust != nil {
		var err error
		if want.Trust, err = p.trust(spec.Trust); err != nil {
			return object{}, err
		}
	}
	arn := p.account().IAM(p.partition(), "role"+want.Path+want.Name).String()
	o := object{name: strings.ToLower(want.Name), change: api.ObjectChange{ARN: arn}, put: func(tx *store.Tx) (string, string, error) {
		before, after, err := p.Env.PutRole(tx, want)
		return renderRole(before), renderRole(after), err
	}}
	return o, p.authorise(arn)
}

// policyARN is the policy a role's document names: an ARN as it is, or the name of a policy of this account, whose path, if it has
// one, is known from its own document.
func (p *plan) policyARN(named string) string {
	if strings.HasPrefix(named, "arn:") {
		return named
	}
	path := "/"
	for i := range p.documents {
		if spec, ok := p.documents[i].Spec.(*api.PolicySpec); ok && p.documents[i].Metadata.Name == named {
			path = cmp.Or(spec.Path, "/")
		}
	}
	return "arn:" + p.partition() + ":iam::" + string(p.account()) + ":policy" + path + named
}

// trust writes out the short form of a trust policy.
func (p *plan) trust(t *api.Trust) (string, error) {
	c, err := p.clusterNamed(t.Cluster)
	if err != nil {
		return "", err
	}
	sa := identity.ServiceAccount{Namespace: t.Namespace, Name: t.ServiceAccount}
	if t.Mechanism == api.PodIdentity {
		return podIdentityTrust(c.Name, sa), nil
	}
	if c.Account != p.account() {
		return "", invalid("Cluster %s belongs to account %s: its issuer is no OIDC provider of this account. Write spec.trustPolicy out.",
			c.Name, c.Account)
	}
	return irsaTrust(c.Issuer.ProviderARN(c.Partition, c.Account), c.Issuer, sa), nil
}

func (p *plan) serviceAccount(d *api.Document, spec *api.ServiceAccountSpec) (object, error) {
	c, err := p.clusterNamed(spec.Cluster)
	if err != nil {
		return object{}, err
	}
	if c.Keys != store.KeysHosted {
		return object{}, invalid("Cluster %s has an API server: its service accounts are made there (kubectl create serviceaccount).", c.Name)
	}
	sa := identity.ServiceAccount{Namespace: d.Metadata.Namespace, Name: d.Metadata.Name}
	arn, key := serviceAccountARN(c, sa), store.ServiceAccountKey(c.Name, sa.Namespace, sa.Name)
	o := object{name: key, change: api.ObjectChange{ARN: arn}, put: func(tx *store.Tx) (string, string, error) {
		if err := p.stillThere(tx, c); err != nil {
			return "", "", err
		}
		before, ok := store.Read(tx, p.store.ServiceAccounts, key)
		if ok && maps.Equal(before.Annotations, d.Metadata.Annotations) {
			same := renderServiceAccount(before)
			return same, same, nil
		}
		after := &store.ServiceAccount{
			Cluster: c.Name, Namespace: sa.Namespace, Name: sa.Name, Annotations: d.Metadata.Annotations, Created: p.Env.Now().UTC(),
		}
		if ok {
			after.UID, after.Created = before.UID, before.Created
		} else {
			uid, err := uuid.NewRandomFromReader(p.Env.Random)
			if err != nil {
				return "", "", err
			}
			after.UID, before = uid.String(), nil
		}
		store.Write(tx, p.store.ServiceAccounts, key, after)
		return renderServiceAccount(before), renderServiceAccount(after), nil
	}}
	return o, p.authorise(arn)
}

// stillThere makes the transaction depend on the cluster: one that is deregistered meanwhile gets no new objects.
func (p *plan) stillThere(tx *store.Tx, c *store.Cluster) error {
	if now, ok := store.Read(tx, p.store.Clusters, c.Name); !ok || now.Account != c.Account {
		return noCluster(c.Name)
	}
	return nil
}

// association needs iam:PassRole too, as EKS's does: without it, whoever may associate could give any role away.
func (p *plan) association(d *api.Document, spec *api.AssociationSpec) (object, error) {
	c, err := p.clusterNamed(spec.Cluster)
	if err != nil {
		return object{}, err
	}
	want := eks.AssociationSpec{
		Cluster: c, Namespace: d.Metadata.Namespace, ServiceAccount: d.Metadata.Name, RoleARN: p.roleOf(c, spec.Role), TargetRoleARN: spec.TargetRole,
		DisableSessionTags: spec.DisableSessionTags, Policy: policyText(spec.Policy), Tags: tagList(d.Metadata.Tags),
	}
	env := eks.Env{Store: p.store, Now: p.Env.Now, Random: p.Env.Random}
	o := object{name: store.AssociationKey(c.Name, want.Namespace, want.ServiceAccount), put: func(tx *store.Tx) (string, string, error) {
		before, after, err := env.PutAssociation(tx, want)
		return renderAssociation(before), renderAssociation(after), notAssociated(err)
	}}
	sa := identity.ServiceAccount{Namespace: want.Namespace, Name: want.ServiceAccount}
	if err := p.authorise(serviceAccountARN(c, sa)); err != nil {
		return o, err
	}
	// A policy's patterns are compared with the text of a glob and not with what it matches: it would get past a Deny on a namespace. Globs are for whoever
	// may apply the cluster itself, and so could be any account of it.
	if identity.IsGlob(sa.Namespace) || identity.IsGlob(sa.Name) {
		if err := p.authorise(c.ARN().String()); err != nil {
			return o, err
		}
	}
	keys := new(policy.Context)
	keys.Set("iam:passedtoservice", identity.PodIdentity)
	keys.Set("iam:associatedresourcearn", c.ARN().String())
	_, err = p.Pipeline.Gate.Authorise(p.call.Request, p.call.Caller, "iam:PassRole", want.RoleARN, keys)
	return o, err
}

// notAssociated words a refusal of the EKS API for a document, whose fields have other names.
func notAssociated(err error) error {
	var refused *awserr.Error
	if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest {
		return err
	}
	message := strings.NewReplacer("roleArn: ", "spec.role: ", "targetRoleArn: ", "spec.targetRole: ", "policy: ", "spec.policy: ", "targetRoleArn", "spec.targetRole").
		Replace(refused.Message)
	if strings.HasPrefix(message, eks.NoRole) {
		message = "spec.role: " + message + ". Apply it together with the association, or before."
	}
	return invalid("%s", message).Because(err)
}

// roleOf makes a role's name an ARN of the cluster's account; its path, if it has one, is known from the role or from its own document.
func (p *plan) roleOf(c *store.Cluster, named string) string {
	if strings.HasPrefix(named, "arn:") {
		return named
	}
	if role, ok := p.store.Roles.Get(store.RoleKey(string(c.Account), named)); ok {
		return role.ARN().String()
	}
	path := "/"
	for i := range p.documents {
		if spec, ok := p.documents[i].Spec.(*api.RoleSpec); ok && p.documents[i].Metadata.Name == named {
			path = cmp.Or(spec.Path, "/")
		}
	}
	return "arn:" + c.Partition + ":iam::" + string(c.Account) + ":role" + path + named
}
