package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/podpass/podpass/api"
	"github.com/spf13/cobra"
)

type applyConfig struct {
	connectConfig
	files               []string
	dryRun, yes, schema bool
	output              format
}

func (a *app) apply() *cobra.Command {
	c := &applyConfig{}
	cmd := &cobra.Command{
		Use:   "apply -f FILE [flags]",
		Short: "Make clusters, roles, policies, providers, associations and service accounts as files say",
		Long: `Make objects as the YAML or JSON documents of files say: all of them, or none where one is refused. Applying the same again changes nothing.
Up to 1000 documents are applied at once.
The differences are shown on standard error before anything is changed, and on a terminal a confirmation is asked for.

Documents have apiVersion podpass.io/v1alpha1 and kind Cluster, Role, Policy, OIDCProvider, Association or ServiceAccount; --schema prints
their JSON schema. A role that one service account may use, with "mechanism: pod-identity" in trust through an association, and without it
through the account's annotation:

  apiVersion: podpass.io/v1alpha1
  kind: Role
  metadata: {name: web}
  spec:
    trust: {cluster: local, namespace: shop, serviceAccount: web}`,
		Example: `  podpass apply -f roles.yaml
  podpass apply -f roles/ --dry-run
  podpass apply --schema > podpass.schema.json`,
		Args: exactly(),
	}
	f := cmd.Flags()
	c.flags(f)
	f.StringArrayVarP(&c.files, "filename", "f", nil, "`file` of documents, directory of such files, or - for standard input; may be repeated")
	f.BoolVar(&c.dryRun, "dry-run", false, "show what would change, and change nothing")
	f.BoolVarP(&c.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&c.schema, "schema", false, "print the JSON schema of the documents")
	outputFlag(cmd, &c.output)
	return action(a, cmd, func([]string) []error {
		if len(c.files) == 0 && !c.schema {
			return []error{errors.New("-f FILE is missing")}
		}
		return nil
	}, func(ctx context.Context, _ []string) error {
		if c.schema {
			_, err := a.Out.Write(api.Schema())
			return err
		}
		return a.applyFiles(ctx, c)
	})
}

func (a *app) applyFiles(ctx context.Context, c *applyConfig) error {
	documents, err := a.readDocuments(c.files)
	if err != nil {
		return err
	}
	conn, err := a.connect(ctx, c.connectConfig)
	if err != nil {
		return err
	}
	plan, err := conn.Apply(ctx, &api.ApplyRequest{Documents: documents, DryRun: true})
	if err != nil {
		return conn.explain(err)
	}
	changed := slices.ContainsFunc(plan.Changes, func(o api.ObjectChange) bool { return o.Action != api.Unchanged })
	showPlan(a.Err, plan)
	switch {
	case c.dryRun:
		fmt.Fprintln(a.Err, "dry run: nothing was changed")
		return a.printChanges(c.output, plan)
	case !changed:
		return a.printChanges(c.output, plan)
	case !c.yes && terminal(a.In) && !a.confirm("Apply these changes?"):
		return failed("podpass apply --yes", "nothing was changed")
	}
	done, err := conn.Apply(ctx, &api.ApplyRequest{Documents: documents})
	if err != nil {
		return conn.explain(err)
	}
	return a.printChanges(c.output, done)
}

// readDocuments reads every file and reports the mistakes of all.
func (a *app) readDocuments(names []string) ([]api.Document, error) {
	var documents []api.Document
	var problems []error
	for _, name := range names {
		files, err := documentFiles(name)
		if err != nil {
			problems = append(problems, err)
		}
		for _, file := range files {
			found, err := a.readDocumentFile(file)
			var mistakes api.Mistakes
			if errors.As(err, &mistakes) {
				for _, m := range mistakes {
					problems = append(problems, fmt.Errorf("%s: %s", file, m))
				}
			} else if err != nil {
				problems = append(problems, err)
			}
			documents = append(documents, found...)
		}
	}
	if len(problems) > 0 {
		return nil, usage("podpass apply --schema   # what documents look like", "%w", errors.Join(problems...))
	}
	return documents, nil
}

func (a *app) readDocumentFile(name string) ([]api.Document, error) {
	var text []byte
	var err error
	if name == "-" {
		text, err = readAllCapped(a.In, "standard input", api.MaxInput)
	} else {
		text, err = readCapped(name, api.MaxInput)
	}
	if err != nil {
		return nil, err
	}
	return api.ParseDocuments(text)
}

// documentFiles are the files a -f names: itself, or those of a directory that hold documents, in the order of their names.
func documentFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if name == "-" || err == nil && !info.IsDir() {
		return []string{name}, nil
	}
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && (ext == ".yaml" || ext == ".yml" || ext == ".json") {
			files = append(files, filepath.Join(name, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no .yaml, .yml or .json file", name)
	}
	return files, nil
}

// showPlan writes what would change, as a diff per object.
func showPlan(w io.Writer, plan *api.ApplyResult) {
	for _, o := range plan.Changes {
		if o.Action == api.Unchanged {
			continue
		}
		fmt.Fprintf(w, "# %s %s: %s\n", o.Kind, objectName(o), o.Action)
		for _, line := range o.Diff {
			fmt.Fprintln(w, line)
		}
	}
}

func (a *app) printChanges(f format, result *api.ApplyResult) error {
	rows := make([][]string, 0, len(result.Changes))
	for _, o := range result.Changes {
		rows = append(rows, []string{string(o.Action), o.Kind, objectName(o), o.ARN})
	}
	return f.print(a.Out, result, []string{"ACTION", "KIND", "NAME", "ARN"}, rows)
}

func objectName(o api.ObjectChange) string {
	if o.Namespace == "" {
		return o.Name
	}
	return o.Namespace + "/" + o.Name
}

// confirm asks on the terminal; anything but y or yes is no.
func (a *app) confirm(question string) bool {
	fmt.Fprintf(a.Err, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(a.In).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
