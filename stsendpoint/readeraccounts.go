package stsendpoint

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	core "k8s.io/api/core/v1"

	"github.com/podpass/podpass/cluster"
	"github.com/podpass/podpass/identity"
)

// accounts reads those of the pods, and those the scope is about: with their namespace where that is read as a whole.
func (r *Reader) accounts(ctx context.Context, s *Snapshot, scope Scope, pods []*core.Pod) error {
	if scope.Pod == "" && scope.Workload == "" && len(scope.Accounts) == 0 {
		err := r.Cluster.ServiceAccounts().Each(ctx, scope.Namespace, func(object *core.ServiceAccount) error {
			s.add(identity.ServiceAccount{Namespace: object.Namespace, Name: object.Name}, object.DeepCopy())
			return nil
		})
		if err != nil {
			return err
		}
	}
	wanted := map[identity.ServiceAccount]bool{}
	for _, name := range scope.Accounts {
		wanted[identity.ServiceAccount{Namespace: scope.Namespace, Name: name}] = true
	}
	if w := s.Inventory.Named(scope.Kind, scope.Namespace, scope.Workload); w != nil {
		if account, ok := w.ServiceAccount(); ok {
			wanted[account] = true
		}
	}
	for _, pod := range pods {
		wanted[identity.ServiceAccount{Namespace: pod.Namespace, Name: cluster.AccountOf(&pod.Spec)}] = true
	}
	for account := range wanted {
		if s.Accounts[account] != nil {
			continue
		}
		object, err := r.Cluster.ServiceAccounts().Get(ctx, account)
		if err != nil {
			return err
		}
		s.add(account, object)
	}
	return nil
}

func (s *Snapshot) add(name identity.ServiceAccount, object *core.ServiceAccount) {
	s.Accounts[name] = accountOf(name, object)
	s.objects[name] = object
}

func accountOf(name identity.ServiceAccount, object *core.ServiceAccount) *Account {
	a := &Account{ServiceAccount: name, Exists: object != nil}
	if object == nil {
		return a
	}
	a.Role = object.Annotations[roleARN]
	a.Annotation, a.Annotated = object.Annotations[Annotation]
	a.Managed, _ = cluster.Owner(object)
	if a.Annotated {
		a.Since = writtenAt(object, Annotation)
	}
	return a
}

// writtenAt is when whoever wrote an annotation last wrote anything, by the API server's clock; zero where that is not recorded. It explains, and decides
// nothing.
func writtenAt(object *core.ServiceAccount, annotation string) (at time.Time) {
	for _, entry := range object.ManagedFields {
		var fields struct {
			Metadata struct {
				Annotations map[string]json.RawMessage `json:"f:annotations"`
			} `json:"f:metadata"`
		}
		if entry.FieldsV1 == nil || entry.Time == nil || json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		if _, ok := fields.Metadata.Annotations["f:"+annotation]; ok && entry.Time.After(at) {
			at = entry.Time.Time
		}
	}
	return at
}

// trialsAtOnce bounds how many dry runs are asked for at the same time.
const trialsAtOnce = 8

// try asks for a dry run of a new pod of every account that may give an identity.
func (r *Reader) try(ctx context.Context, s *Snapshot, read configMaps) error {
	if r.NoTrials {
		return nil
	}
	like := map[identity.ServiceAccount]*Pod{}
	matters := map[identity.ServiceAccount]bool{}
	for _, p := range s.Pods {
		if has := like[p.account()]; has == nil || len(identified([]*Pod{has})) == 0 { // one that the webhook has to do with, if there is one
			like[p.account()] = p
		}
		for i := range p.Containers {
			if p.Containers[i].Env.identity() != "" || p.Containers[i].Env.has(Variable) {
				matters[p.account()] = true
			}
		}
	}
	accounts := slices.DeleteFunc(slices.Collect(maps.Values(s.Accounts)), func(a *Account) bool {
		return !a.Exists || a.Role == "" && !a.Annotated && !matters[a.ServiceAccount]
	})
	outer := ctx
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(trialsAtOnce)
	for i, a := range accounts {
		if r.Progress != nil && i%50 == 49 {
			r.Progress(fmt.Sprintf("looked at %d of %d service accounts", i+1, len(accounts)))
		}
		group.Go(func() error {
			a.Trial = r.trial(ctx, trialPod(a.ServiceAccount, like[a.ServiceAccount]), read)
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return r.reach(outer, s, read)
}

// reach asks for another dry run of those workloads that have nothing of what their account gives: a webhook may look at some labels only.
func (r *Reader) reach(ctx context.Context, s *Snapshot, read configMaps) error {
	bare := map[*cluster.Workload][]*Pod{}
	for _, p := range s.Pods {
		if a := s.Accounts[p.account()]; a.tried() && a.Trial.Injected && p.Workload.Template != nil && p.Workload.Object != p.Raw {
			bare[p.Workload] = append(bare[p.Workload], p)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(trialsAtOnce)
	for w, pods := range bare {
		if len(identified(pods)) > 0 {
			continue
		}
		group.Go(func() error {
			like := trialPod(pods[0].account(), pods[0])
			like.Labels, like.Annotations = w.Template.Labels, w.Template.Annotations
			if t := r.trial(ctx, like, read); t.Err == nil && !t.Injected {
				for _, p := range pods {
					p.Unreached = true
				}
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

func (r *Reader) trial(ctx context.Context, like *core.Pod, read configMaps) *Trial {
	pod, err := r.Cluster.Pods().Admit(ctx, like)
	if err != nil {
		return &Trial{Err: err}
	}
	for i := range pod.Spec.Containers {
		if c := &pod.Spec.Containers[i]; c.Name == trialContainer {
			env := environmentOf(ctx, pod.Namespace, c, read)
			return &Trial{Injected: env.given() != "", Value: env.inEnv()}
		}
	}
	return &Trial{Err: fmt.Errorf("a dry run of a pod in namespace %s came back without its container", pod.Namespace)}
}
