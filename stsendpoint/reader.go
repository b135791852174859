package stsendpoint

import (
	"context"
	"fmt"
	"slices"

	core "k8s.io/api/core/v1"

	"github.com/podpass/podpass/cluster"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/webhook"
)

// Reader reads what there is to judge. What it may not read it leaves out, and says so in World.Unseen, as long as something is left to be judged.
type Reader struct {
	Cluster  *cluster.Client
	Cloud    *Cloud       // nil where no AWS account is asked
	NoTrials bool         // no dry runs
	Progress func(string) // told of what takes long; may be nil
}

// Scope says which pods and accounts are read: all of a namespace, or of all where it is "", unless one of the others narrows it down.
type Scope struct {
	Namespace      string
	Accounts       []string // service accounts of Namespace
	Pod            string
	Kind, Workload string
}

// Snapshot is the world at one moment.
type Snapshot struct {
	World     *World
	Accounts  map[identity.ServiceAccount]*Account
	Pods      []*Pod // by namespace and name
	Inventory *cluster.Inventory

	objects map[identity.ServiceAccount]*core.ServiceAccount // as they were read
}

// World reads what the cluster is.
func (r *Reader) World(ctx context.Context) (*World, error) {
	w := &World{Host: r.Cluster.Host(), OptIn: map[string]OptInState{}}
	version, err := r.Cluster.Facts().Version(ctx)
	if err != nil {
		return nil, err
	}
	w.GitVersion, w.Version = version.GitVersion, webhook.ParseVersion(version.GitVersion)
	if r.Cloud != nil {
		r.Cloud.look(ctx, w)
	}
	w.Setting = SettingOf(w.Version, parsePlatform(w.Platform))
	return w, nil
}

// Read reads a scope.
func (r *Reader) Read(ctx context.Context, w *World, scope Scope) (*Snapshot, error) {
	s := &Snapshot{World: w, Accounts: map[identity.ServiceAccount]*Account{}, objects: map[identity.ServiceAccount]*core.ServiceAccount{}}
	var err error
	if s.Inventory, err = r.Cluster.Workloads().Read(ctx, scope.Namespace); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		w.unseen("workloads", err)
	}
	raw, err := r.pods(ctx, s, scope)
	if err != nil {
		return nil, err
	}
	if err := r.accounts(ctx, s, scope, raw); err != nil {
		return nil, err
	}
	maps := r.configMaps()
	if s.Pods, err = r.describe(ctx, s, raw, maps); err != nil {
		return nil, err
	}
	err = r.try(ctx, s, maps)
	s.see()
	return s, err
}

func (w *World) unseen(what string, err error) {
	text := fmt.Sprintf("%s: %v", what, err)
	if !slices.Contains(w.Unseen, text) {
		w.Unseen = append(w.Unseen, text)
	}
}

// pods reads those of the scope that have not ended; one that is asked for by name is read anyway.
func (r *Reader) pods(ctx context.Context, s *Snapshot, scope Scope) ([]*core.Pod, error) {
	if scope.Pod != "" {
		pod, err := r.Cluster.Pods().Get(ctx, scope.Namespace, scope.Pod)
		if err != nil || pod == nil {
			return nil, err
		}
		return []*core.Pod{pod}, nil
	}
	accounts := scope.Accounts
	if scope.Workload != "" {
		if found := s.Inventory.Named(scope.Kind, scope.Namespace, scope.Workload); found != nil {
			if account, ok := found.ServiceAccount(); ok {
				accounts = []string{account.Name}
			}
		}
	}
	selectors := []cluster.Which{{Namespace: scope.Namespace}}
	if len(accounts) > 0 && len(accounts) <= fewAccounts {
		selectors = nil
		for _, name := range accounts {
			selectors = append(selectors, cluster.Which{Namespace: scope.Namespace, Fields: "spec.serviceAccountName=" + name})
		}
	}
	var found []*core.Pod
	for _, which := range selectors {
		err := r.Cluster.Pods().Each(ctx, which, func(pod *core.Pod) error {
			if Finished(pod) || len(accounts) > 0 && !slices.Contains(accounts, cluster.AccountOf(&pod.Spec)) {
				return nil
			}
			if of := s.Inventory.Of(pod); scope.Workload == "" || of.Kind == scope.Kind && of.Name == scope.Workload {
				found = append(found, lean(pod))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// lean is a copy that does not keep the whole page it came with, and who wrote which of its fields.
func lean(pod *core.Pod) *core.Pod {
	out := *pod
	out.ManagedFields = nil
	return &out
}

// fewAccounts is up to how many accounts have their pods listed one account at a time.
const fewAccounts = 5

// describe adds what is known of pods beside themselves.
func (r *Reader) describe(ctx context.Context, s *Snapshot, raw []*core.Pod, maps configMaps) ([]*Pod, error) {
	nodes := map[string]bool{}
	for _, pod := range raw {
		if pod.Spec.NodeName != "" {
			nodes[pod.Spec.NodeName] = true
		}
	}
	names := make([]string, 0, len(nodes))
	for name := range nodes {
		names = append(names, name)
	}
	regions, err := r.Cluster.Nodes().Regions(ctx, names)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		s.World.unseen("the regions of nodes", err)
	}
	out := make([]*Pod, 0, len(raw))
	for _, pod := range raw {
		p := &Pod{Raw: pod, Workload: s.Inventory.Of(pod), Region: regions[pod.Spec.NodeName]}
		p.Containers = containersOf(ctx, p, maps)
		for i := 0; p.Region == "" && i < len(p.Containers); i++ {
			p.Region = p.Containers[i].Env.region()
		}
		for i := range p.Containers {
			if a := s.Accounts[p.account()]; p.Containers[i].injected() != "" && a != nil {
				a.Given = true
			}
		}
		out = append(out, p)
	}
	slices.SortFunc(out, byName)
	if r.Cloud != nil {
		r.Cloud.regions(ctx, s.World, out)
	}
	return out, ctx.Err()
}
