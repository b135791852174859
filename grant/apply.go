package grant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/podpass/podpass/account"
)

// Parallel is how many grants are worked on at once. The rates of the APIs are what bounds them, not this.
const Parallel = 16

// Plans plans many, reading in parallel and deciding in their order: grants, or with back the way back. errs[i] is why specs[i] cannot be.
func (p *Planner) Plans(ctx context.Context, specs []Spec, back bool, read func(done int)) (plans []*Plan, errs []error) {
	p.ahead(ctx, specs, read)
	plans, errs = make([]*Plan, len(specs)), make([]error, len(specs))
	for i, spec := range specs {
		if back {
			plans[i], errs[i] = p.Revoke(ctx, spec)
		} else {
			plans[i], errs[i] = p.Plan(ctx, spec)
		}
	}
	return plans, errs
}

// ahead reads in parallel what the plans will ask for. What fails here fails again, and is told of, when it is asked for.
func (p *Planner) ahead(ctx context.Context, specs []Spec, read func(done int)) {
	if len(specs) < 2 {
		return
	}
	if err := p.manyAhead(ctx); err != nil {
		return
	}
	var group errgroup.Group
	group.SetLimit(Parallel)
	var mu sync.Mutex
	done := 0
	for _, spec := range specs {
		group.Go(func() error {
			p.aheadOf(ctx, spec)
			mu.Lock()
			done++
			read(done)
			mu.Unlock()
			return nil
		})
	}
	_ = group.Wait()
}

// aheadOf reads the service account and the role that is most likely its.
func (p *Planner) aheadOf(ctx context.Context, spec Spec) {
	there, err := p.find(ctx, spec.Account)
	if err != nil {
		return
	}
	name := spec.Role
	if there.association != nil {
		name = there.association.Role
	} else if there.role() != "" {
		name = there.role()
	}
	if name == "" {
		name = defaultRoles(p.world.Cluster.Name, NewID(p.world.Cluster.Issuer.String(), spec.Account), spec.Account)[0]
	}
	if id, path, base := splitRole(name); base != "" && (id == "" || id == p.world.Home.ID) {
		_, _ = p.role(ctx, p.world.Home, base, path)
	}
}

// Outcome is how a plan ended.
type Outcome struct {
	Done   int // steps
	Err    error
	Caller string // ARN that the proof got
	Proof  error  // why there is none
}

// Apply does the plans' steps and reports each plan when it has ended. prove, unless nil, is called for a plan whose steps are all done. With parallel, only
// plans that share a role wait for one another, and a plan's failure is no other's; without it the first failure ends all, since taking back what
// several share (a role, the OIDC provider) rests on the others having been taken back.
func Apply(ctx context.Context, plans []*Plan, parallel bool, stepped func(*Plan, Step), prove func(context.Context, *Plan) (string, error), ended func(*Plan, Outcome)) {
	var group errgroup.Group
	group.SetLimit(Parallel)
	groups := [][]*Plan{plans}
	if parallel {
		groups = sharing(plans)
	}
	for _, together := range groups {
		group.Go(func() error {
			failed := false
			for _, plan := range together {
				if failed && !parallel {
					ended(plan, Outcome{Err: errNotBegun})
					continue
				}
				out := plan.apply(ctx, stepped)
				failed = failed || out.Err != nil
				if out.Err == nil && prove != nil {
					out.Caller, out.Proof = prove(ctx, plan)
				}
				ended(plan, out)
			}
			return nil
		})
	}
	_ = group.Wait()
}

var errNotBegun = errors.New("not begun, because of the failure before it")

func (p *Plan) apply(ctx context.Context, stepped func(*Plan, Step)) (out Outcome) {
	for _, step := range p.Steps {
		if err := ctx.Err(); err != nil {
			return Outcome{Done: out.Done, Err: err}
		}
		if err := step.do(ctx); err != nil {
			return Outcome{Done: out.Done, Err: fmt.Errorf("%s: %w", step, err)}
		}
		out.Done++
		stepped(p, step)
	}
	return out
}

// sharing puts plans that have a role in common together, in their order.
func sharing(plans []*Plan) [][]*Plan {
	leader := map[string]string{} // role -> role, until itself
	var find func(string) string
	find = func(role string) string {
		if up, ok := leader[role]; ok && up != role {
			return find(up)
		}
		return role
	}
	for _, p := range plans {
		if role, target := p.Role.String(), p.TargetRole.String(); target != "" {
			leader[find(target)] = find(role)
		}
	}
	var order []string
	groups := map[string][]*Plan{}
	for _, p := range plans {
		key := find(p.Role.String())
		if !slices.Contains(order, key) {
			order = append(order, key)
		}
		groups[key] = append(groups[key], p)
	}
	out := make([][]*Plan, len(order))
	for i, key := range order {
		out[i] = groups[key]
	}
	return out
}

// createAssociation takes one that was made meanwhile for the one it was to make, if it names the same roles. EKS may not have heard of a role that was made
// a moment ago, and then says that there is none, or none with such a trust policy: that is waited for.
func createAssociation(ctx context.Context, home *account.Account, cluster string, a account.Association) error {
	deadline := time.Now().Add(rolePatience)
	_, err := home.Associations().Create(ctx, cluster, a, uuid.NewString())
	for pause := firstPause; account.Refused(err, "InvalidParameterException") && time.Now().Before(deadline); pause = min(2*pause, longestPause) {
		if stopped := wait(ctx, pause); stopped != nil {
			return stopped
		}
		_, err = home.Associations().Create(ctx, cluster, a, uuid.NewString())
	}
	if !account.Refused(err, "ResourceInUseException") {
		return err
	}
	there, failed := home.Associations().Get(ctx, cluster, a.ServiceAccount)
	if failed == nil && there != nil && there.Role == a.Role && there.TargetRole == a.TargetRole {
		return nil
	}
	return err
}
