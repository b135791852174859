package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/upstream"
	"github.com/spf13/cobra"
)

// upstreamFlags say where an upstream account lives.
type upstreamFlags struct {
	mode      string
	endpoints []string
	serves    []string

	insecureHTTP bool
}

func (u *upstreamFlags) bind(cmd *cobra.Command, mode string) {
	f := cmd.Flags()
	f.StringVar(&u.mode, mode, "", "`mode` in which its roles are assumed: web-identity or assume-role")
	f.StringSliceVar(&u.endpoints, "endpoint", nil, "`URL` of its STS, or REGION=URL; again or with commas for those to fail over to (default AWS's, in the installation's region)")
	f.StringSliceVar(&u.serves, "for", nil, "hosted `account` whose clusters may use its roles too, besides the management account's; may be repeated")
	f.BoolVar(&u.insecureHTTP, "insecure-http", false, "admit http:// endpoints off loopback, where everyone on the way can read tokens and credentials")
	oneOf(cmd, mode, api.UpstreamWebIdentity, api.UpstreamAssumeRole)
}

// check finds what the server would refuse, but for what only it knows.
func (u *upstreamFlags) check() (mistakes []error) {
	switch u.mode {
	case "", api.UpstreamWebIdentity, api.UpstreamAssumeRole:
	default:
		mistakes = append(mistakes, fmt.Errorf("mode %q is neither web-identity nor assume-role", u.mode))
	}
	for _, text := range u.endpoints {
		if _, err := upstream.ParseEndpoint(text, anyRegion, u.insecureHTTP); err != nil {
			mistakes = append(mistakes, fmt.Errorf("--endpoint: %w", err))
		}
	}
	for _, text := range u.serves {
		if _, err := identity.ParseAccount(text); err != nil {
			mistakes = append(mistakes, fmt.Errorf("--for: %w", err))
		}
	}
	return mistakes
}

// anyRegion stands for the installation's, which only the server knows.
const anyRegion = "us-west-2"

func (u *upstreamFlags) spec() *api.Upstream {
	if u.mode == "" {
		return nil
	}
	return &api.Upstream{Mode: u.mode, Endpoints: u.endpoints, InsecureHTTP: u.insecureHTTP, For: u.serves}
}

func (a *app) accountUpdate() *cobra.Command {
	var c struct {
		connectConfig
		name     string
		upstream upstreamFlags
		output   format
	}
	cmd := &cobra.Command{
		Use:   "update ACCOUNT [flags]",
		Short: "Change an account's name, or where an upstream account lives and whom it serves",
		Long: `Change an account's name, or an upstream account's mode, endpoints and the accounts it serves. What isn't named stays; a list that is given
replaces the old one, and --for '' leaves the management account alone.`,
		Example: `  podpass account update 444455556666 --endpoint https://sts.us-west-2.amazonaws.com,https://sts.us-east-1.amazonaws.com
  podpass account update 444455556666 --for 222233334444`,
		Args: exactly("ACCOUNT"),
	}
	c.flags(cmd.Flags())
	cmd.Flags().StringVar(&c.name, "name", "", "new `name`")
	c.upstream.bind(cmd, "mode")
	outputFlag(cmd, &c.output)
	in := new(api.UpdateAccountRequest)
	return action(a, cmd, func(args []string) []error {
		mistakes := append(accountNumber(args), c.upstream.check()...)
		changed := cmd.Flags().Changed
		if changed("name") {
			in.Name = &c.name
		}
		if changed("mode") {
			in.Mode = &c.upstream.mode
		}
		if changed("endpoint") {
			in.Endpoints = c.upstream.endpoints
		}
		if changed("insecure-http") {
			in.InsecureHTTP = &c.upstream.insecureHTTP
		}
		if changed("for") {
			in.For = &c.upstream.serves
		}
		if in.Name == nil && in.Mode == nil && len(in.Endpoints) == 0 && in.InsecureHTTP == nil && in.For == nil {
			mistakes = append(mistakes, errors.New("nothing to change: give --name, --mode, --endpoint, --insecure-http or --for"))
		}
		return mistakes
	}, func(ctx context.Context, args []string) error {
		conn, err := a.connect(ctx, c.connectConfig)
		if err != nil {
			return err
		}
		in.ID = args[0]
		out, err := conn.UpdateAccount(ctx, in)
		if err != nil {
			return conn.explain(err)
		}
		return c.output.print(a.Out, out, nil, accountRows(out))
	})
}

func (a *app) accountDelete() *cobra.Command {
	var c struct {
		connectConfig
		output format
	}
	cmd := &cobra.Command{
		Use:     "delete ACCOUNT [flags]",
		Short:   "Forget an upstream account; its roles are refused from then on",
		Example: "  podpass account delete 444455556666",
		Args:    exactly("ACCOUNT"),
	}
	c.flags(cmd.Flags())
	outputFlag(cmd, &c.output)
	return action(a, cmd, accountNumber, func(ctx context.Context, args []string) error {
		conn, err := a.connect(ctx, c.connectConfig)
		if err != nil {
			return err
		}
		out, err := conn.DeleteAccount(ctx, args[0])
		if err != nil {
			return conn.explain(err)
		}
		return c.output.print(a.Out, out, nil, [][]string{{"deleted", out.ID, out.Name}})
	})
}

// accountNumber checks the ACCOUNT argument.
func accountNumber(args []string) []error {
	if _, err := identity.ParseAccount(args[0]); err != nil {
		return []error{fmt.Errorf("%w: podpass account list shows them", err)}
	}
	return nil
}
