package stsendpoint

import (
	"context"
	"errors"
	"fmt"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/podpass/podpass/identity"
)

// Change does what a plan says. All it does it decides from the world as it is at that moment, so that doing it again finishes what was interrupted and
// repeats nothing.
type Change struct {
	Reader   *Reader
	Wish     Wish
	Scopes   []Scope // of the accounts
	Now      func() time.Time
	Poll     time.Duration // between two looks at what is waited for
	Settle   time.Duration // how long a webhook may take to see an annotation
	Progress func(Event)   // may be nil, and is called from several goroutines
}

// Event is what one workload is at.
type Event struct{ Subject, Text string }

// Result is what was done, and what pods have in the end.
type Result struct {
	Type      Type           `json:"type"`
	Accounts  []AccountPlan  `json:"serviceAccounts"` // changes: it was changed now
	Steps     []Outcome      `json:"workloads"`
	Pods      []Confirmation `json:"pods"`
	Confirmed int            `json:"confirmed"` // of Pods
	Warnings  []Finding      `json:"warnings,omitempty"`

	Done, Left []string `json:"-"` // in words, for whoever has to go on
}

// Outcome is what became of a step.
type Outcome struct {
	Step
	Result string `json:"result"` // "restarted", "rolled out", "evicted", "left" or "failed"
	Error  string `json:"error,omitempty"`
	Err    error  `json:"-"`
}

// ErrNothingRestarted says that the annotations are set, and pods were left as they are, because new ones would not be what was asked for.
var ErrNothingRestarted = errors.New("no pod was restarted")

// Read reads what the change is about.
func (c *Change) Read(ctx context.Context, w *World) (*Snapshot, error) {
	out := &Snapshot{World: w, Accounts: map[identity.ServiceAccount]*Account{}, objects: map[identity.ServiceAccount]*core.ServiceAccount{}}
	for _, scope := range c.Scopes {
		s, err := c.Reader.Read(ctx, w, scope)
		if err != nil {
			return nil, err
		}
		for name, a := range s.Accounts {
			out.Accounts[name], out.objects[name] = a, s.objects[name]
		}
		out.Pods, out.Inventory = append(out.Pods, s.Pods...), s.Inventory
	}
	return out, nil
}

// Apply does what a plan of a snapshot says: the annotations, then the pods. The result tells what was done also where there is an error. Whether pods
// have what is wished for is looked at by Confirm.
func (c *Change) Apply(ctx context.Context, s *Snapshot, plan *Plan) (*Result, error) {
	out := &Result{Type: plan.Type, Accounts: plan.Accounts, Steps: []Outcome{}, Pods: []Confirmation{}, Warnings: plan.Warnings}
	if err := c.annotate(ctx, s, plan, out); err != nil {
		return out, err
	}
	s, err := c.settle(ctx, s, plan)
	if err != nil {
		out.Left = append(out.Left, leftOf(plan.Steps)...)
		return out, err
	}
	if err := takenBack(s, plan); err != nil {
		out.Left = append(out.Left, leftOf(plan.Steps)...)
		return out, err
	}
	changed := map[identity.ServiceAccount]bool{}
	for _, a := range plan.Accounts {
		changed[a.ServiceAccount()] = a.Changes
	}
	now := newPlan(s, c.Wish, changed)
	if len(now.Refusals) > 0 {
		out.Left = append(out.Left, leftOf(now.Steps)...)
		return out, fmt.Errorf("%w: %s", ErrNothingRestarted, now.Refusals[0].Text)
	}
	out.Warnings = merge(out.Warnings, now.Warnings)
	c.steps(ctx, plan, now.Steps, out)
	return out, c.waitedInVain(ctx, s.World, out)
}

// annotate changes what has to be changed, one account after the other.
func (c *Change) annotate(ctx context.Context, s *Snapshot, plan *Plan, out *Result) error {
	for i, a := range plan.Accounts {
		if !a.Changes {
			continue
		}
		if err := c.annotateOne(ctx, s.objects[a.ServiceAccount()], a); err != nil {
			for _, later := range plan.Accounts[i:] {
				if later.Changes {
					out.Left = append(out.Left, "the annotation of service account "+later.ServiceAccount().String())
				}
			}
			out.Left = append(out.Left, leftOf(plan.Steps)...)
			return err
		}
		out.Done = append(out.Done, "service account "+a.ServiceAccount().String()+": "+a.Words())
		c.say("service account "+a.ServiceAccount().String(), a.Words())
	}
	return nil
}

// Words say what becomes of the annotation.
func (a AccountPlan) Words() string {
	switch {
	case !a.Changes && a.To == nil:
		return "no annotation, as it is to be"
	case !a.Changes:
		return fmt.Sprintf("annotation %q, as it is to be", *a.From)
	case a.To == nil:
		return fmt.Sprintf("annotation %q removed", *a.From)
	case a.From == nil:
		return fmt.Sprintf("annotation set to %q", *a.To)
	}
	return fmt.Sprintf("annotation changed from %q to %q", *a.From, *a.To)
}

// annotateTries bounds how often an account that others change at the same time is read again.
const annotateTries = 5

func (c *Change) annotateOne(ctx context.Context, object *core.ServiceAccount, a AccountPlan) error {
	set, remove := map[string]string{}, []string{Annotation}
	if a.To != nil {
		set, remove = map[string]string{Annotation: *a.To}, nil
	}
	for try := 1; ; try++ {
		_, err := c.Reader.Cluster.ServiceAccounts().Annotate(ctx, object, set, remove)
		if !apierrors.IsConflict(err) || try == annotateTries {
			return err
		}
		uid := object.UID
		if object, err = c.Reader.Cluster.ServiceAccounts().Get(ctx, a.ServiceAccount()); err != nil {
			return err
		}
		if object == nil || object.UID != uid {
			return fmt.Errorf("service account %s was deleted, or made anew, meanwhile", a.ServiceAccount())
		}
		if value, has := object.Annotations[Annotation]; has != (a.From != nil) || has && value != *a.From {
			return fmt.Errorf("service account %s: somebody else has changed the annotation meanwhile", a.ServiceAccount())
		}
	}
}

// settle waits until new pods are given what the annotations ask for, or the webhook has had its time, and reads everything anew.
func (c *Change) settle(ctx context.Context, s *Snapshot, plan *Plan) (*Snapshot, error) {
	deadline := c.Now().Add(c.Settle)
	for c.Now().Before(deadline) {
		done, err := c.settled(ctx, s, plan)
		if err != nil {
			return s, err
		}
		if done {
			break
		}
		select {
		case <-time.After(c.Poll):
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
	now, err := c.Read(ctx, s.World)
	if err != nil {
		return s, err
	}
	return now, nil
}

// settled goes by dry runs, of the accounts that were changed alone; where none can be had, time has to pass.
func (c *Change) settled(ctx context.Context, s *Snapshot, plan *Plan) (bool, error) {
	like := map[identity.ServiceAccount]*Pod{}
	for _, pod := range s.Pods {
		like[pod.account()] = pod
	}
	for _, pod := range identified(s.Pods) {
		like[pod.account()] = pod
	}
	for _, p := range plan.Accounts {
		if !p.Changes {
			continue
		}
		if c.Reader.NoTrials {
			return false, nil
		}
		t := c.Reader.trial(ctx, trialPod(p.ServiceAccount(), like[p.ServiceAccount()]), c.Reader.configMaps())
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case t.Err != nil, t.Injected && !byAnnotation(plan.Type, s.World.Setting).allows(t.Value):
			return false, nil
		}
	}
	return true, nil
}

// takenBack says that an annotation is not, or no longer, what it is to be: pods that are restarted then are restarted for nothing.
func takenBack(s *Snapshot, plan *Plan) error {
	for _, p := range plan.Accounts {
		a := s.Accounts[p.ServiceAccount()]
		switch {
		case a == nil || !a.Exists:
			return fmt.Errorf("%w: service account %s was deleted meanwhile", ErrNothingRestarted, p.ServiceAccount())
		case a.Annotated == (p.To != nil) && (p.To == nil || OfAnnotation(a.Annotation) == plan.Type):
			continue
		}
		by := a.Managed
		if by == "" {
			by = "somebody"
		}
		return fmt.Errorf("%w: the annotation of service account %s was taken back by %s", ErrNothingRestarted, a, by)
	}
	return nil
}

func (c *Change) say(subject, text string) {
	if c.Progress != nil {
		c.Progress(Event{subject, text})
	}
}

func merge(a, b []Finding) []Finding {
	p := planner{Plan: Plan{Warnings: a}}
	for _, f := range b {
		p.warn(f.Code, "%s", f.Text)
	}
	return p.Warnings
}

func leftOf(steps []Step) []string {
	var out []string
	for i := range steps {
		if s := &steps[i]; s.Action != Leave {
			out = append(out, string(s.Action)+" of "+s.String())
		}
	}
	return out
}
