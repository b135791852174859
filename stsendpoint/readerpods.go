package stsendpoint

import (
	"cmp"
	"context"
	"strings"
	"sync"

	core "k8s.io/api/core/v1"
)

func byName(a, b *Pod) int {
	return cmp.Or(strings.Compare(a.Raw.Namespace, b.Raw.Namespace), strings.Compare(a.Raw.Name, b.Raw.Name))
}

// containersOf are a pod's, init containers first, each beside what its workload's template has under its name.
func containersOf(ctx context.Context, p *Pod, maps configMaps) []Container {
	var out []Container
	add := func(list []core.Container, init bool) {
		for i := range list {
			c := Container{Name: list[i].Name, Image: list[i].Image, Init: init, Env: environmentOf(ctx, p.Raw.Namespace, &list[i], maps)}
			if own := inTemplate(p, list[i].Name); own != nil {
				c.Own = environmentOf(ctx, p.Raw.Namespace, &core.Container{Env: own.Env}, maps)
			} else {
				c.Added = p.Workload.Template != nil
			}
			out = append(out, c)
		}
	}
	add(p.Raw.Spec.InitContainers, true)
	add(p.Raw.Spec.Containers, false)
	return out
}

// inTemplate is nil where the template is not known, or has no such container: then some webhook has added it.
func inTemplate(p *Pod, name string) *core.Container {
	if p.Workload.Template == nil {
		return nil
	}
	spec := &p.Workload.Template.Spec
	for _, list := range [][]core.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}

// configMaps reads each once.
func (r *Reader) configMaps() configMaps {
	type key struct{ namespace, name string }
	type answer struct {
		found *core.ConfigMap
		err   error
	}
	var one sync.Mutex // dry runs are asked for at the same time
	read := map[key]answer{}
	return func(ctx context.Context, namespace, name string) (*core.ConfigMap, error) {
		one.Lock()
		defer one.Unlock()
		k := key{namespace, name}
		a, ok := read[k]
		if !ok {
			a.found, a.err = r.Cluster.ConfigMaps().Get(ctx, namespace, name)
			read[k] = a
		}
		return a.found, a.err
	}
}
