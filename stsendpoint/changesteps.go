package stsendpoint

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
)

// stepsAtOnce bounds how many workloads are replacing their pods at the same time.
const stepsAtOnce = 8

// steps does those steps that whoever agreed to the plan was shown. One that fails keeps none of the others away, those of the same workload excepted:
// they come one after the other, as two at once would take more pods down than its strategy, or whoever asked, has in mind.
func (c *Change) steps(ctx context.Context, shown *Plan, steps []Step, out *Result) {
	var group errgroup.Group
	group.SetLimit(stepsAtOnce)
	outcomes := make([]Outcome, len(steps))
	for i := range steps {
		if !shown.has(&steps[i]) {
			steps[i].Action, steps[i].Why = Leave, "it was not there when the change was agreed to; "+steps[i].Why
		}
	}
	for _, of := range byWorkload(steps) {
		group.Go(func() error {
			var failed error
			for _, i := range of {
				if failed != nil && steps[i].Action != Leave {
					steps[i].Action, steps[i].Why = Leave, "what came before it has failed; "+steps[i].Why
				}
				outcomes[i] = c.step(ctx, steps[i])
				failed = errors.Join(failed, outcomes[i].Err)
			}
			return nil
		})
	}
	_ = group.Wait()
	for _, o := range outcomes {
		out.add(o)
	}
}

// byWorkload are the indices of the steps of each workload.
func byWorkload(steps []Step) (out [][]int) {
	at := map[types.UID]int{}
	for i := range steps {
		k, ok := at[steps[i].workload.UID]
		if !ok {
			k, out = len(out), append(out, nil)
			at[steps[i].workload.UID] = k
		}
		out[k] = append(out[k], i)
	}
	return out
}

func (r *Result) add(o Outcome) {
	r.Steps = append(r.Steps, o)
	switch o.Result {
	case resultFailed:
		r.Left = append(r.Left, fmt.Sprintf("%s of %s: %v", o.Action, &o.Step, o.Err))
	case resultLeft:
		r.Left = append(r.Left, o.Step.String()+", "+o.Why)
	default:
		r.Done = append(r.Done, o.Step.String()+" "+o.Result)
	}
}

const (
	resultRestarted = "restarted"
	resultRolledOut = "rolled out"
	resultEvicted   = "evicted"
	resultLeft      = "left"
	resultFailed    = "failed"
)

func (c *Change) step(ctx context.Context, s Step) Outcome {
	o := Outcome{Step: s}
	switch s.Action {
	case Restart:
		o.Result = resultRestarted
		c.say(s.String(), "restarting")
		begun, err := c.Reader.Cluster.Workloads().Restart(ctx, s.workload, c.Now())
		if err == nil && !begun {
			c.say(s.String(), "somebody else has restarted it")
		}
		if o.Err = err; err == nil {
			o.Err = c.rollout(ctx, &s)
		}
	case Wait:
		o.Result = resultRolledOut
		o.Err = c.rollout(ctx, &s)
	case Evict:
		o.Result = resultEvicted
		o.Err = c.evict(ctx, &s)
	default:
		o.Result = resultLeft
		return o
	}
	if o.Err != nil {
		o.Result, o.Error = resultFailed, o.Err.Error()
	}
	c.say(s.String(), o.Result)
	return o
}

// rollout waits for one, and says how far it is whenever that changes.
func (c *Change) rollout(ctx context.Context, s *Step) error {
	said := ""
	for {
		r, err := c.Reader.Cluster.Workloads().Rollout(ctx, s.workload)
		switch {
		case err != nil && ctx.Err() == nil:
			return err
		case err == nil && r.Done:
			return nil
		case err == nil && r.Failed:
			return fmt.Errorf("the rollout has failed: %s", r.Message)
		case err == nil && r.Message != said:
			said = r.Message
			c.say(s.String(), said)
		}
		if err := c.pause(ctx); err != nil {
			return fmt.Errorf("its rollout was begun, and is not through (%s): %w", said, err)
		}
	}
}

func (c *Change) pause(ctx context.Context) error {
	select {
	case <-time.After(c.Poll):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
