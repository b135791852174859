package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/grant"
	"github.com/podpass/podpass/identity"
)

const grantLong = `Give a service account a permission on AWS, whatever that takes: a role, made or adopted, that trusts this one service account of this one cluster;
policies; with IRSA the cluster's OIDC provider in IAM and the account's annotation, with Pod Identity an association; the service account itself. What is
missing is shown, asked about and done, and then proved: a pod of the service account that is never scheduled shows what pods are given, and its token is
exchanged for credentials. Running the same command again changes nothing, and finishes what was interrupted.

A service account that has a role already gets the permission through that one. One that has none gets a role named CLUSTER-NAMESPACE-NAME, or --role.
With --mechanism auto it is Pod Identity where the account's EKS API has the cluster and an agent runs on its nodes, else IRSA.

--target-role is a role of another account (--target-profile has credentials for it), and then the policies are that role's. With Pod Identity the first role
assumes it; with IRSA pods assume it directly.

-f FILE has many: YAML documents of apiVersion podpass.io/v1alpha1 and kind Grant, metadata being that of the service account, spec with mechanism, role,
roleOnly, permissionsBoundary, targetRole, managedPolicies, inlinePolicies (name: document) and wellKnown.

The account is that of the AWS credentials of the environment, or of AWS_ENDPOINT_URL; podpass need not be installed. "podpass revoke" takes the grant back.`

const grantExample = `  podpass grant -n shop web --policy AmazonS3ReadOnlyAccess
  podpass grant -n shop web --policy-file read.json --role shop-web --mechanism irsa
  podpass grant --for aws-load-balancer-controller
  podpass grant -n shop web --policy AmazonSQSFullAccess --target-role arn:aws:iam::444455556666:role/orders --target-profile orders
  podpass grant -f grants.yaml --yes
  podpass grant -n shop web --policy AmazonS3ReadOnlyAccess --output-dir out     # for a repository: changes nothing`

type grantConfig struct {
	grantPlace
	grantWhat
	files                []string
	namespace            string
	outputDir            string
	dryRun, yes, noProof bool
	output               format
}

// grantWhat is the permission, as flags have it.
type grantWhat struct {
	mechanism, role, targetRole, boundary string
	roleOnly                              bool
	managed, policyFiles, wellKnown       []string
}

func (w *grantWhat) flags(f *pflag.FlagSet) {
	f.StringVar(&w.role, "role", "", "`name` or ARN of the role (default: the one the service account has, else one that is made)")
	f.StringVar(&w.targetRole, "target-role", "", "`ARN` or name of a role of another account that has the policies")
	f.StringArrayVar(&w.managed, "policy", nil, "`name` or ARN of a managed policy, AWS's or the account's; may be repeated")
	f.StringArrayVar(&w.policyFiles, "policy-file", nil, "`file` of an inline policy, which is named after it; or NAME=FILE; may be repeated")
	f.StringArrayVar(&w.wellKnown, "for", nil, "the policies that a well-known `controller` needs; may be repeated")
}

func (a *app) grant() *cobra.Command {
	c := &grantConfig{}
	cmd := &cobra.Command{
		Use:     "grant [-n NAMESPACE] SERVICEACCOUNT [flags]\n  podpass grant -f FILE [flags]",
		Short:   "Give a service account a permission on AWS, and prove that it has it",
		Long:    grantLong,
		Example: grantExample,
		Args:    cobra.MaximumNArgs(1),
	}
	f := cmd.Flags()
	f.StringVarP(&c.namespace, "namespace", "n", "", "`namespace` of the service account (default: that of the kubeconfig's context)")
	c.grantWhat.flags(f)
	f.StringVar(&c.mechanism, "mechanism", "auto", "`mechanism`: auto, irsa or pod-identity")
	oneOf(cmd, "mechanism", "auto", string(grant.IRSA), string(grant.PodIdentity))
	f.StringVar(&c.boundary, "permissions-boundary", "", "`ARN` of the policy that bounds a role that is made")
	f.BoolVar(&c.roleOnly, "role-only", false, "leave service account, annotation and association to others")
	f.StringArrayVarP(&c.files, "filename", "f", nil, "`file` of grants, directory of such files, or - for standard input; may be repeated")
	c.grantPlace.flags(f)
	f.StringVar(&c.outputDir, "output-dir", "", "write manifests, policy documents and commands into this `directory`, and change nothing")
	f.BoolVar(&c.dryRun, "dry-run", false, "show what would change, and change nothing")
	f.BoolVarP(&c.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&c.noProof, "no-proof", false, "do not prove it: neither make a pod nor exchange its token")
	outputFlag(cmd, &c.output)
	completeWellKnown(cmd)
	cmd.AddCommand(a.grantControllers())
	return action(a, cmd, func(args []string) []error { return append(c.grantPlace.check(a), c.checkTarget(args)...) },
		func(ctx context.Context, args []string) error { return a.runGrant(ctx, c, args) })
}

// completeWellKnown reads the sets when a shell asks for them, and not whenever podpass starts. The only error is that cmd has no such flag.
func completeWellKnown(cmd *cobra.Command) {
	_ = cmd.RegisterFlagCompletionFunc("for", func(*cobra.Command, []string, string) (names []string, _ cobra.ShellCompDirective) {
		for _, set := range grant.WellKnownSets() {
			names = append(names, set.Name+"\t"+set.About)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

// grantControllers lists the well-known sets.
func (a *app) grantControllers() *cobra.Command {
	var output format
	cmd := &cobra.Command{
		Use: "controllers [flags]", Short: "List the controllers that --for knows, and where their own manifests put them", Args: exactly(),
		Example: `  podpass grant controllers
  podpass grant controllers -o json   # with their policies`,
	}
	outputFlag(cmd, &output)
	return action(a, cmd, nil, func(context.Context, []string) error {
		var rows [][]string
		for _, set := range grant.WellKnownSets() {
			rows = append(rows, []string{set.Name, set.Namespace + "/" + set.ServiceAccount, set.About})
		}
		return output.print(a.Out, grant.WellKnownSets(), []string{"NAME", "SERVICE ACCOUNT", "FOR"}, rows)
	})
}

func (c *grantConfig) checkTarget(args []string) (problems []error) {
	if _, err := grant.ParseMechanism(c.mechanism); err != nil {
		problems = append(problems, fmt.Errorf("--mechanism: %w", err))
	}
	switch {
	case len(c.files) > 0 && (len(args) > 0 || c.what()):
		problems = append(problems, errFileSaysAll)
	case !c.single(args, c.files) && len(c.files) == 0:
		problems = append(problems, errors.New("SERVICEACCOUNT or -f FILE is missing"))
	}
	if c.dryRun && c.outputDir != "" {
		problems = append(problems, errors.New("--dry-run and --output-dir: give one"))
	}
	return problems
}

var errFileSaysAll = errors.New("-f FILE says everything of its grants: leave SERVICEACCOUNT and the flags that say what is granted away")

// what reports whether any flag says what is granted.
func (w *grantWhat) what() bool {
	return w.role != "" || w.targetRole != "" || w.boundary != "" || w.roleOnly || w.mechanism != "" && w.mechanism != "auto" || len(w.managed)+len(w.policyFiles)+len(w.wellKnown) > 0
}

// single reports whether one service account is named: by itself, or as the one of a well-known controller.
func (w *grantWhat) single(args, files []string) bool {
	return len(args) > 0 || len(w.wellKnown) == 1 && len(files) == 0
}

// specs are the grants that are asked for. namespace is that of the kubeconfig's context.
func (a *app) specs(w *grantWhat, namespaceFlag string, files, args []string, namespace string) ([]grant.Spec, error) {
	if len(files) > 0 {
		return a.readGrants(files, namespace)
	}
	spec := grant.Spec{Role: w.role, TargetRole: w.targetRole, Boundary: w.boundary, RoleOnly: w.roleOnly, Managed: w.managed, WellKnown: w.wellKnown}
	spec.Mechanism, _ = grant.ParseMechanism(w.mechanism) // it was checked
	spec.Account.Namespace = namespace
	for _, set := range grant.WellKnownSets() {
		if len(args) == 0 && len(w.wellKnown) == 1 && set.Name == w.wellKnown[0] {
			spec.Account = identity.ServiceAccount{Namespace: set.Namespace, Name: set.ServiceAccount}
		}
	}
	if namespaceFlag != "" {
		spec.Account.Namespace = namespaceFlag
	}
	if len(args) > 0 {
		spec.Account.Name = args[0]
		if ns, name, ok := strings.Cut(args[0], "/"); ok && namespaceFlag == "" {
			spec.Account = identity.ServiceAccount{Namespace: ns, Name: name}
		}
	}
	var err error
	if spec.Inline, err = readPolicies(w.policyFiles); err == nil {
		err = spec.Check()
	}
	if err != nil {
		return nil, usage("podpass grant --help", "%w", err)
	}
	return []grant.Spec{spec}, nil
}

// readPolicies reads FILE or NAME=FILE; without a name it is the file's, less its ending.
func readPolicies(files []string) (map[string]string, error) {
	out := map[string]string{}
	var problems []error
	for _, file := range files {
		name, path, named := strings.Cut(file, "=")
		if !named {
			path = file
			name = file[strings.LastIndexByte(file, '/')+1:]
			name, _, _ = strings.Cut(name, ".")
		}
		text, err := readCapped(path, api.MaxInput)
		if _, twice := out[name]; err == nil && twice {
			err = fmt.Errorf("--policy-file %s: there is another one named %s: give NAME=FILE", file, name)
		}
		if err != nil {
			problems = append(problems, err)
		}
		out[name] = strings.TrimSpace(string(text))
	}
	return out, errors.Join(problems...)
}

func (a *app) readGrants(names []string, namespace string) (specs []grant.Spec, err error) {
	var problems []error
	at := map[identity.ServiceAccount]string{}
	for _, name := range names {
		files, err := documentFiles(name)
		problems = append(problems, err)
		for _, file := range files {
			text, err := a.readManifest(file)
			var found []grant.Spec
			if err == nil {
				found, err = grant.Parse(text, namespace)
			}
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", file, err))
			}
			for _, spec := range found {
				if other := at[spec.Account]; other != "" && other != file {
					problems = append(problems, fmt.Errorf("%s: service account %s is in %s, too", file, spec.Account, other))
				}
				at[spec.Account] = file
			}
			specs = append(specs, found...)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, usage("podpass grant --help   # what the documents look like", "%w", err)
	}
	return specs, nil
}

func (a *app) runGrant(ctx context.Context, c *grantConfig, args []string) error {
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	w, namespace, err := a.grantWorld(ctx, &c.grantPlace)
	if err != nil {
		return err
	}
	specs, err := a.specs(&c.grantWhat, c.namespace, c.files, args, firstOf(c.namespace, namespace))
	if err != nil {
		return err
	}
	run := &grantRun{app: a, world: w, place: &c.grantPlace, verb: "grant", output: c.output}
	plans, err := run.plan(ctx, specs)
	if err != nil {
		return err
	}
	run.show(plans)
	if c.outputDir != "" {
		return a.writeGrants(c, w, plans)
	}
	if c.dryRun {
		return run.print(plans)
	}
	if err := run.ask(plans, c.yes); err != nil {
		return err
	}
	prove := func(ctx context.Context, plan *grant.Plan) (string, error) {
		if plan.Spec.RoleOnly {
			return "", nil
		}
		return grant.Prove(ctx, w, plan)
	}
	if c.noProof {
		prove = nil
	}
	return run.apply(ctx, plans, prove)
}

func firstOf(texts ...string) string {
	i := slices.IndexFunc(texts, func(text string) bool { return text != "" })
	if i < 0 {
		return ""
	}
	return texts[i]
}

func stepsOf(plans []*grant.Plan) (n int) {
	for _, plan := range plans {
		n += len(plan.Steps)
	}
	return n
}

func (a *app) writeGrants(c *grantConfig, w grant.World, plans []*grant.Plan) error {
	written, err := grant.Write(c.outputDir, w, plans)
	if err != nil {
		return failed("ls -ld "+shellPath(c.outputDir), "%w", err)
	}
	rows := make([][]string, len(written))
	for i, path := range written {
		rows[i] = []string{path}
	}
	fmt.Fprintf(a.Err, "nothing was changed; %s does it\n", shellPath(c.outputDir+string(os.PathSeparator)+"apply.sh"))
	return c.output.print(a.Out, map[string][]string{"written": written}, []string{"WRITTEN"}, rows)
}
