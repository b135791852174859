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
// a script for each account, which does the rest with the AWS CLI and kubectl and may be run again: apply.sh is the home account's. What it makes bears the
// marks of a grant, so that podpass knows it again. It returns the paths it wrote. Files that are there are replaced.
func Write(dir string, w World, plans []*Plan) (written []string, err error) {
	o := &writer{dir: dir, world: w, scripts: map[identity.Account]*script{}}
	for _, plan := range plans {
		if err := o.plan(plan); err != nil {
			return o.written, err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(o.scripts)) {
		name := "apply-" + string(id) + ".sh"
		if id == w.Home.ID {
			name = "apply.sh"
		}
		if err := o.put(name, o.scripts[id].Bytes(), 0o755); err != nil {
			return o.written, err
		}
	}
	return o.written, nil
}

type writer struct {
	dir     string
	world   World
	scripts map[identity.Account]*script
	written []string
}

// script is that of one account.
type script struct {
	bytes.Buffer
	done map[string]bool // lines that need no repeating
}

const scriptHead = `#!/usr/bin/env bash
# Does by hand what podpass grant would have done in account %[1]s. It may be run again.
set -euo pipefail
cd "$(dirname "$0")"
account=$(aws sts get-caller-identity --query Account --output text)
[ "$account" = %[1]s ] || { echo "these are credentials for account $account, not %[1]s: export AWS_PROFILE=..." >&2; exit 1; }
`

func (o *writer) in(id identity.Account) *script {
	known := o.scripts[id]
	if known == nil {
		known = &script{done: map[string]bool{}}
		fmt.Fprintf(known, scriptHead, id)
		o.scripts[id] = known
	}
	return known
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

// line quotes a command. What stands in it is names that IAM, EKS and Kubernetes have checked, quoted all the same.
func line(args ...string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = arg
		if arg == "" || strings.Trim(arg, "-_./:=,abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != "" {
			quoted[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// run adds a command; the same one twice is one.
func (s *script) run(command string) {
	if !s.done[command] {
		s.WriteString(command + "\n")
	}
	s.done[command] = true
}

// unless adds one for where another one finds nothing.
func (s *script) unless(there, command string) {
	s.run(there + " >/dev/null 2>&1 ||\n  " + command)
}

func (o *writer) plan(p *Plan) error {
	home := o.in(o.world.Home.ID)
	fmt.Fprintf(home, "\n# %s: %s\n", p.Spec.Account, p.Mechanism)
	o.provider(p)
	for _, arn := range []identity.ARN{p.TargetRole, p.Role} {
		if err := o.role(p, arn); err != nil {
			return err
		}
	}
	if p.Spec.RoleOnly {
		return nil
	}
	if err := o.association(p, home); err != nil {
		return err
	}
	return o.serviceAccount(p, home)
}

func (o *writer) provider(p *Plan) {
	in, issuer := o.in(p.Role.Account()), o.world.Cluster.Issuer
	arn := issuer.ProviderARN(p.Role.Partition(), p.Role.Account()).String()
	if p.Documents.Provider {
		in.unless(line("aws", "iam", "get-open-id-connect-provider", "--open-id-connect-provider-arn", arn),
			line("aws", "iam", "create-open-id-connect-provider", "--url", issuer.String(), "--client-id-list", p.Audience, "--tags", tag(createdBy, createdHere)))
	}
	if p.Documents.Audience {
		in.run(line("aws", "iam", "add-client-id-to-open-id-connect-provider", "--open-id-connect-provider-arn", arn, "--client-id", p.Audience))
	}
}

// tag is one in the AWS CLI's shorthand; a value with spaces in it is quoted there, too.
func tag(key, value string) string {
	if strings.Contains(value, " ") {
		value = `"` + value + `"`
	}
	return "Key=" + key + ",Value=" + value
}

func (o *writer) role(p *Plan, arn identity.ARN) error {
	if arn.IsZero() {
		return nil
	}
	text, name, in := arn.String(), arn.ResourceName(), o.in(arn.Account())
	dir := "iam/" + string(arn.Account()) + "/" + name + "/"
	if trust := p.Documents.Trust[text]; trust != "" {
		file := "file://" + dir + "trust-policy.json"
		if err := o.put(dir+"trust-policy.json", indent(trust), 0o644); err != nil {
			return err
		}
		if slices.Contains(p.Documents.NewRoles, text) {
			command := []string{
				"aws", "iam", "create-role", "--role-name", name, "--path", pathOf(arn), "--assume-role-policy-document", file, "--tags", tag(createdBy, createdHere),
			}
			if p.Spec.Boundary != "" {
				command = append(command, "--permissions-boundary", p.Spec.Boundary)
			}
			in.unless(line("aws", "iam", "get-role", "--role-name", name), line(command...))
		} else {
			in.run(line("aws", "iam", "update-assume-role-policy", "--role-name", name, "--policy-document", file))
		}
	}
	if marks := p.Documents.RoleTags[text][p.ID.attachedTag()]; marks != "" {
		in.run(line("aws", "iam", "tag-role", "--role-name", name, "--tags", tag(p.ID.attachedTag(), marks)))
	}
	for _, policy := range p.Documents.Attached[text] {
		in.run(line("aws", "iam", "attach-role-policy", "--role-name", name, "--policy-arn", policy))
	}
	for _, policy := range slices.Sorted(maps.Keys(p.Documents.Inline[text])) {
		if err := o.put(dir+policy+".json", indent(p.Documents.Inline[text][policy]), 0o644); err != nil {
			return err
		}
		in.run(line("aws", "iam", "put-role-policy", "--role-name", name, "--policy-name", policy, "--policy-document", "file://"+dir+policy+".json"))
	}
	return nil
}

func (o *writer) association(p *Plan, home *script) error {
	a, name := p.Documents.Association, p.Spec.Account
	if a == nil {
		return nil
	}
	file := "eks/" + name.Namespace + "/" + name.Name + ".json"
	input := map[string]any{"clusterName": o.world.Cluster.Name, "namespace": name.Namespace, "serviceAccount": name.Name, "roleArn": a.Role, "tags": a.Tags}
	if a.TargetRole != "" {
		input["targetRoleArn"] = a.TargetRole
	}
	text, err := json.Marshal(input)
	if err != nil {
		return err
	}
	there := line("aws", "eks", "list-pod-identity-associations", "--cluster-name", o.world.Cluster.Name, "--namespace", name.Namespace, "--service-account", name.Name,
		"--query", "associations[].associationId", "--output", "text")
	// EKS may not have heard of a role that was made a moment ago.
	home.run("for pause in 1 2 4 8 0; do\n  [ -z \"$(" + there + ")\" ] || break\n  " +
		line("aws", "eks", "create-pod-identity-association", "--cli-input-json", "file://"+file) + " && break\n  [ $pause != 0 ] && sleep $pause || exit 1\ndone")
	return o.put(file, indent(string(text)), 0o644)
}

// serviceAccount is applied by the server, which merges it with what others have set.
func (o *writer) serviceAccount(p *Plan, home *script) error {
	name := p.Spec.Account
	metadata := map[string]any{"name": name.Name, "namespace": name.Namespace}
	if p.Documents.Annotation != "" {
		metadata["annotations"] = map[string]string{roleAnnotation: p.Documents.Annotation, grantedRole: p.Documents.Annotation}
	}
	text, err := sigs.Marshal(map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
	if err != nil {
		return err
	}
	file := "kubernetes/" + name.Namespace + "/" + name.Name + ".yaml"
	home.run(line("kubectl", "apply", "--server-side", "--field-manager=podpass", "-f", file))
	return o.put(file, text, 0o644)
}

func indent(document string) []byte {
	var out bytes.Buffer
	if json.Indent(&out, []byte(document), "", "  ") != nil {
		return []byte(document)
	}
	out.WriteByte('\n')
	return out.Bytes()
}
