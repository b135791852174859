package stsendpoint

import (
	"slices"
	"strings"

	"github.com/podpass/podpass/cluster"
	"github.com/podpass/podpass/identity"
)

// Wish is what is asked for.
type Wish struct {
	Type       Type
	DeletePods bool // evict pods that no rollout replaces
	Anyway     bool // although pods will not reach STS, lose their identity, or be given a value that SDKs refuse
}

// Plan is what it takes to give service accounts a type. Nothing of it is done where there are Refusals.
type Plan struct {
	Type      Type          `json:"type"`
	Accounts  []AccountPlan `json:"serviceAccounts"`
	Steps     []Step        `json:"workloads"`
	Presigned []Presigned   `json:"presignedURLs,omitempty"`
	Refusals  []Finding     `json:"refusals,omitempty"`
	Warnings  []Finding     `json:"warnings,omitempty"`
}

// AccountPlan is what becomes of an account's annotation; nil is none.
type AccountPlan struct {
	Namespace string  `json:"namespace"`
	Name      string  `json:"name"`
	From      *string `json:"from"`
	To        *string `json:"to"`
	Changes   bool    `json:"changes"`
	Managed   string  `json:"managedBy,omitempty"`
}

// ServiceAccount is the account's name.
func (a AccountPlan) ServiceAccount() identity.ServiceAccount {
	return identity.ServiceAccount{Namespace: a.Namespace, Name: a.Name}
}

// Action is what becomes of a workload's pods.
type Action string

// The actions.
const (
	Restart Action = "restart" // a rollout replaces them
	Wait    Action = "wait"    // a rollout is about to already
	Evict   Action = "evict"   // they are deleted, as PodDisruptionBudgets allow
	Leave   Action = "leave"   // somebody else has to
)

// Step is what becomes of those pods of one workload that have not what new ones would be given.
type Step struct {
	Kind      string   `json:"kind"`
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Account   string   `json:"serviceAccount"`
	Action    Action   `json:"action"`
	IfNeeded  bool     `json:"ifNeeded,omitempty"` // only if new pods are given something else, which is known when the annotation is set
	Why       string   `json:"why"`
	Pods      []string `json:"pods"`

	workload *cluster.Workload
	pods     []*Pod
}

func (s *Step) String() string { return strings.ToLower(s.Kind) + " " + s.Namespace + "/" + s.Name }

// NewPlan says what a wish takes, for all accounts of a snapshot. It is pure.
func NewPlan(s *Snapshot, wish Wish) *Plan { return newPlan(s, wish, nil) }

// newPlan also knows which accounts were changed just now.
func newPlan(s *Snapshot, wish Wish, changed map[identity.ServiceAccount]bool) *Plan {
	p := &planner{snapshot: s, wish: wish, changed: changed, Plan: Plan{Type: wish.Type, Accounts: []AccountPlan{}, Steps: []Step{}}}
	for _, a := range s.accountsInOrder() {
		p.account(a)
	}
	p.world()
	p.urls()
	return &p.Plan
}

type planner struct {
	snapshot *Snapshot
	wish     Wish
	changed  map[identity.ServiceAccount]bool
	Plan
}

// account adds an account, and the workloads whose pods do not have what they are to have.
func (p *planner) account(a *Account) {
	plan := AccountPlan{Namespace: a.Namespace, Name: a.Name, Managed: a.Managed}
	if a.Annotated {
		plan.From = &a.Annotation
	}
	if to := p.wish.Type.annotation(); to != "" {
		plan.To = &to
	}
	plan.Changes = (plan.From == nil) != (plan.To == nil) || plan.To != nil && OfAnnotation(*plan.From) != p.wish.Type
	expect := p.expect(a, plan.Changes)
	p.ofAccount(a, plan, expect)
	p.Accounts = append(p.Accounts, plan)

	byWorkload := map[cluster.Workload]*split{}
	var order []*split
	for _, pod := range p.snapshot.Pods {
		if pod.account() != a.ServiceAccount || Finished(pod.Raw) {
			continue
		}
		key := cluster.Workload{Kind: pod.Workload.Kind, UID: pod.Workload.UID, Name: pod.Workload.Name}
		if byWorkload[key] == nil {
			byWorkload[key] = &split{workload: pod.Workload}
			order = append(order, byWorkload[key])
		}
		byWorkload[key].add(pod, expect)
	}
	slices.SortFunc(order, func(a, b *split) int { return cluster.Compare(a.workload, b.workload) })
	unsure := plan.Changes && !expect.Exact && len(expect.Values) > 1
	for _, w := range order {
		p.steps(a, w, plan.Changes, unsure)
	}
	p.ofOwn(a, order)
}

// expect is what new pods will be given once the annotation is what it is to be.
func (p *planner) expect(a *Account, changes bool) Expectation {
	setting := p.snapshot.World.Setting
	tried := a.Trial != nil && a.Trial.Err == nil
	switch {
	case !changes, tried && !a.Trial.Injected:
		return Expect(a, setting)
	case !setting.Honoured:
		return Expectation{[]string{""}, false, setting.Why}
	case !tried && a.Role == "":
		return anything("the account has no role annotation: it gives no identity, unless by an association")
	}
	return byAnnotation(p.wish.Type, setting)
}
