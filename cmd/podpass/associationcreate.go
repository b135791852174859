package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// associationSettings are what create and update may set.
type associationSettings struct {
	role, targetRole, policy string
	disableTags              bool
}

func (s *associationSettings) flags(f *pflag.FlagSet) {
	f.StringVar(&s.role, "role", "", "`name` of a role of the cluster's account (with its path, if it has one), or its ARN")
	f.StringVar(&s.targetRole, "target-role", "", "`ARN` of a role, of any account, that is assumed from the first")
	f.BoolVar(&s.disableTags, "disable-session-tags", false, "set none of the six session tags")
	f.StringVar(&s.policy, "policy", "", "session policy: a `file`, or the JSON itself; needs --disable-session-tags")
}

// check reads the policy's file and reports every mistake.
func (s *associationSettings) check() (problems []error) {
	if s.role != "" {
		if _, err := identity.ParseRoleARN(s.role); strings.HasPrefix(s.role, "arn:") && err != nil {
			problems = append(problems, fmt.Errorf("--role %q is not the ARN of a role, such as arn:aws:iam::111122223333:role/web", s.role))
		}
	}
	if s.targetRole != "" {
		if _, err := identity.ParseRoleARN(s.targetRole); err != nil {
			problems = append(problems, fmt.Errorf("--target-role %q is not the ARN of a role, such as arn:aws:iam::444455556666:role/web", s.targetRole))
		}
	}
	if s.policy != "" {
		if !strings.HasPrefix(strings.TrimSpace(s.policy), "{") {
			text, err := readCapped(s.policy, api.MaxInput)
			if err != nil {
				return append(problems, fmt.Errorf("--policy: %w", err))
			}
			s.policy = strings.TrimSpace(string(text))
		}
		if _, err := policy.Parse(s.policy, policy.SessionUse); err != nil {
			problems = append(problems, fmt.Errorf("--policy: %w", err))
		}
	}
	return problems
}

// roleARN is --role as an ARN: a name is one of the cluster's account, as Pod Identity wants it.
func (s *associationSettings) roleARN(ctx context.Context, client *eks.Client, cluster string) (string, error) {
	if s.role == "" || strings.HasPrefix(s.role, "arn:") {
		return s.role, nil
	}
	out, err := client.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: &cluster})
	if err != nil {
		return "", err
	}
	arn, err := identity.ParseARN(aws.ToString(out.Cluster.Arn))
	if err != nil {
		return "", fmt.Errorf("cluster %s: %w", cluster, err)
	}
	return arn.Account().IAM(arn.Partition(), "role/"+strings.TrimPrefix(s.role, "/")).String(), nil
}

type associationCreateConfig struct {
	connectConfig
	associationSettings
	cluster, namespace string
	tags               []string
	token              string
	output             format

	tagMap map[string]string
}

func (a *app) associationCreate() *cobra.Command {
	c := &associationCreateConfig{}
	cmd := &cobra.Command{
		Use:   "create [-n NAMESPACE] SERVICEACCOUNT --role ROLE [flags]",
		Short: "Give a service account a role",
		Long: `Give a service account a role through Pod Identity. The role must trust pods.eks.amazonaws.com with sts:AssumeRole and, unless session tags
are disabled, sts:TagSession; neither namespace nor service account need exist. When the command returns, every server honours it.

Beyond what EKS has, namespace and service account may be globs: * is any run of characters and ? any one. The association that names a service
account goes before all globs. Among globs the namespace counts first; in each a name goes before a glob, and of two globs the one with more
literal characters. "podpass association describe" shows which one a service account has.`,
		Example: `  podpass association create -n shop web --role web
  podpass association create -n 'team-*' '*' --role reader
  podpass association create -n shop web --role web --disable-session-tags --policy read-only.json
  podpass association create -n shop web --role web --target-role arn:aws:iam::444455556666:role/orders`,
		Args: exactly("SERVICEACCOUNT"),
	}
	f := cmd.Flags()
	c.connectConfig.flags(f)
	f.StringVarP(&c.namespace, "namespace", "n", "default", "`namespace` of the service account, or a glob")
	c.clusterFlag(f, &c.cluster, "`name` of the cluster")
	c.associationSettings.flags(f)
	f.StringArrayVar(&c.tags, "tag", nil, "`key=value` of a tag of the association; may be repeated")
	f.StringVar(&c.token, "client-request-token", "", "`text` that makes the same command again no second request (default: a random one)")
	outputFlag(cmd, &c.output)
	return action(a, cmd, func(args []string) []error { return c.check(args[0]) },
		func(ctx context.Context, args []string) error { return a.createAssociation(ctx, c, args[0]) })
}

func (c *associationCreateConfig) check(account string) []error {
	problems := c.associationSettings.check()
	if err := identity.CheckGlobs(c.namespace, account); err != nil {
		problems = append(problems, err)
	}
	if c.role == "" {
		problems = append(problems, errors.New("--role is missing"))
	}
	if c.policy != "" && !c.disableTags {
		problems = append(problems, errors.New("--policy needs --disable-session-tags, as on EKS"))
	}
	c.tagMap = make(map[string]string, len(c.tags))
	for _, text := range c.tags {
		key, value, ok := strings.Cut(text, "=")
		if _, twice := c.tagMap[key]; !ok || key == "" || twice {
			problems = append(problems, fmt.Errorf("--tag %q is not KEY=VALUE, or names a key again", text))
		}
		c.tagMap[key] = value
	}
	return problems
}

func (a *app) createAssociation(ctx context.Context, c *associationCreateConfig, account string) error {
	conn, err := a.connect(ctx, c.connectConfig)
	if err != nil {
		return err
	}
	client := conn.eks()
	role, err := c.roleARN(ctx, client, c.cluster)
	if err != nil {
		return conn.explainAssociation(err, c.cluster, "podpass association create --help")
	}
	in := &eks.CreatePodIdentityAssociationInput{
		ClusterName: &c.cluster, Namespace: &c.namespace, ServiceAccount: &account, RoleArn: &role, TargetRoleArn: given(c.targetRole),
		Policy: given(c.policy), ClientRequestToken: given(c.token),
	}
	if c.disableTags {
		in.DisableSessionTags = &c.disableTags
	}
	if len(c.tagMap) > 0 {
		in.Tags = c.tagMap
	}
	out, err := client.CreatePodIdentityAssociation(ctx, in)
	if refusedWith(err, "ResourceInUseException") {
		return failed(fmt.Sprintf("podpass association update%s -n %s %s --role %s", inCluster(c.cluster), shellPath(c.namespace), shellPath(account), shellPath(c.role)),
			"%w", refusal(err))
	}
	if err != nil {
		return conn.explainAssociation(err, c.cluster, "podpass association create --help")
	}
	view := viewOf(out.Association)
	a.warnOfAll(view)
	return c.output.print(a.Out, view, nil, view.rows())
}

// given is a pointer to a text, nil where it is empty.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
