package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
	"github.com/spf13/pflag"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/cluster"
	"github.com/podpass/podpass/identity"
)

// accountConnection says which AWS account a command is about: a real one, or a podpass server's.
type accountConnection struct {
	dataDir, profile, region string
	installed                bool
	iamRate, eksRate         float64
}

func (c *accountConnection) flags(f *pflag.FlagSet) {
	f.StringVar(&c.profile, "profile", "", "`name` of the AWS profile (default: the SDK's own chain of credentials, AWS_ENDPOINT_URL included)")
	f.StringVar(&c.region, "region", "", "AWS `region` of the cluster (default: that of the profile or the environment)")
	f.StringVar(&c.dataDir, "data-dir", "", "the account is that of the podpass whose `directory` this is, as its administrator")
	f.BoolVar(&c.installed, "installed", false, "the account is that of the podpass installed in the cluster, as its administrator (default for the kubectl plugin, where one is installed)")
	f.Float64Var(&c.iamRate, "iam-rate", 0, "calls a second to IAM that change something, at most (default 5, and 10 that read)")
	f.Float64Var(&c.eksRate, "eks-rate", 0, "calls a second to EKS that change something, at most (default 5, and 10 that read)")
}

// rates have twice as many calls that read as change, as the defaults do.
func (c *accountConnection) rates() account.Rates {
	return account.Rates{IAMRead: 2 * c.iamRate, IAMWrite: c.iamRate, EKSRead: 2 * c.eksRate, EKSWrite: c.eksRate}
}

// flagsAgain are the flags that make another podpass command speak to the same account.
func (c *accountConnection) flagsAgain() string {
	var out strings.Builder
	for _, flag := range [][2]string{{"profile", c.profile}, {"region", c.region}, {"data-dir", c.dataDir}} {
		if flag[1] != "" {
			out.WriteString(" --" + flag[0] + " " + shellPath(flag[1]))
		}
	}
	if c.installed {
		out.WriteString(" --installed")
	}
	return out.String()
}

// openAccount asks whose account it is: one call. Where nothing names one, a kubectl plugin asks the podpass in the cluster before it asks AWS.
func (a *app) openAccount(ctx context.Context, c *accountConnection, k *clusterConnection) (*account.Account, error) {
	settings, err := a.awsConfig(ctx, c, k)
	if err != nil {
		return nil, err
	}
	said := time.Time{}
	out, err := account.Connect(ctx, settings, account.Options{Rates: c.rates(), Waited: func(why string, wait time.Duration) {
		if now := time.Now(); wait >= time.Second && now.Sub(said) > 5*time.Second {
			said = now
			fmt.Fprintf(a.Err, "podpass: waiting %v: %s\n", wait.Round(time.Second), why)
		}
	}})
	return out, a.explainAccount(err, settings)
}

// awsConfig is how the account is reached. Only the way into a cluster makes calls.
func (a *app) awsConfig(ctx context.Context, c *accountConnection, k *clusterConnection) (aws.Config, error) {
	environment := a.env.get("AWS_ENDPOINT_URL") != "" || a.env.get("AWS_PROFILE") != "" || a.env.get("AWS_ACCESS_KEY_ID") != "" || c.profile != ""
	switch {
	case c.dataDir != "" && c.installed:
		return aws.Config{}, usage("podpass cluster list --data-dir "+shellPath(c.dataDir), "--data-dir and --installed name two accounts: give one")
	case c.dataDir != "":
		conn, err := a.connectDataDir(c.dataDir)
		return c.of(conn), err
	case c.installed:
		conn, err := a.connectInCluster(ctx, k)
		return c.of(conn), err
	case a.plugin && !environment:
		conn, err := a.connectInCluster(ctx, k)
		if err == nil {
			c.installed = true
			return c.of(conn), nil
		}
		if !errors.Is(err, cluster.ErrNotInstalled) {
			return aws.Config{}, err
		}
	}
	out, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(callTimeout)), config.WithLogger(logging.Nop{}),
		config.WithSharedConfigProfile(c.profile), config.WithRegion(c.region))
	if err != nil {
		return out, failed("aws configure list", "the AWS settings of the environment: %w", err)
	}
	if out.Region == "" {
		return out, usage("export AWS_REGION=us-west-2   # or --region", "no AWS region is set")
	}
	return out, nil
}

// connectInCluster finds the podpass in the very cluster the command is about.
func (a *app) connectInCluster(ctx context.Context, k *clusterConnection) (*connection, error) {
	settings, err := a.clientConfig(k).ClientConfig()
	if err != nil {
		return nil, usage(k.kubectl()+" config get-contexts", "kubeconfig: %w", err)
	}
	in, err := findIn(ctx, settings, a.contextName(k))
	if err != nil {
		return nil, err
	}
	return in.connect()
}

// of is a connection as the SDK's clients take it.
func (c *accountConnection) of(conn *connection) aws.Config {
	if conn == nil {
		return aws.Config{}
	}
	region := c.region
	if region == "" {
		region = conn.region
	}
	return aws.Config{Region: region, BaseEndpoint: &conn.endpoint, Credentials: conn.credentials, HTTPClient: conn.http}
}

// explainAccount gives an error of the first call the hint that fits it.
func (a *app) explainAccount(err error, settings aws.Config) error {
	var network *url.Error
	switch {
	case err == nil:
		return nil
	case account.Refused(err, "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException"):
		return failed("aws sts get-caller-identity   # are the credentials of the environment still good?", "%w", err)
	case errors.As(err, &network):
		where := "AWS"
		if settings.BaseEndpoint != nil {
			where = *settings.BaseEndpoint
		}
		return failed("aws sts get-caller-identity   # or another account: --profile, --data-dir, --installed, AWS_ENDPOINT_URL", "cannot reach %s: %w", where, network.Err)
	}
	return failed("aws configure list   # or name the account of a podpass: --installed, --data-dir DIR, AWS_ENDPOINT_URL", "no AWS account: %w", err)
}

// clusterOfARN is the name in the ARN of an EKS cluster, "" in any other text.
func clusterOfARN(text string) string {
	arn, err := identity.ParseARN(text)
	if err != nil || arn.Service() != "eks" {
		return ""
	}
	name, _ := strings.CutPrefix(arn.Resource(), "cluster/")
	return name
}
