package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/podpass/podpass/stsendpoint"
)

// stsSetRun is one run of set.
type stsSetRun struct {
	*app
	*stsSetConfig
	live   *liveLine
	change *stsendpoint.Change
}

// show tells on stderr what is going to be.
func (run *stsSetRun) show(plan *stsendpoint.Plan) {
	for _, a := range plan.Accounts {
		fmt.Fprintf(run.Err, "service account %s: %s\n", a.ServiceAccount(), willBe(a))
	}
	for i := range plan.Steps {
		s := &plan.Steps[i]
		what := string(s.Action)
		if s.IfNeeded {
			what += " if needed"
		}
		fmt.Fprintf(run.Err, "  %-9s %s, %s: %s\n", what, s, count(len(s.Pods), "pod"), s.Why)
	}
	if len(plan.Steps) == 0 {
		fmt.Fprintln(run.Err, "  no pod has to be made anew")
	}
	for _, f := range plan.Warnings {
		fmt.Fprintf(run.Err, "  warning: %s\n", f.Text)
	}
	if len(plan.Presigned) > 0 && plan.Changes() {
		fmt.Fprintln(run.Err, "  presigned S3 URLs:")
		run.showPresigned(run.Err, plan.Presigned, plan.Type)
	}
}

// willBe is an account's change before it is made.
func willBe(a stsendpoint.AccountPlan) string {
	was := "none"
	if a.From != nil {
		was = fmt.Sprintf("%q", *a.From)
	}
	to := "none"
	if a.To != nil {
		to = fmt.Sprintf("%q", *a.To)
	}
	if !a.Changes {
		return "annotation " + stsendpoint.Annotation + " stays " + was
	}
	return fmt.Sprintf("annotation %s: %s -> %s", stsendpoint.Annotation, was, to)
}

func (run *stsSetRun) progress(e stsendpoint.Event) {
	if run.live.live {
		run.live.show("%s: %s", e.Subject, e.Text)
		return
	}
	run.live.say("%s: %s", e.Subject, e.Text)
}

// finish looks at the pods again, prints what was done and what they have, and fails where not all have what was asked for.
func (run *stsSetRun) finish(ctx context.Context, w *stsendpoint.World, plan *stsendpoint.Plan, result *stsendpoint.Result, err error) error {
	looked := false
	if ctx.Err() == nil {
		s, unread := run.change.Read(ctx, w)
		if unread != nil {
			err = errors.Join(err, unread)
		} else {
			result.Confirm(s, run.wish)
			looked = true
		}
	}
	if looked || run.output == formatJSON {
		if err := run.print(result); err != nil {
			return err
		}
	}
	stopped := err // and not the failures of steps, which are among what is not done
	err = errors.Join(err, result.Err())
	if err == nil && len(result.Left) == 0 && result.Confirmed == len(result.Pods) {
		return nil
	}
	var lines []string
	switch {
	case errors.Is(err, context.Canceled):
		lines = append(lines, "interrupted")
	case errors.Is(err, context.DeadlineExceeded):
		lines = append(lines, fmt.Sprintf("not finished within %v", run.timeout))
	case stopped != nil:
		lines = append(lines, stopped.Error())
	}
	if missing := len(result.Pods) - result.Confirmed; missing > 0 {
		lines = append(lines, fmt.Sprintf("%d of %s confirmed: the others do not have what was asked for", result.Confirmed, count(len(result.Pods), "pod")))
	}
	if len(result.Done) > 0 {
		lines = append(lines, "done: "+strings.Join(result.Done, "; "))
	} else {
		lines = append(lines, "done: nothing had to be, or could be, changed")
	}
	for _, text := range result.Left {
		lines = append(lines, "not done: "+text)
	}
	return failed(run.hints(plan, result, err), "%s", strings.Join(lines, "\n"))
}

// hints are how to go on, and how to go back.
func (run *stsSetRun) hints(plan *stsendpoint.Plan, result *stsendpoint.Result, err error) string {
	var out []string
	if apierrors.IsForbidden(err) {
		out = append(out, run.kubectl()+" auth can-i --list -n "+shellPath(run.namespace)+"   # what is missing; docs/sts-endpoint.md has what it takes")
	}
	on := run.again(" --yes")
	if len(result.Left) > 0 && !run.wish.DeletePods && leavesPods(result) {
		out = append(out, on+" --delete-pods   # goes on, and evicts what is listed")
	} else {
		out = append(out, on+"   # goes on")
	}
	if len(result.Done) > 0 {
		out = append(out, run.back(plan)...)
	}
	return strings.Join(out, "\n")
}

// back are the commands that give accounts the type they had, one for those that had the same one.
func (run *stsSetRun) back(plan *stsendpoint.Plan) (commands []string) {
	names := map[string][]string{}
	var order []string
	for _, a := range plan.Accounts {
		if !a.Changes {
			continue
		}
		had := stsendpoint.Default
		if a.From != nil {
			had = stsendpoint.OfAnnotation(*a.From)
		}
		command := fmt.Sprintf("podpass sts-endpoint set %s -n %s serviceaccount", had, a.Namespace)
		if names[command] == nil {
			order = append(order, command)
		}
		names[command] = append(names[command], a.Name)
	}
	for _, command := range order {
		commands = append(commands, command+" "+strings.Join(names[command], " ")+run.stsPlace.again()+" --yes   # goes back")
	}
	return commands
}

func leavesPods(result *stsendpoint.Result) bool {
	for _, o := range result.Steps {
		if o.Action == stsendpoint.Leave && strings.Contains(o.Why, "--delete-pods") {
			return true
		}
	}
	return false
}

func (run *stsSetRun) print(result *stsendpoint.Result) error {
	if run.output == formatJSON {
		return run.output.print(run.Out, result, nil, nil)
	}
	for _, f := range result.Warnings {
		if f.Code == stsendpoint.GlobalNotInjected || f.Code == stsendpoint.RejectedValue || f.Code == stsendpoint.NotInjected {
			fmt.Fprintf(run.Err, "podpass: %s\n", f.Text)
		}
	}
	rows := make([][]string, 0, len(result.Pods))
	for _, p := range result.Pods {
		state := "confirmed"
		if !p.Confirmed {
			state = p.Why
		}
		rows = append(rows, []string{p.Namespace + "/" + p.Name, strings.ToLower(p.Kind) + "/" + p.Workload, p.Shown(), state})
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(run.Out, "no pod is given an identity through these service accounts now")
		return err
	}
	if err := formatTable.print(run.Out, nil, []string{"POD", "OF", stsendpoint.Variable, ""}, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(run.Out, "%d of %s confirmed: %s\n", result.Confirmed, count(len(result.Pods), "pod"), result.Type)
	return err
}
