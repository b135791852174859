package control

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"sigs.k8s.io/yaml"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/store"
)

// The functions below show a record as the document that would make it, for a person to compare. A nil record is no document.

func renderCluster(c *store.Cluster) string {
	if c == nil {
		return ""
	}
	spec := &api.ClusterSpec{
		Account: string(c.Account), Region: c.Region, Issuer: c.Issuer.String(), AllowNoPod: c.AllowNoPod, TokenReview: c.TokenReview,
		Keys: api.ClusterKeys{JWKS: c.JWKS, Discovery: c.Keys == store.KeysDiscovery, Hosted: c.Keys == store.KeysHosted},
	}
	if c.Kubeconfig != "" { // holds credentials; the hash shows whether they changed
		hash := sha256.Sum256([]byte(c.Kubeconfig))
		spec.Keys.Kubeconfig = "(not shown; sha256 " + hex.EncodeToString(hash[:]) + ")"
	}
	return render(api.KindCluster, api.Metadata{Name: c.Name, Tags: tagMap(c.Tags)}, spec)
}

func renderRole(r *store.Role) string {
	if r == nil {
		return ""
	}
	spec := &api.RoleSpec{
		Path: ownPath(r.Path), Description: r.Description, MaxSessionDuration: r.MaxSession, TrustPolicy: json.RawMessage(r.Trust),
		Policies: r.Attached, PermissionsBoundary: r.Boundary,
	}
	for _, document := range r.Inline {
		if spec.InlinePolicies == nil {
			spec.InlinePolicies = make(map[string]json.RawMessage, len(r.Inline))
		}
		spec.InlinePolicies[document.Name] = json.RawMessage(document.Text)
	}
	return render(api.KindRole, api.Metadata{Name: r.Name, Tags: tagMap(r.Tags)}, spec)
}

func renderPolicy(p *store.Policy) string {
	if p == nil {
		return ""
	}
	spec := &api.PolicySpec{Path: ownPath(p.Path), Description: p.Description}
	for _, v := range p.Versions {
		if v.ID == p.Default {
			spec.Document = json.RawMessage(v.Document)
		}
	}
	return render(api.KindPolicy, api.Metadata{Name: p.Name, Tags: tagMap(p.Tags)}, spec)
}

func renderProvider(name string, p *store.Provider) string {
	if p == nil {
		return ""
	}
	spec := &api.OIDCProviderSpec{URL: p.Issuer.String(), ClientIDs: p.ClientIDs, Thumbprints: p.Thumbprints}
	return render(api.KindOIDCProvider, api.Metadata{Name: name, Tags: tagMap(p.Tags)}, spec)
}

func renderAssociation(a *store.Association) string {
	if a == nil {
		return ""
	}
	spec := &api.AssociationSpec{
		Cluster: a.Cluster, Role: a.RoleARN, TargetRole: a.TargetRoleARN, DisableSessionTags: a.DisableSessionTags, Policy: json.RawMessage(a.Policy),
	}
	return render(api.KindAssociation, api.Metadata{Name: a.ServiceAccount, Namespace: a.Namespace, Tags: tagMap(a.Tags)}, spec)
}

func renderServiceAccount(a *store.ServiceAccount) string {
	if a == nil {
		return ""
	}
	return render(api.KindServiceAccount, api.Metadata{Name: a.Name, Namespace: a.Namespace, Annotations: a.Annotations},
		&api.ServiceAccountSpec{Cluster: a.Cluster})
}

func render(kind string, meta api.Metadata, spec api.Spec) string {
	text, err := yaml.Marshal(api.Document{APIVersion: api.Version, Kind: kind, Metadata: meta, Spec: spec})
	if err != nil { // a stored policy that is not JSON: there is none
		return err.Error()
	}
	return string(text)
}

// ownPath leaves the default path out.
func ownPath(path string) string {
	if path == "/" {
		return ""
	}
	return path
}
