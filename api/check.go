package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/podpass/podpass/identity"
)

// notes takes one mistake: the path of a field inside the document, and what is wrong with it.
type notes func(field, format string, args ...any)

// only reports whether s consists of ASCII letters, digits and the characters of more.
func only(s, more string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte(more, c) < 0 {
			return false
		}
	}
	return true
}

// Check finds the mistakes that can be seen without the server's state. Its error is a Mistakes.
func (d *Document) Check() error {
	var found Mistakes
	d.check(func(field, format string, args ...any) {
		found = append(found, Mistake{Object: d.Kind + " " + d.Metadata.Name, Field: field, Message: fmt.Sprintf(format, args...)})
	})
	if len(found) > 0 {
		return found
	}
	return nil
}

func (d *Document) check(note notes) {
	m := &d.Metadata
	if m.Name == "" {
		note("metadata.name", "is required")
	}
	namespaced := d.Kind == KindAssociation || d.Kind == KindServiceAccount
	switch {
	case !namespaced && m.Namespace != "":
		note("metadata.namespace", "a %s has no namespace", d.Kind)
	case namespaced && m.Namespace == "":
		note("metadata.namespace", "is required: the namespace of the service account")
	case d.Kind == KindAssociation && m.Name != "":
		if err := identity.CheckGlobs(m.Namespace, m.Name); err != nil {
			note("metadata", "%v", err)
		}
	case namespaced && m.Name != "":
		if _, err := identity.ParseServiceAccount(m.Namespace, m.Name); err != nil {
			note("metadata", "%v", err)
		}
	}
	if d.Kind != KindServiceAccount && len(m.Annotations) > 0 {
		note("metadata.annotations", "only a ServiceAccount has annotations")
	}
	if d.Kind == KindServiceAccount && len(m.Tags) > 0 {
		note("metadata.tags", "a ServiceAccount has no tags")
	}
	if len(m.Tags) > 50 {
		note("metadata.tags", "has %d tags, more than 50", len(m.Tags))
	}
	for k, v := range m.Tags {
		if n := utf8.RuneCountInString(k); n < 1 || n > 128 || utf8.RuneCountInString(v) > 256 {
			note("metadata.tags", "a key has 1–128 characters and a value at most 256: %q", k)
		}
	}
	d.Spec.check(m, note)
}

func (s *ClusterSpec) check(m *Metadata, note notes) {
	if m.Name != "" && !identity.ValidClusterName(m.Name) {
		note("metadata.name", "a cluster's name has 1–100 letters, digits, - and _, and begins with a letter or digit")
	}
	if s.Account != "" {
		if _, err := identity.ParseAccount(s.Account); err != nil {
			note("spec.account", "%v", err)
		}
	}
	if s.Region != "" && !identity.ValidRegion(s.Region) {
		note("spec.region", "%q is not a region name such as us-west-2", s.Region)
	}
	if s.Issuer != "" {
		if _, err := identity.ParseIssuer(s.Issuer, identity.IssuerRules{Port: true, HTTP: true}); err != nil {
			note("spec.issuer", "%v", err)
		}
	} else if !s.Keys.Hosted {
		note("spec.issuer", "is required: the iss claim of the cluster's tokens (kubectl get --raw /.well-known/openid-configuration)")
	}
	if s.Keys.count() != 1 {
		note("spec.keys", "give exactly one of jwks, discovery, kubeconfig and hosted")
	}
	if s.TokenReview && s.Keys.Kubeconfig == "" {
		note("spec.tokenReview", "needs spec.keys.kubeconfig, to reach the API server with")
	}
}

func (k ClusterKeys) count() int {
	n := 0
	for _, given := range []bool{k.JWKS != "", k.Discovery, k.Kubeconfig != "", k.Hosted} {
		if given {
			n++
		}
	}
	return n
}

func (s *RoleSpec) check(m *Metadata, note notes) {
	checkName(m, 64, note)
	checkPath(s.Path, note)
	if s.MaxSessionDuration != 0 && (s.MaxSessionDuration < 3600 || s.MaxSessionDuration > 43200) {
		note("spec.maxSessionDuration", "is 3600–43200 seconds, not %d", s.MaxSessionDuration)
	}
	if (s.Trust == nil) == !given(s.TrustPolicy) {
		note("spec", "give exactly one of trust and trustPolicy")
	}
	if t := s.Trust; t != nil {
		if t.Cluster != "" && !identity.ValidClusterName(t.Cluster) {
			note("spec.trust.cluster", "%q is not a cluster's name", t.Cluster)
		}
		if _, err := identity.ParseServiceAccount(t.Namespace, t.ServiceAccount); err != nil {
			note("spec.trust", "%v", err)
		}
		if t.Mechanism != "" && t.Mechanism != IRSA && t.Mechanism != PodIdentity {
			note("spec.trust.mechanism", "is %s or %s, not %q", IRSA, PodIdentity, t.Mechanism)
		}
	}
	checkPolicy("spec.trustPolicy", s.TrustPolicy, note)
	for name, doc := range s.InlinePolicies {
		if name == "" || len(name) > 128 || !only(name, "_+=,.@-") {
			note("spec.inlinePolicies", "%q is not a policy name (1–128 letters, digits and _+=,.@-)", name)
		}
		if !given(doc) {
			note("spec.inlinePolicies."+name, "is empty: a policy document is an object")
		}
		checkPolicy("spec.inlinePolicies."+name, doc, note)
	}
}

func (s *PolicySpec) check(m *Metadata, note notes) {
	checkName(m, 128, note)
	checkPath(s.Path, note)
	if !given(s.Document) {
		note("spec.document", "is required: the policy document")
	}
	checkPolicy("spec.document", s.Document, note)
}

func (s *OIDCProviderSpec) check(_ *Metadata, note notes) {
	if _, err := identity.ParseIssuer(s.URL, identity.IssuerRules{}); err != nil {
		note("spec.url", "%v (an issuer with a port or http:// is registered as a Cluster)", err)
	}
	for i, t := range s.Thumbprints {
		if len(t) != 40 {
			note(fmt.Sprintf("spec.thumbprints[%d]", i), "has %d characters, not 40", len(t))
		}
	}
}

func (s *AssociationSpec) check(_ *Metadata, note notes) {
	if s.Cluster != "" && !identity.ValidClusterName(s.Cluster) {
		note("spec.cluster", "%q is not a cluster's name", s.Cluster)
	}
	if s.Role == "" {
		note("spec.role", "is required: a role's name or ARN")
	} else if !strings.HasPrefix(s.Role, "arn:") && (len(s.Role) > 64 || !only(s.Role, "_+=,.@-")) {
		note("spec.role", "%q is neither a role's name nor an ARN", s.Role)
	}
	if given(s.Policy) && !s.DisableSessionTags {
		note("spec.policy", "needs disableSessionTags: true, as on EKS")
	}
	checkPolicy("spec.policy", s.Policy, note)
}

func (s *ServiceAccountSpec) check(_ *Metadata, note notes) {
	if s.Cluster != "" && !identity.ValidClusterName(s.Cluster) {
		note("spec.cluster", "%q is not a cluster's name", s.Cluster)
	}
}

func checkName(m *Metadata, longest int, note notes) {
	if len(m.Name) > longest || !only(m.Name, "_+=,.@-") {
		note("metadata.name", "has 1–%d letters, digits and _+=,.@-", longest)
	}
}

func checkPath(p string, note notes) {
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if p != "" && (p[0] != '/' || p[len(p)-1] != '/' || len(p) > 512 || strings.ContainsFunc(p, odd)) {
		note("spec.path", "begins and ends with a slash, such as /team/, and has at most 512 printable characters")
	}
}

// given reports whether a document is there; JSON's null counts as left out, as it does for every other field.
func given(doc json.RawMessage) bool { return len(doc) > 0 && string(doc) != "null" }

// checkPolicy sees only that a policy is an object: what it says is read by the server, with the position of any mistake.
func checkPolicy(field string, doc json.RawMessage, note notes) {
	if given(doc) && doc[0] != '{' {
		note(field, "is a policy document: an object with Version and Statement")
	}
}
