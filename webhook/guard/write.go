package guard

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"
)

const fieldManager = "podpass-guard"

// room is what a list may take. A ConfigMap may be 1 MiB and the API server's record of it 1.5 MiB, in which each key stands twice: as the key,
// and as a field of ours in managedFields.
const room = 1_250_000

// fits returns the accounts there is room for, first come in the order of their names, so that it is always the same ones; and how many not.
func fits(list map[string]string) (in map[string]string, leftOut int) {
	used := 0
	in = make(map[string]string, len(list))
	for _, name := range slices.Sorted(maps.Keys(list)) {
		used += 2*len(name) + len(list[name]) + 20
		if used > room {
			return in, len(list) - len(in)
		}
		in[name] = list[name]
	}
	return in, 0
}

// write is what is to be done with a ConfigMap for it to hold the data.
type write struct {
	maps      typed.ConfigMapInterface
	namespace string
	name      string
	known     known
	exists    bool
}

// to makes the ConfigMap, or changes just the keys that differ, or deletes it where no data is left. It works on what was seen last: if it is
// no longer so, the answer is a conflict and nothing has happened. The ConfigMap as it is now is returned, nil where there is none.
func (w *write) to(ctx context.Context, data map[string]string, differs bool) (*core.ConfigMap, error) {
	switch {
	case !w.exists && len(data) == 0:
		return nil, nil
	case !w.exists:
		made := &core.ConfigMap{Data: data}
		made.Name, made.Labels = w.name, map[string]string{labelKey: labelValue}
		made, err := w.maps.Create(ctx, made, meta.CreateOptions{FieldManager: fieldManager})
		if apierrors.IsAlreadyExists(err) {
			err = apierrors.NewConflict(core.Resource("configmaps"), w.name, err)
		}
		return made, err
	case len(data) == 0, w.known.immutable && differs: // an immutable one can only be made anew, which comes next
		err := w.maps.Delete(ctx, w.name, meta.DeleteOptions{Preconditions: &meta.Preconditions{UID: &w.known.uid, ResourceVersion: &w.known.version}})
		if apierrors.IsNotFound(err) {
			err = nil
		}
		return nil, err
	case !differs:
		return nil, nil
	}
	change := map[string]*string{}
	for name, value := range data {
		if was, ok := w.known.data[name]; !ok || was != value {
			change[name] = &value
		}
	}
	for name := range w.known.data {
		if _, ok := data[name]; !ok {
			change[name] = nil
		}
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]string{"resourceVersion": w.known.version}, "data": change})
	if err != nil {
		return nil, err
	}
	return w.maps.Patch(ctx, w.name, types.MergePatchType, patch, meta.PatchOptions{FieldManager: fieldManager})
}
