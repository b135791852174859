package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/podpass/podpass/stsendpoint"
)

const stsSetLong = `Set which STS the pods of service accounts call: shows what changes and which workloads have to restart, asks, annotates the service accounts, restarts what
has to be, waits, and then looks at every pod again whether it has what was asked for.

  regional   the STS of the pod's region
  global     sts.amazonaws.com, for SDKs that read the setting, in the regions that know it
  default    the cluster's default: takes the annotation away

KIND is serviceaccount, namespace (every account there that has a role or the setting), or a workload, whose service account is meant: all workloads of that
account are concerned. Deployments, StatefulSets and DaemonSets are restarted as by kubectl rollout restart. Everything else is listed, and left to its owner:
pods nobody makes anew, Jobs, workloads that update only what is deleted. --delete-pods evicts those, one at a time, as PodDisruptionBudgets allow.

Interrupted, or stopped half-way by what is not allowed, the same command finishes it, and restarts nothing that is right already. The exit code is 0 only if
every pod has what was asked for.`

const stsSetExample = `  podpass sts-endpoint set regional serviceaccount aws-node -n kube-system
  podpass sts-endpoint set global deployment/web -n shop --dry-run
  podpass sts-endpoint set default namespace shop --yes --delete-pods`

type stsSetConfig struct {
	stsPlace
	target stsTarget
	wish   stsendpoint.Wish
	dryRun bool
	yes    bool
}

func (a *app) stsEndpointSet() *cobra.Command {
	c := &stsSetConfig{}
	cmd := &cobra.Command{
		Use:               "set {regional | global | default} {KIND NAME... | KIND/NAME...} [flags]",
		Short:             "Choose which STS pods call, and restart them",
		Long:              stsSetLong,
		Example:           stsSetExample,
		ValidArgsFunction: a.completeSTSTarget(&c.stsPlace, 1),
	}
	f := cmd.Flags()
	c.bind(cmd, f)
	f.BoolVar(&c.dryRun, "dry-run", false, "show what would change, and change nothing")
	f.BoolVarP(&c.yes, "yes", "y", false, "do not ask")
	f.BoolVar(&c.wish.DeletePods, "delete-pods", false, "evict pods that no rollout replaces; those that nobody makes anew are then gone")
	f.BoolVar(&c.wish.Anyway, "anyway", false, "although pods would not reach STS, or be given a value that SDKs refuse, or new ones no identity now: none that has one is restarted then")
	f.DurationVar(&c.timeout, "timeout", stsTimeout, "how long to wait for the workloads")
	return action(a, cmd, c.check, func(ctx context.Context, _ []string) error { return a.runSTSSet(ctx, c) })
}

func (c *stsSetConfig) check(args []string) []error {
	problems := c.stsPlace.check()
	if c.timeout <= 0 {
		problems = append(problems, fmt.Errorf("--timeout must be more than 0, not %v", c.timeout))
	}
	if len(args) == 0 {
		return append(problems, errors.New("regional, global or default is missing, and what it is for"))
	}
	var err error
	if c.wish.Type, err = stsendpoint.ParseType(args[0]); err != nil {
		problems = append(problems, err)
	}
	if c.target, err = parseSTSTarget(args[1:]); err != nil {
		problems = append(problems, err)
	} else if c.target.kind == "" {
		problems = append(problems, errors.New("what is it for? KIND NAME is missing, such as serviceaccount web, or namespace shop"))
	}
	return problems
}

// again is the command that goes on.
func (c *stsSetConfig) again(flags string) string {
	out := "podpass sts-endpoint set " + string(c.wish.Type) + c.target.words(c.namespace)
	if c.wish.DeletePods {
		out += " --delete-pods"
	}
	if c.wish.Anyway {
		out += " --anyway"
	}
	if c.timeout != stsTimeout {
		out += " --timeout " + c.timeout.String()
	}
	return out + c.stsPlace.again() + flags
}

// stsTimeout is how long workloads are waited for where --timeout says nothing else.
const stsTimeout = 10 * time.Minute

// stsPoll is the time between two looks at a rollout; stsSettle how long a webhook may take to see an annotation.
const (
	stsPoll   = 500 * time.Millisecond
	stsSettle = 10 * time.Second
)

func (a *app) runSTSSet(ctx context.Context, c *stsSetConfig) error {
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	live := newLiveLine(a.Err)
	r, w, err := a.stsReader(ctx, &c.stsPlace, func(text string) { live.show("%s", text) })
	if err != nil {
		return err
	}
	run := &stsSetRun{app: a, stsSetConfig: c, live: live, change: &stsendpoint.Change{
		Reader: r, Wish: c.wish, Now: time.Now, Poll: stsPoll, Settle: stsSettle,
	}}
	run.change.Progress = run.progress
	if run.change.Scopes, err = c.scopes(ctx, r.Cluster); err != nil {
		return c.explain(err)
	}
	if len(run.change.Scopes) == 0 {
		return failed("podpass sts-endpoint get"+c.target.words(c.namespace)+c.stsPlace.again(),
			"no service account there has a role annotation or the setting: name one, with serviceaccount NAME")
	}
	s, err := run.change.Read(ctx, w)
	live.clear()
	if err != nil {
		return c.explain(err)
	}
	plan := stsendpoint.NewPlan(s, c.wish)
	return run.do(ctx, s, plan)
}

// do shows the plan, asks, does it, and looks what has come of it.
func (run *stsSetRun) do(ctx context.Context, s *stsendpoint.Snapshot, plan *stsendpoint.Plan) error {
	run.show(plan)
	for _, text := range s.World.Unseen {
		fmt.Fprintf(run.Err, "podpass: could not look: %s\n", text)
	}
	if err := run.refused(plan); err != nil {
		return err
	}
	if run.dryRun {
		fmt.Fprintln(run.Err, "dry run: nothing was changed")
		if run.output == formatJSON {
			return run.output.print(run.Out, plan, nil, nil)
		}
		return nil
	}
	if plan.Changes() && !run.yes {
		if !terminal(run.In) {
			return usage(run.again(" --yes"), "nothing was changed: there is no terminal to ask at")
		}
		if !run.confirm(run.question(plan, s.World.Host)) {
			return failed(run.again(" --dry-run"), "nothing was changed")
		}
	}
	result := &stsendpoint.Result{Type: plan.Type, Accounts: plan.Accounts, Steps: []stsendpoint.Outcome{}, Warnings: plan.Warnings}
	var err error
	if plan.Changes() {
		within, cancel := context.WithTimeout(ctx, run.timeout)
		result, err = run.change.Apply(within, s, plan)
		cancel()
		run.live.clear()
	}
	return run.finish(ctx, s.World, plan, result, err)
}

// refused says why nothing is done; a program is told by the plan.
func (run *stsSetRun) refused(plan *stsendpoint.Plan) error {
	if len(plan.Refusals) == 0 {
		return nil
	}
	var all []string
	for _, f := range plan.Refusals {
		all = append(all, f.Text)
	}
	if run.output == formatJSON {
		if err := run.output.print(run.Out, plan, nil, nil); err != nil {
			return err
		}
	}
	hint := "podpass sts-endpoint get" + run.getWords() + run.stsPlace.again()
	return usage(hint, "%s\nnothing was changed", strings.Join(all, "\n"))
}

// getWords name for get what set was about: one, or the namespace.
func (run *stsSetRun) getWords() string {
	if len(run.target.names) == 1 {
		return run.target.words(run.namespace)
	}
	return stsTarget{}.words(run.namespace)
}

func (run *stsSetRun) question(plan *stsendpoint.Plan, host string) string {
	accounts, restarts, evictions := 0, 0, 0
	for _, a := range plan.Accounts {
		if a.Changes {
			accounts++
		}
	}
	for _, s := range plan.Steps {
		switch s.Action {
		case stsendpoint.Restart:
			restarts++
		case stsendpoint.Evict:
			evictions += len(s.Pods)
		}
	}
	text := fmt.Sprintf("Change %s and restart %s in %s?", count(accounts, "annotation"), count(restarts, "workload"), host)
	if evictions > 0 {
		text = fmt.Sprintf("Change %s, restart %s and DELETE %s in %s?", count(accounts, "annotation"), count(restarts, "workload"), count(evictions, "pod"), host)
	}
	return text
}
