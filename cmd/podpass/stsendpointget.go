package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/podpass/podpass/stsendpoint"
)

type stsGetConfig struct {
	stsPlace
	all, allPods bool
	target       stsTarget
}

func (a *app) stsEndpointGet() *cobra.Command {
	c := &stsGetConfig{}
	cmd := &cobra.Command{
		Use:   "get [KIND NAME | KIND/NAME] [flags]",
		Short: "Say which STS pods call, and why",
		Long: `Say which STS the containers of pods call, regional, global or the default, and why: the variable AWS_STS_REGIONAL_ENDPOINTS in the running pod and who set
it, the service account's annotation, the cluster's default by its Kubernetes and platform version, and the SDK's own default where that is known. With
it come the pod's node and region, what is odd (pods older than the annotation, values that SDKs refuse, regions and networks without a way to the global
STS), and what presigned S3 URLs look like.

KIND is pod, deployment, statefulset, daemonset, job, cronjob, serviceaccount or namespace. Without any it is the pods of the namespace that have an AWS
identity or the setting; --all-pods shows the others, too.

What new pods would be given is asked of the API server by dry runs, which make nothing; --no-trial leaves them out. Secrets are never read.`,
		Example: `  podpass sts-endpoint get -n shop
  podpass sts-endpoint get pod aws-node-6mfgv -n kube-system
  podpass sts-endpoint get -A -o json`,
		ValidArgsFunction: a.completeSTSTarget(&c.stsPlace, 0),
	}
	f := cmd.Flags()
	c.bind(cmd, f)
	f.BoolVarP(&c.all, "all-namespaces", "A", false, "everything in the cluster")
	f.BoolVar(&c.allPods, "all-pods", false, "pods that have nothing to do with AWS, too")
	return action(a, cmd, c.check, func(ctx context.Context, _ []string) error { return a.runSTSGet(ctx, c) })
}

func (c *stsGetConfig) check(args []string) []error {
	problems := c.stsPlace.check()
	var err error
	if c.target, err = parseSTSTarget(args); err != nil {
		problems = append(problems, err)
	}
	if len(c.target.names) > 1 {
		problems = append(problems, errors.New("one at a time, or all of a namespace"))
	}
	if c.all && (c.namespace != "" || c.target.kind != "") {
		problems = append(problems, errors.New("--all-namespaces is everything: leave -n and KIND NAME away"))
	}
	return problems
}

func (c *stsGetConfig) scope() stsendpoint.Scope {
	scope := stsendpoint.Scope{Namespace: c.namespace}
	switch {
	case c.all:
		scope.Namespace = ""
	case c.target.kind == "Namespace":
		scope.Namespace = c.target.names[0]
	case c.target.kind == "Pod":
		scope.Pod = c.target.names[0]
	case c.target.kind == "ServiceAccount":
		scope.Accounts = c.target.names
	case c.target.kind != "":
		scope.Kind, scope.Workload = c.target.kind, c.target.names[0]
	}
	return scope
}

func (a *app) runSTSGet(ctx context.Context, c *stsGetConfig) error {
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	live := newLiveLine(a.Err)
	r, w, err := a.stsReader(ctx, &c.stsPlace, func(text string) { live.show("%s", text) })
	if err != nil {
		return err
	}
	s, err := r.Read(ctx, w, c.scope())
	live.clear()
	if err != nil {
		return c.explain(err)
	}
	report := s.Report(c.sdkGiven(), c.allPods || c.target.kind == "Pod")
	if err := c.missing(s); err != nil {
		return err
	}
	if len(s.Accounts) == 0 && len(s.Pods) == 0 && !c.all { // every namespace has an account soon after it is made
		if err := c.noNamespace(ctx, r.Cluster, c.namespace); err != nil {
			return err
		}
	}
	if c.output == formatJSON {
		return c.output.print(a.Out, report, nil, nil)
	}
	return a.showSTSReport(report, c.all)
}

// missing says that what was named is not there.
func (c *stsGetConfig) missing(s *stsendpoint.Snapshot) error {
	if c.target.kind == "" {
		return nil
	}
	name, there := c.target.names[0], len(s.Pods) > 0
	switch c.target.kind {
	case "Namespace":
		there = there || len(s.Accounts) > 0 // every namespace has the account "default"
	case "ServiceAccount":
		for _, a := range s.Accounts {
			there = there || a.Exists
		}
	case "Pod":
	default:
		there = there || s.Inventory.Named(c.target.kind, c.namespace, name) != nil
		if err := s.Inventory.Unread(c.target.kind); err != nil && !there {
			return c.explain(err)
		}
	}
	if there {
		return nil
	}
	kind := strings.ToLower(c.target.kind)
	if kind == "namespace" {
		return c.unknownNamespace(name)
	}
	return failed(c.kubectl()+" get "+kind+" -n "+shellPath(c.namespace), "namespace %s has no %s %s", c.namespace, kind, name)
}

// explain gives an error of a cluster the hint that fits it.
func (c *stsPlace) explain(err error) error {
	var network *url.Error
	var own *failure
	switch {
	case err == nil || errors.As(err, &own):
		return err
	case errors.Is(err, context.Canceled):
		return failed("podpass sts-endpoint --help", "interrupted")
	case apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err):
		return failed(c.kubectl()+" auth can-i --list -n "+shellPath(c.namespace)+"   # docs/sts-endpoint.md says which rights it takes", "%w", err)
	case errors.As(err, &network):
		return failed(c.kubectl()+" cluster-info", "the API server cannot be reached: %w", err)
	}
	return failed(c.kubectl()+" get pods -n "+shellPath(c.namespace), "%w", err)
}

// showSTSReport is the report for a person.
func (a *app) showSTSReport(r *stsendpoint.Report, everywhere bool) error {
	a.showSTSPods(r, everywhere)
	a.showSTSAccounts(r)
	fmt.Fprintf(a.Out, "\nCLUSTER  %s, default %s\n  %s\n", r.Cluster.Version, r.Cluster.Default, r.Cluster.Why)
	if len(r.Presigned) > 0 {
		fmt.Fprintln(a.Out, "\nPRESIGNED S3 URLS")
		a.showPresigned(a.Out, r.Presigned, "")
	}
	a.showSTSFindings(r)
	for _, text := range r.CouldNotLook {
		fmt.Fprintf(a.Err, "podpass: could not look: %s\n", text)
	}
	return nil
}

func (a *app) showSTSPods(r *stsendpoint.Report, everywhere bool) {
	if len(r.Pods) == 0 {
		fmt.Fprintln(a.Out, "no pod has an AWS identity or the setting (--all-pods shows every pod)")
		return
	}
	heading := []string{"POD", "CONTAINER", "NODE", "REGION", "TYPE", "VALUE", "CALLS", "WHY"}
	if everywhere {
		heading = slices.Insert(heading, 0, "NAMESPACE")
	}
	var rows [][]string
	for _, p := range r.Pods {
		for _, c := range p.Containers {
			row := []string{p.Name, c.Name, dash(p.Node), dash(p.Region), string(c.Type), dash(c.Value), calls(c), c.Why}
			if everywhere {
				row = slices.Insert(row, 0, p.Namespace)
			}
			rows = append(rows, row)
		}
	}
	_ = formatTable.print(a.Out, nil, heading, rows)
	said := map[string]bool{}
	for _, p := range r.Pods {
		for _, c := range p.Containers {
			if text := calls(c) + ": " + c.Called; c.Called != "" && !said[text] {
				said[text] = true
				fmt.Fprintf(a.Out, "  %s\n", text)
			}
		}
	}
}

func (a *app) showSTSAccounts(r *stsendpoint.Report) {
	if len(r.Accounts) == 0 {
		return
	}
	fmt.Fprintln(a.Out)
	var rows [][]string
	for _, sa := range r.Accounts {
		annotation := "-"
		if sa.Annotation != nil {
			annotation = *sa.Annotation
		}
		rows = append(rows, []string{sa.Namespace + "/" + sa.Name, annotation, string(sa.Type), sa.Why, dash(sa.Managed)})
	}
	_ = formatTable.print(a.Out, nil, []string{"SERVICE ACCOUNT", "ANNOTATION", "ASKS FOR", "NEW PODS", "KEPT BY"}, rows)
}

// calls is the host a container calls, and the SDK by which that is known.
func calls(c stsendpoint.ContainerReport) string {
	host := firstOf(c.Endpoint, "?")
	if c.SDK != "" {
		host += " (" + c.SDK + ")"
	}
	return host
}

func dash(text string) string { return firstOf(text, "-") }
