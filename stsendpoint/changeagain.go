package stsendpoint

import (
	"context"
	"errors"
	"fmt"
)

// waitedInVain restarts what was only waited for, and whose pods still are not what they are to be: the rollout had made some of them before the annotation
// was set.
func (c *Change) waitedInVain(ctx context.Context, w *World, out *Result) error {
	if !out.waited() {
		return nil
	}
	s, err := c.Read(ctx, w)
	if err != nil {
		return err
	}
	now := NewPlan(s, c.Wish)
	for i := range now.Steps {
		step := now.Steps[i]
		for k := range out.Steps {
			o := &out.Steps[k]
			if o.Result == resultRolledOut && o.workload.UID == step.workload.UID && step.Action == Restart {
				*o = c.step(ctx, step)
				if o.Err != nil {
					out.Left = append(out.Left, fmt.Sprintf("%s of %s: %v", o.Action, &o.Step, o.Err))
				} else {
					out.Done = append(out.Done, o.Step.String()+" "+o.Result)
				}
			}
		}
	}
	return nil
}

func (r *Result) waited() bool {
	for _, o := range r.Steps {
		if o.Result == resultRolledOut {
			return true
		}
	}
	return false
}

// Err is the failures of steps.
func (r *Result) Err() error {
	var all []error
	for _, o := range r.Steps {
		if o.Err != nil {
			all = append(all, fmt.Errorf("%s: %w", &o.Step, o.Err))
		}
	}
	return errors.Join(all...)
}
