// Package fakekubernetes is client-go's fake clientset with what it lacks: objects have resource versions, and a write that is based on an older one is a conflict. So
// what rests on compare and swap can be tested in memory, and in a synctest bubble. Only tests import it; it imports nothing of podpass.
package fakekubernetes

import (
	"encoding/json"
	"errors"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/testing"
)

// New returns a clientset that holds the objects.
func New(objects ...runtime.Object) *fake.Clientset {
	client := fake.NewClientset()
	v := &versions{client: client}
	client.PrependReactor("*", "*", v.react)
	for _, o := range objects {
		m, err := meta.Accessor(o)
		if err == nil {
			v.last++
			m.SetResourceVersion(strconv.Itoa(v.last))
			err = client.Tracker().Add(o)
		}
		if err != nil {
			panic(err) // an object that is none: a mistake in the test
		}
	}
	return client
}

// versions gives out resource versions. Reactions happen one at a time.
type versions struct {
	client *fake.Clientset
	last   int
}

func (v *versions) react(action testing.Action) (handled bool, result runtime.Object, err error) {
	gvr, namespace := action.GetResource(), action.GetNamespace()
	switch a := action.(type) {
	case testing.PatchAction: // before UpdateAction, whose methods it has not
		var patch struct {
			Metadata struct{ ResourceVersion string }
		}
		if err := json.Unmarshal(a.GetPatch(), &patch); err != nil {
			return true, nil, err
		}
		if err := v.check(gvr, namespace, a.GetName(), patch.Metadata.ResourceVersion); err != nil {
			return true, nil, err
		}
		if handled, _, err := testing.ObjectReaction(v.client.Tracker())(action); !handled || err != nil {
			return handled, nil, err
		}
		now, err := v.client.Tracker().Get(gvr, namespace, a.GetName())
		if err != nil {
			return true, nil, err
		}
		return v.store(gvr, namespace, now)
	case testing.DeleteAction:
		if p := a.GetDeleteOptions().Preconditions; p != nil && p.ResourceVersion != nil {
			if err := v.check(gvr, namespace, a.GetName(), *p.ResourceVersion); err != nil {
				return true, nil, err
			}
		}
	case testing.UpdateAction: // CreateAction has the same methods
		m, err := meta.Accessor(a.GetObject())
		if err != nil {
			return true, nil, err
		}
		if action.GetVerb() == "update" {
			if err := v.check(gvr, namespace, m.GetName(), m.GetResourceVersion()); err != nil {
				return true, nil, err
			}
			return v.store(gvr, namespace, a.GetObject())
		}
		v.last++
		m.SetResourceVersion(strconv.Itoa(v.last))
	}
	return false, nil, nil
}

func (v *versions) check(gvr schema.GroupVersionResource, namespace, name, version string) error {
	now, err := v.client.Tracker().Get(gvr, namespace, name)
	if err != nil {
		return err
	}
	m, err := meta.Accessor(now)
	if err != nil {
		return err
	}
	if version != "" && m.GetResourceVersion() != version {
		return apierrors.NewConflict(gvr.GroupResource(), name, errors.New("the object has been modified"))
	}
	return nil
}

func (v *versions) store(gvr schema.GroupVersionResource, namespace string, object runtime.Object) (bool, runtime.Object, error) {
	object = object.DeepCopyObject()
	m, err := meta.Accessor(object)
	if err != nil {
		return true, nil, err
	}
	v.last++
	m.SetResourceVersion(strconv.Itoa(v.last))
	if err := v.client.Tracker().Update(gvr, object, namespace); err != nil {
		return true, nil, err
	}
	return true, object.DeepCopyObject(), nil
}
