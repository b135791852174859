package main

import (
	"context"
	"time"

	"github.com/podpass/podpass/api"
	"github.com/spf13/cobra"
)

func (a *app) whois() *cobra.Command {
	var c struct {
		connectConfig
		output format
	}
	cmd := &cobra.Command{
		Use:   "whois ACCESS_KEY_ID [flags]",
		Short: "Say which service account, pod and role an access key belongs to",
		Long: `Say whose access key it is: the user of a long-term key (AKIA…), or of a session's (ASIA…) the role, the service account and the pod that got
it, when, and which statement of the trust policy allowed it. AWS's own logs show such an id for every call.`,
		Example: `  podpass whois ASIAIOSFODNN7EXAMPLE
  podpass whois ASIAIOSFODNN7EXAMPLE -o json`,
		Args: exactly("ACCESS_KEY_ID"),
	}
	c.flags(cmd.Flags())
	outputFlag(cmd, &c.output)
	return action(a, cmd, nil, func(ctx context.Context, args []string) error {
		conn, err := a.connect(ctx, c.connectConfig)
		if err != nil {
			return err
		}
		who, err := conn.Whois(ctx, args[0])
		if err != nil {
			return conn.explain(err)
		}
		return c.output.print(a.Out, who, nil, whoisRows(who))
	})
}

// whoisRows are the fields that are known, one a line.
func whoisRows(w *api.Whois) [][]string {
	account := ""
	if w.ServiceAccount != "" {
		account = w.Namespace + "/" + w.ServiceAccount
	}
	var rows [][]string
	for _, r := range [][2]string{
		{"Access key", w.AccessKeyID},
		{"Account", w.Account},
		{"User", w.User},
		{"Role", w.Role},
		{"Session name", w.SessionName},
		{"Cluster", w.Cluster},
		{"Service account", account},
		{"Pod", w.Pod},
		{"Pod uid", w.PodUID},
		{"Issuer", w.Issuer},
		{"Subject", w.Subject},
		{"Asked for by", w.Caller},
		{"From", w.SourceIP},
		{"Allowed by", w.Statement},
		{"Issued", stamp(w.Issued)},
		{"Expires", stamp(w.Expires)},
		{"Request", w.RequestID},
	} {
		if r[1] != "" {
			rows = append(rows, r[:])
		}
	}
	return rows
}

// stamp is a time in a table.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
