package grant

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/util/yaml"
	sigs "sigs.k8s.io/yaml"

	"github.com/podpass/podpass/identity"
)

// What a document of `podpass grant -f` says it is.
const (
	Version = "podpass.io/v1alpha1"
	Kind    = "Grant"
)

// document is a grant as a file has it.
type document struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"` // of the service account
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	Spec struct {
		Mechanism           string                     `json:"mechanism"`
		Role                string                     `json:"role"`
		RoleOnly            bool                       `json:"roleOnly"`
		PermissionsBoundary string                     `json:"permissionsBoundary"`
		TargetRole          string                     `json:"targetRole"`
		ManagedPolicies     []string                   `json:"managedPolicies"`
		InlinePolicies      map[string]json.RawMessage `json:"inlinePolicies"`
		WellKnown           []string                   `json:"wellKnown"`
	} `json:"spec"`
}

// Parse reads the YAML or JSON documents of a file strictly, and reports the mistakes of all. namespace is that of documents that name none.
func Parse(text []byte, namespace string) ([]Spec, error) {
	var specs []Spec
	var problems []error
	at := map[identity.ServiceAccount]int{}
	parts := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for n := 1; ; n++ {
		part, err := parts.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && empty(part) {
			continue
		}
		var spec Spec
		if err == nil {
			spec, err = parseOne(part, namespace)
		}
		if err == nil && at[spec.Account] != 0 {
			err = fmt.Errorf("service account %s is that of document %d already", spec.Account, at[spec.Account])
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("document %d: %w", n, err))
			continue
		}
		at[spec.Account] = n
		specs = append(specs, spec)
	}
	if len(specs)+len(problems) == 0 {
		problems = append(problems, errors.New("no document"))
	}
	return specs, errors.Join(problems...)
}

// empty reports whether a part holds comments and white space only.
func empty(part []byte) bool {
	var any any
	return sigs.Unmarshal(part, &any) == nil && any == nil
}

func parseOne(part []byte, namespace string) (Spec, error) {
	var d document
	if err := sigs.UnmarshalStrict(part, &d); err != nil {
		return Spec{}, err
	}
	if d.APIVersion != Version || d.Kind != Kind {
		return Spec{}, fmt.Errorf("it is %s %s, not %s %s", d.APIVersion, d.Kind, Version, Kind)
	}
	if d.Metadata.Namespace == "" {
		d.Metadata.Namespace = namespace
	}
	mechanism, err := ParseMechanism(d.Spec.Mechanism)
	if err != nil {
		return Spec{}, err
	}
	out := Spec{
		Account: identity.ServiceAccount{Namespace: d.Metadata.Namespace, Name: d.Metadata.Name}, Mechanism: mechanism, Role: d.Spec.Role,
		RoleOnly: d.Spec.RoleOnly, Boundary: d.Spec.PermissionsBoundary, TargetRole: d.Spec.TargetRole, Managed: d.Spec.ManagedPolicies, WellKnown: d.Spec.WellKnown,
		Inline: make(map[string]string, len(d.Spec.InlinePolicies)),
	}
	for name, raw := range d.Spec.InlinePolicies {
		out.Inline[name] = string(raw)
	}
	return out, out.Check()
}
