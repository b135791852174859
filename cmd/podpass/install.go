package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/podpass/podpass/install"
)

const installLong = `Install podpass in a Kubernetes cluster, or upgrade it: server, webhook and agent, in the namespace podpass-system. The cluster is registered with
the server, and agent and webhook have identities of their own; there is no secret to make and no certificate to renew.

  --dry-run   prints the manifests, for kubectl apply -f - or a repository; nothing is asked of the cluster
  --apply     installs or upgrades, waits until every workload is ready, and goes back to what was there before if one does not become so
  neither     shows what would change, and asks

The image is this very binary: podpass image push REPOSITORY puts it where --image looks for it, and its digest is what pods name. What is
installed is what this call says, and the chart's defaults: values of an earlier call count only with --reuse-values.`

const installExample = `  podpass image push registry.example/podpass
  podpass install --apply --cluster-name prod --image registry.example/podpass
  podpass install --dry-run --cluster-name prod --image registry.example/podpass > podpass.yaml
  podpass install --apply --cluster-name edge --image registry.example/podpass --endpoint https://podpass.example:8600 --ca ca.crt
  podpass install --apply --cluster-name prod --image registry.example/podpass -f values.yaml --set webhook.replicas=3`

type installConfig struct {
	clusterConnection
	releaseConfig
	dryRun, apply, reuse                      bool
	besideEKSAgent, takeOwnership, noRollback bool
	output                                    format
}

func (a *app) install() *cobra.Command {
	c := &installConfig{}
	cmd := &cobra.Command{
		Use:     "install [flags]",
		Short:   "Install podpass in a Kubernetes cluster, or upgrade it",
		Long:    installLong,
		Example: installExample,
		Args:    exactly(),
	}
	f := cmd.Flags()
	f.BoolVar(&c.dryRun, "dry-run", false, "print the manifests, and change nothing")
	f.BoolVar(&c.apply, "apply", false, "install or upgrade without asking")
	c.releaseConfig.flags(f)
	f.BoolVar(&c.reuse, "reuse-values", false, "begin with the values of the revision that is deployed")
	c.clusterConnection.flags(f)
	c.clusterConnection.waitFlag(f)
	f.BoolVar(&c.noRollback, "no-rollback", false, "leave what fails as it is, to be looked at")
	f.BoolVar(&c.besideEKSAgent, "beside-eks-agent", false, "install the agent although AWS's is there: on other nodes, or because that one is about to go")
	f.BoolVar(&c.takeOwnership, "take-ownership", false, "make objects part of the release that were applied without one, by kubectl apply say")
	outputFlag(cmd, &c.output)
	cmd.AddCommand(a.installHistory(), a.installRollback(), a.installImages())
	return action(a, cmd, func([]string) []error {
		if c.dryRun && c.apply {
			return []error{errors.New("--dry-run and --apply: give one")}
		}
		return nil
	}, func(ctx context.Context, _ []string) error { return a.runInstall(ctx, c) })
}

func (a *app) runInstall(ctx context.Context, c *installConfig) error {
	values, err := c.values(a, c.reuse)
	if err != nil {
		return err
	}
	if c.dryRun {
		return a.printManifests(ctx, c, values)
	}
	in, err := a.kubernetes(&c.clusterConnection)
	if err != nil {
		return err
	}
	plan, err := in.Plan(ctx, install.Options{
		Values: values, ReuseValues: c.reuse, BesideEKSAgent: c.besideEKSAgent, TakeOwnership: c.takeOwnership, KeepFailed: c.noRollback,
	})
	if err != nil {
		return c.explain(err)
	}
	if !c.apply {
		if !terminal(a.In) {
			if err := a.printPlan(c.output, plan); err != nil {
				return err
			}
			return usage("podpass install --apply   # and the same flags", "nothing was changed")
		}
		a.showInstallation(plan)
		if !a.confirm("Install?") {
			return failed("podpass install --dry-run   # and the same flags: the manifests", "nothing was changed")
		}
	} else {
		a.showInstallation(plan)
	}
	ctx, stop := untilInterrupted(ctx)
	defer stop()
	notes, err := in.Apply(ctx, plan)
	if err != nil {
		return c.explain(err)
	}
	if c.output == formatJSON {
		return c.output.print(a.Out, plan, nil, nil)
	}
	_, err = fmt.Fprintf(a.Out, "%s\n", notes)
	return err
}

// printManifests is --dry-run.
func (a *app) printManifests(ctx context.Context, c *installConfig, values install.Values) error {
	m, err := install.Render(ctx, values, buildVersion())
	if err != nil {
		return c.explain(err)
	}
	if c.output == formatJSON {
		return c.output.print(a.Out, m.List(), nil, nil)
	}
	text, err := m.YAML()
	if err != nil {
		return err
	}
	_, err = a.Out.Write(text)
	return err
}
