package grant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	sigs "sigs.k8s.io/yaml"

	"github.com/podpass/podpass/identity"
)

// Write puts what plans come to into a directory, for those who apply it by other means: policy documents, service accounts' manifests, associations, and
// apply.sh, which does the rest with the AWS CLI and kubectl. It returns the paths it wrote. Files that are there are replaced.
func Write(dir string, w World, plans []*Plan) (written []string, err error) {
	o := &writer{dir: dir, world: w, done: map[string]bool{}}
	o.script.WriteString("#!/usr/bin/env bash\n# Does by hand what podpass grant would have done.\nset -euo pipefail\ncd \"$(dirname \"$0\")\"\n")
	for _, plan := range plans {
		if err := o.plan(plan); err != nil {
			return o.written, err
		}
	}
	return o.written, o.put("apply.sh", o.script.Bytes(), 0o755)
}

type writer struct {
	dir     string
	world   World
	script  bytes.Buffer
	written []string
	done    map[string]bool // lines of the script that need no repeating
}

func (o *writer) put(name string, text []byte, mode os.FileMode) error {
	path := filepath.Join(o.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, text, mode); err != nil {
		return err
	}
	if !slices.Contains(o.written, path) {
		o.written = append(o.written, path)
	}
	return nil
}

// run adds a command; the same one twice is one. What stands in it is names that IAM, EKS and Kubernetes have checked, quoted all the same.
func (o *writer) run(args ...string) {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		if strings.IndexFunc(arg, func(r rune) bool { return !strings.ContainsRune("-_./:=,", r) && !isAlphanumeric(r) }) < 0 {
			quoted[i] = arg
		}
	}
	line := strings.Join(quoted, " ")
	if !o.done[line] {
		o.script.WriteString(line + "\n")
	}
	o.done[line] = true
}

func isAlphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func (o *writer) plan(p *Plan) error {
	name := p.Spec.Account
	fmt.Fprintf(&o.script, "\n# %s: %s\n", name, p.Mechanism)
	if p.Documents.Provider {
		o.run("aws", "iam", "create-open-id-connect-provider", "--url", o.world.Cluster.Issuer.String(), "--client-id-list", identity.STS)
	}
	if err := o.roles(p); err != nil {
		return err
	}
	if p.Spec.RoleOnly {
		return nil
	}
	if a := p.Documents.Association; a != nil {
		file := "eks/" + name.Namespace + "-" + name.Name + ".json"
		input := map[string]any{"clusterName": o.world.Cluster.Name, "namespace": name.Namespace, "serviceAccount": name.Name, "roleArn": a.Role, "tags": a.Tags}
		if a.TargetRole != "" {
			input["targetRoleArn"] = a.TargetRole
		}
		if err := o.json(file, input); err != nil {
			return err
		}
		o.run("aws", "eks", "create-pod-identity-association", "--cli-input-json", "file://"+file)
	}
	return o.serviceAccount(p)
}

func (o *writer) serviceAccount(p *Plan) error {
	name := p.Spec.Account
	manifest := map[string]any{"apiVersion": "v1", "kind": "ServiceAccount"}
	metadata := map[string]any{"name": name.Name, "namespace": name.Namespace}
	if p.Documents.Annotation != "" {
		metadata["annotations"] = map[string]string{roleAnnotation: p.Documents.Annotation}
	}
	manifest["metadata"] = metadata
	text, err := sigs.Marshal(manifest)
	if err != nil {
		return err
	}
	file := "kubernetes/" + name.Namespace + "-" + name.Name + ".yaml"
	o.run("kubectl", "apply", "-f", file)
	return o.put(file, text, 0o644)
}

// roles writes the target role behind the one that assumes it.
func (o *writer) roles(p *Plan) error {
	arns := slices.DeleteFunc([]string{p.Role.String(), p.TargetRole.String()}, func(arn string) bool { return arn == "" })
	for _, text := range arns {
		arn := identity.MustARN(text)
		dir, role := "iam/"+string(arn.Account())+"/"+arn.ResourceName()+"/", arn.ResourceName()
		if trust := p.Documents.Trust[text]; trust != "" {
			if err := o.put(dir+"trust-policy.json", indent(trust), 0o644); err != nil {
				return err
			}
			if slices.Contains(p.Documents.NewRoles, text) {
				command := []string{"aws", "iam", "create-role", "--role-name", role, "--path", pathOf(arn), "--assume-role-policy-document", "file://" + dir + "trust-policy.json"}
				if p.Spec.Boundary != "" {
					command = append(command, "--permissions-boundary", p.Spec.Boundary)
				}
				o.run(command...)
			} else {
				o.run("aws", "iam", "update-assume-role-policy", "--role-name", role, "--policy-document", "file://"+dir+"trust-policy.json")
			}
		}
		for _, policy := range p.Documents.Attached[text] {
			o.run("aws", "iam", "attach-role-policy", "--role-name", role, "--policy-arn", policy)
		}
		for _, name := range slices.Sorted(maps.Keys(p.Documents.Inline[text])) {
			if err := o.put(dir+name+".json", indent(p.Documents.Inline[text][name]), 0o644); err != nil {
				return err
			}
			o.run("aws", "iam", "put-role-policy", "--role-name", role, "--policy-name", name, "--policy-document", "file://"+dir+name+".json")
		}
	}
	return nil
}

func (o *writer) json(name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return o.put(name, indent(string(text)), 0o644)
}

func indent(document string) []byte {
	var out bytes.Buffer
	if json.Indent(&out, []byte(document), "", "  ") != nil {
		return []byte(document)
	}
	out.WriteByte('\n')
	return out.Bytes()
}
