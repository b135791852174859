package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/podpass/podpass/stsendpoint"
)

func (a *app) stsEndpoint() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sts-endpoint",
		Short: "See, and choose, which AWS STS pods call: their region's or the global one",
		Long: `See, and choose, which AWS STS the pods of a cluster call: the one of their region, or the global one. On EKS and everywhere else where a webhook injects
credentials; podpass need not be installed. docs/sts-endpoint.md has the whole of it.`,
		Example: `  podpass sts-endpoint get -n shop
  podpass sts-endpoint set regional serviceaccount web -n shop`,
		RunE: a.group,
		Args: cobra.ArbitraryArgs,
	}
	cmd.AddCommand(a.stsEndpointGet(), a.stsEndpointSet())
	return cmd
}

// stsPlace says where get and set look: in a cluster, and in the AWS account it belongs to, if that is to be had.
type stsPlace struct {
	clusterConnection
	accountConnection
	namespace, sdk     string
	noAccount, noTrial bool
	output             format
}

func (c *stsPlace) bind(cmd *cobra.Command, f *pflag.FlagSet) {
	f.StringVarP(&c.namespace, "namespace", "n", "", "`namespace` (default: that of the kubeconfig's context)")
	c.clusterConnection.flags(f)
	c.clusterConnection.rateFlag(f)
	c.accountConnection.flags(f)
	f.BoolVar(&c.noAccount, "no-account", false, "do not ask the AWS account: platform version, network and opt-in regions are then not known")
	f.BoolVar(&c.noTrial, "no-trial", false, "do not ask the API server, by dry runs of pods, what new pods would be given")
	f.StringVar(&c.sdk, "sdk", "", "`name` of the SDK the containers are built with, where their images don't tell")
	var names []string
	for _, sdk := range stsendpoint.SDKs() {
		names = append(names, sdk.Name+"\t"+sdk.Title)
	}
	oneOf(cmd, "sdk", names...)
	outputFlag(cmd, &c.output)
}

func (c *stsPlace) check() (problems []error) {
	if _, ok := stsendpoint.SDKNamed(c.sdk); c.sdk != "" && !ok {
		var names []string
		for _, sdk := range stsendpoint.SDKs() {
			names = append(names, sdk.Name)
		}
		problems = append(problems, fmt.Errorf("--sdk %q is none of %s", c.sdk, strings.Join(names, ", ")))
	}
	if c.noAccount && (c.profile != "" || c.dataDir != "" || c.installed) {
		problems = append(problems, errors.New("--no-account: leave --profile, --data-dir and --installed away"))
	}
	return problems
}

// again are the flags that make another call speak of the same place.
func (c *stsPlace) again() string {
	out := c.clusterConnection.flagsAgain() + c.accountConnection.flagsAgain()
	if c.noAccount {
		out += " --no-account"
	}
	if c.noTrial {
		out += " --no-trial"
	}
	if c.sdk != "" {
		out += " --sdk " + c.sdk
	}
	if c.output == formatJSON {
		out += " -o json"
	}
	return out
}

// sdkGiven is nil where each image is to say it.
func (c *stsPlace) sdkGiven() *stsendpoint.SDK {
	if sdk, ok := stsendpoint.SDKNamed(c.sdk); ok {
		return &sdk
	}
	return nil
}

// accountPatience bounds how long the account is asked: what it would say is of use, and nothing waits for it.
const accountPatience = 20 * time.Second

// stsReader connects. An account that cannot be had is told of, and done without.
func (a *app) stsReader(ctx context.Context, c *stsPlace, progress func(string)) (*stsendpoint.Reader, *stsendpoint.World, error) {
	kube, namespace, err := a.kubeClient(&c.clusterConnection)
	if err != nil {
		return nil, nil, err
	}
	if c.namespace == "" {
		c.namespace = namespace
	}
	if _, err := kube.Facts().Version(ctx); err != nil { // before an account is looked for, which may take longer to fail
		return nil, nil, c.explain(err)
	}
	r := &stsendpoint.Reader{Cluster: kube, NoTrials: c.noTrial, Progress: progress}
	unseen := ""
	short, done := context.WithTimeout(ctx, accountPatience)
	defer done()
	if !c.noAccount {
		home, err := a.openAccount(short, &c.accountConnection, &c.clusterConnection)
		if err != nil {
			unseen = fmt.Sprintf("the cluster in its AWS account: %v", err)
		} else {
			r.Cloud = &stsendpoint.Cloud{
				Region: home.Region, Issuer: kube.Facts().Issuer, Hint: a.eksClusterHint(&c.clusterConnection), Clusters: home.Clusters(), Network: home.Network(),
			}
		}
	}
	w, err := r.World(ctx)
	if err != nil {
		return nil, nil, c.explain(err)
	}
	if unseen != "" {
		w.Unseen = append(w.Unseen, unseen)
	}
	return r, w, nil
}
