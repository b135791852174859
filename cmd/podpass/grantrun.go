package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/grant"
)

// grantRun is one run of grant or revoke: it plans, shows, applies and tells.
type grantRun struct {
	*app
	world  grant.World
	place  *grantPlace
	verb   string // "grant" or "revoke"
	output format

	mu       sync.Mutex
	outcomes map[*grant.Plan]grant.Outcome
	live     *liveLine
}

// grantView is a grant in -o json. Lists are empty rather than absent.
type grantView struct {
	Namespace      string       `json:"namespace"`
	ServiceAccount string       `json:"serviceAccount"`
	Cluster        string       `json:"cluster"`
	Account        string       `json:"account"`
	Mechanism      string       `json:"mechanism,omitempty"`
	Why            string       `json:"why,omitempty"`
	Role           string       `json:"role,omitempty"`
	TargetRole     string       `json:"targetRole,omitempty"`
	Steps          []grant.Step `json:"steps"`
	Done           int          `json:"done"` // of the steps, from the first
	Kept           []string     `json:"kept,omitempty"`
	Warnings       []string     `json:"warnings,omitempty"`
	Proved         string       `json:"proved,omitempty"` // ARN of the session that a pod's token was exchanged for
	Error          string       `json:"error,omitempty"`
	Undo           string       `json:"undo,omitempty"` // command
}

// plan refuses all where one cannot be: nothing has been changed then.
func (r *grantRun) plan(ctx context.Context, specs []grant.Spec) ([]*grant.Plan, error) {
	r.live = newLiveLine(r.Err)
	plans, errs := grant.NewPlanner(r.world).Plans(ctx, specs, r.verb == "revoke", func(done int) { r.live.show("reading: %d of %d", done, len(specs)) })
	r.live.clear()
	return plans, r.explainAll(errs)
}

// ask asks, unless there is nothing to ask.
func (r *grantRun) ask(plans []*grant.Plan, yes bool) error {
	steps := stepsOf(plans)
	switch {
	case steps == 0 || yes:
		return nil
	case !terminal(r.In):
		return usage(r.repeat("--yes"), "nothing was changed: there is no terminal to ask at")
	case r.confirm(fmt.Sprintf("Make %s in account %s and cluster %s?", count(steps, "change"), r.world.Home.ID, r.world.Cluster.Name)):
		return nil
	case r.verb == "grant":
		return failed(r.repeat("--output-dir", "DIR")+"   # what there is to do, for others to do", "nothing was changed")
	}
	return failed(r.repeat("--dry-run"), "nothing was changed")
}

// explainAll tells every mistake, with the hint of the first that has one.
func (r *grantRun) explainAll(errs []error) error {
	err := errors.Join(errs...)
	var conflict *grant.ConflictError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &conflict):
		return failed(r.placed(conflict.Hint), "%w; nothing was changed", err)
	case errors.Is(err, context.Canceled):
		return failed(r.repeat(), "interrupted; nothing was changed")
	case account.Denied(err):
		return failed("aws sts get-caller-identity   # whoever it is may not look at it; docs/grant.md has what it takes", "%w; nothing was changed", err)
	case apierrors.IsForbidden(err):
		return failed(r.place.kubectl()+" auth whoami   # may not look at it", "%w; nothing was changed", err)
	}
	return failed("podpass "+r.verb+" --help", "%w; nothing was changed", err)
}

// placed makes the hints of a refusal, which know what is wrong and not where, commands about the same cluster and account.
func (r *grantRun) placed(hint string) string {
	lines := strings.Split(hint, "\n")
	for i, text := range lines {
		command, comment, commented := strings.Cut(text, "   #")
		if !strings.HasPrefix(command, "podpass grant") && !strings.HasPrefix(command, "podpass revoke") {
			continue
		}
		place := r.place.again()
		if strings.Contains(command, "--target-profile") {
			place = strings.ReplaceAll(place, " --target-profile "+shellPath(r.place.targetProfile), "")
		}
		if lines[i] = command + place; commented {
			lines[i] += "   #" + comment
		}
	}
	return strings.Join(lines, "\n")
}

// show tells what is going to be, on stderr.
func (r *grantRun) show(plans []*grant.Plan) {
	fmt.Fprintf(r.Err, "account %s as %s, cluster %s\n", r.world.Home.ID, r.world.Home.Caller, r.world.Cluster.Name)
	for _, plan := range plans {
		head := plan.Spec.Account.String()
		if plan.Mechanism != "" {
			head += ": " + string(plan.Mechanism) + ", " + plan.Why
		}
		if len(plan.Steps) == 0 {
			head += ": nothing to change"
		}
		fmt.Fprintln(r.Err, head)
		for _, step := range plan.Steps {
			fmt.Fprintln(r.Err, "  "+step.String())
			r.showDocument(step, len(plans))
		}
		for _, kept := range plan.Kept {
			fmt.Fprintln(r.Err, "  keep "+kept)
		}
		for _, warning := range plan.Warnings {
			fmt.Fprintln(r.Err, "  warning: "+warning)
		}
	}
}

// showDocument shows what a step writes, unless there are so many plans that nobody would read it: -o json and --output-dir have it all.
func (r *grantRun) showDocument(step grant.Step, plans int) {
	const most = 3
	var pretty bytes.Buffer
	if plans <= most && step.Document != nil && json.Indent(&pretty, step.Document, "      + ", "  ") == nil {
		fmt.Fprintln(r.Err, "      + "+pretty.String())
	}
}

// apply does it, with a line of progress for every step on stderr.
func (r *grantRun) apply(ctx context.Context, plans []*grant.Plan, prove func(context.Context, *grant.Plan) (string, error)) error {
	r.outcomes = map[*grant.Plan]grant.Outcome{}
	shown := map[*grant.Plan]int{} // of what is kept: some of it turns out when it comes to it
	for _, plan := range plans {
		shown[plan] = len(plan.Kept)
	}
	total, began, done := stepsOf(plans), time.Now(), 0
	r.live.show("0 of %s", count(total, "change"))
	grant.Apply(ctx, plans, r.verb == "grant", func(plan *grant.Plan, step grant.Step) {
		r.mu.Lock()
		defer r.mu.Unlock()
		done++
		r.live.say("%s: %s", plan.Spec.Account, step)
		r.live.show("%d of %s, %d of %s, %v", done, count(total, "change"), len(r.outcomes), count(len(plans), r.verb), time.Since(began).Round(time.Second))
	}, prove, func(plan *grant.Plan, out grant.Outcome) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.outcomes[plan] = out
		r.live.show("%d of %s, %d of %s, %v", done, count(total, "change"), len(r.outcomes), count(len(plans), r.verb), time.Since(began).Round(time.Second))
	})
	r.live.clear()
	for _, plan := range plans {
		for _, kept := range plan.Kept[shown[plan]:] {
			fmt.Fprintf(r.Err, "%s: kept %s\n", plan.Spec.Account, kept)
		}
	}
	if err := r.print(plans); err != nil {
		return err
	}
	return r.failure(plans)
}

// typed is a command as the user types it: as kubectl's plugin, or not. Hints are made so where errors are reported.
func (r *grantRun) typed(command string) string {
	if r.plugin {
		return "kubectl " + command
	}
	return command
}

func (r *grantRun) undo(plan *grant.Plan) string {
	name := plan.Spec.Account
	return fmt.Sprintf("podpass revoke -n %s %s%s", name.Namespace, name.Name, r.place.again())
}

func (r *grantRun) view(plan *grant.Plan) grantView {
	out := grantView{
		Namespace: plan.Spec.Account.Namespace, ServiceAccount: plan.Spec.Account.Name, Cluster: r.world.Cluster.Name, Account: string(r.world.Home.ID),
		Mechanism: string(plan.Mechanism), Why: plan.Why, Role: plan.Role.String(), TargetRole: plan.TargetRole.String(), Steps: plan.Steps, Kept: plan.Kept,
		Warnings: plan.Warnings,
	}
	if out.Steps == nil {
		out.Steps = []grant.Step{}
	}
	if r.verb == "grant" {
		out.Undo = r.typed(r.undo(plan))
	}
	if end, ended := r.outcomes[plan]; ended {
		out.Done, out.Proved = end.Done, end.Caller
		if err := errors.Join(end.Err, end.Proof); err != nil {
			out.Error = err.Error()
		}
	}
	return out
}

// print prints what was done or, where nothing was applied, what would be.
func (r *grantRun) print(plans []*grant.Plan) error {
	if r.outcomes == nil {
		fmt.Fprintln(r.Err, "dry run: nothing was changed")
	}
	views := make([]grantView, len(plans))
	rows := make([][]string, len(plans))
	for i, plan := range plans {
		views[i] = r.view(plan)
		v := &views[i]
		state := r.state(plan)
		rows[i] = []string{plan.Spec.Account.String(), v.Mechanism, firstOf(v.TargetRole, v.Role), state, firstOf(v.Proved, "-")}
		if r.verb == "revoke" {
			rows[i] = []string{plan.Spec.Account.String(), firstOf(v.Role, "-"), state}
		}
	}
	if r.output == formatJSON {
		return r.output.print(r.Out, map[string]any{r.verb + "s": views}, nil, nil)
	}
	heading := []string{"SERVICE ACCOUNT", "MECHANISM", "ROLE", "STATE", "PROVED BY"}
	if r.verb == "revoke" {
		heading = []string{"SERVICE ACCOUNT", "ROLE", "STATE"}
	}
	if err := r.output.print(r.Out, nil, heading, rows); err != nil {
		return err
	}
	if r.verb == "grant" && len(plans) == 1 && r.outcomes != nil {
		fmt.Fprintf(r.Err, "to take it back: %s\n", r.typed(r.undo(plans[0])))
	}
	return nil
}

func (r *grantRun) state(plan *grant.Plan) string {
	end, ended := r.outcomes[plan]
	past := map[string]string{"grant": "granted", "revoke": "revoked"}[r.verb]
	switch {
	case !ended && len(plan.Steps) == 0:
		return "unchanged"
	case !ended:
		return count(len(plan.Steps), "change") + " to make"
	case end.Err != nil:
		return fmt.Sprintf("failed after %d of %s", end.Done, count(len(plan.Steps), "change"))
	case end.Proof != nil:
		return past + ", not proved"
	case len(plan.Steps) == 0 && r.verb == "revoke":
		return "nothing to revoke"
	case len(plan.Steps) == 0:
		return past + " already"
	}
	return past
}

// failure says what was done, what was not, and how to go on or back.
func (r *grantRun) failure(plans []*grant.Plan) error {
	var text []string
	var proof *grant.ProofError
	failures := 0
	var first *grant.Plan
	for _, plan := range plans {
		end := r.outcomes[plan]
		if end.Err == nil && end.Proof == nil {
			continue
		}
		if first == nil {
			first = plan
		}
		name := plan.Spec.Account
		if end.Err == nil {
			errors.As(end.Proof, &proof)
			text = append(text, fmt.Sprintf("%s: granted, and not proved: %v", name, end.Proof))
			continue
		}
		failures++
		text = append(text, fmt.Sprintf("%s: %v", name, end.Err))
		for i, step := range plan.Steps {
			state := "done"
			if i >= end.Done {
				state = "not done"
			}
			text = append(text, fmt.Sprintf("%s:   %s: %s", name, state, step))
		}
	}
	if first == nil {
		return nil
	}
	again := r.repeat() + "   # goes on where this one stopped"
	switch {
	case failures == 0 && proof != nil && !proof.Refused:
		again = r.repeat("--no-proof") + "   # does without the proof"
	case failures == 0:
		again = r.repeat() + "   # tries the proof again"
	}
	if r.verb == "grant" {
		again += "\n" + r.undo(first) + "   # or takes back what was done"
	}
	return failed(again, "%s", strings.Join(text, "\n"))
}
