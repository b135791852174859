package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/spf13/cobra"
)

// associationPoll is how often association wait asks.
const associationPoll = 200 * time.Millisecond

type waitConfig struct {
	associationTarget
	timeout time.Duration
	deleted bool
}

func (a *app) associationWait() *cobra.Command {
	c := &waitConfig{}
	cmd := &cobra.Command{
		Use:   "wait " + targetArgument + " [flags]",
		Short: "Wait until every server and webhook honours an association",
		Long: `Wait until every server and every webhook has applied an association's last change; with --deleted, until all of them have forgotten it. Then
a pod that is created gets it, whichever webhook and server it meets.

A change made through Podpass is acknowledged only then, so that there is nothing to wait for after podpass association create; what another
program changed, or a call that was interrupted, is what this command is for. A service account is waited for until it has an association.`,
		Example: `  podpass association wait -n shop web
  podpass association wait a-abcdefghijklmnop1 --timeout 10s
  podpass association wait a-abcdefghijklmnop1 --deleted`,
		Args: exactly("ID or SERVICEACCOUNT"),
	}
	c.bind(cmd)
	cmd.Flags().DurationVar(&c.timeout, "timeout", time.Minute, "how long to wait")
	cmd.Flags().BoolVar(&c.deleted, "deleted", false, "wait until it is gone")
	return action(a, cmd, func(args []string) []error { return c.check(args[0]) }, func(ctx context.Context, _ []string) error {
		conn, err := a.connect(ctx, c.connectConfig)
		if err != nil {
			return err
		}
		w := &associationWaiter{app: a, waitConfig: c, conn: conn}
		done, err := w.wait(ctx)
		if err != nil {
			return err
		}
		return c.output.print(a.Out, done, nil, [][]string{{w.summary(done)}})
	})
}

func (c *waitConfig) check(argument string) []error {
	problems := c.associationTarget.check(argument)
	if c.timeout <= 0 {
		problems = append(problems, fmt.Errorf("--timeout must be more than 0, not %v", c.timeout))
	}
	if c.id == "" && (identity.Globs{Namespace: c.namespace, ServiceAccount: c.account}).Wild() {
		problems = append(problems, errors.New("an association of globs is waited for by its id: podpass association list shows it"))
	}
	return problems
}

// associationWaiter asks until the association is in effect, or gone, everywhere.
type associationWaiter struct {
	app *app
	*waitConfig
	conn  *connection
	shown string // on the terminal
}

// inEffect is what the command prints with -o json.
type inEffect struct {
	ID      string `json:"id,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
	api.AssociationInEffect
}

func (w *associationWaiter) wait(ctx context.Context) (*inEffect, error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	tick := time.NewTicker(associationPoll)
	defer tick.Stop()
	last := &inEffect{}
	for {
		now, done, err := w.ask(ctx)
		switch {
		case err == nil && done:
			return now, nil
		case err == nil:
			last = now
			w.progress(now)
		case ctx.Err() == nil && !passing(err):
			return nil, w.conn.explain(err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, w.late(last)
			}
			return nil, ctx.Err()
		}
	}
}

// ask looks once. Without an id it first looks for the one the service account has, which it then stays with.
func (w *associationWaiter) ask(ctx context.Context) (now *inEffect, done bool, err error) {
	if w.id == "" {
		sa, err := w.conn.GetServiceAccount(ctx, api.ServiceAccountName{Cluster: w.cluster, Namespace: w.namespace, Name: w.account})
		if err != nil {
			return nil, false, err
		}
		if sa.Association == nil {
			return &inEffect{}, w.deleted, nil
		}
		w.id = sa.Association.ID
	}
	out, err := w.conn.GetAssociationInEffect(ctx, w.cluster, w.id)
	if refused := (*api.Error)(nil); w.deleted && errors.As(err, &refused) && refused.Code == api.CodeNotFound {
		return &inEffect{ID: w.id, Deleted: true}, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	return &inEffect{ID: w.id, AssociationInEffect: *out}, out.InEffect && !w.deleted, nil
}

// passing reports whether asking again may help: the server is busy, or a replica has to catch up.
func passing(err error) bool {
	var refused *api.Error
	return errors.As(err, &refused) && refused.Status >= 500
}

// progress says on a terminal what is waited for, whenever that changes.
func (w *associationWaiter) progress(now *inEffect) {
	text := "podpass: waiting for " + w.reason(now) + "\n"
	if terminal(w.app.Err) && text != w.shown {
		fmt.Fprint(w.app.Err, text)
		w.shown = text
	}
}

func (w *associationWaiter) reason(now *inEffect) string {
	switch {
	case w.id == "":
		return fmt.Sprintf("an association of service account %s/%s", w.namespace, w.account)
	case len(now.Pending) > 0:
		return strings.Join(now.Pending, ", ")
	case w.deleted:
		return "association " + w.id + " to be deleted"
	}
	return "an answer about association " + w.id
}

// late is the time-out: who has not followed, and what looks there.
func (w *associationWaiter) late(last *inEffect) error {
	hint := "podpass association wait --help"
	switch {
	case w.id == "":
		hint = createHint(w.cluster, w.namespace, w.account)
	case slices.ContainsFunc(last.Pending, func(id string) bool { return strings.HasPrefix(id, "webhook/") }):
		hint = "kubectl get pods -n podpass-system   # a webhook that is cut off is waited for no longer once its lease has ended"
	case w.deleted && len(last.Pending) == 0:
		hint = "podpass association delete" + inCluster(w.cluster) + " " + w.id
	}
	return failed(hint, "after %v still waiting for %s", w.timeout, w.reason(last))
}

func (w *associationWaiter) summary(done *inEffect) string {
	switch {
	case done.ID == "":
		return fmt.Sprintf("Service account %s/%s has no association", w.namespace, w.account)
	case done.Deleted:
		return fmt.Sprintf("Association %s is gone", done.ID)
	}
	return fmt.Sprintf("Association %s is in effect on %s and %s", done.ID, count(done.Servers, "server"), count(done.Webhooks, "webhook"))
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
