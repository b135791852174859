package guard

import (
	"hash/maphash"
	"maps"
	"sync"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// known is a ConfigMap as it was seen last: a list of accounts, or a CA.
type known struct {
	uid       types.UID
	version   string
	ours      bool
	immutable bool
	data      map[string]string // of a list
	content   uint64            // of a CA: its hash
}

// configMaps are the ConfigMaps of one name in all namespaces.
type configMaps struct {
	seed maphash.Seed // where data is not kept

	mu         sync.Mutex
	namespaces map[string]known
	fresh      map[string]known
}

func newConfigMaps() *configMaps {
	return &configMaps{seed: maphash.MakeSeed(), namespaces: map[string]known{}}
}

func (c *configMaps) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fresh = map[string]known{}
}

// end returns the namespaces that have one, or had.
func (c *configMaps) end() (changed []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := maps.Clone(c.namespaces)
	maps.Copy(all, c.fresh)
	for namespace := range all {
		changed = append(changed, namespace)
	}
	c.namespaces, c.fresh = c.fresh, nil
	return changed
}

func (c *configMaps) put(m *core.ConfigMap) {
	k := known{uid: m.UID, version: m.ResourceVersion, ours: m.Labels[labelKey] == labelValue, immutable: m.Immutable != nil && *m.Immutable}
	if m.Name == ListName {
		k.data = m.Data
	} else {
		k.content = c.hash(m.Data[caKey])
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fresh != nil {
		c.fresh[m.Namespace] = k
		return
	}
	c.namespaces[m.Namespace] = k
}

func (c *configMaps) hash(text string) uint64 { return maphash.String(c.seed, text) }

func (c *configMaps) remove(namespace string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.namespaces, namespace)
}

func (c *configMaps) get(namespace string) (known, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.namespaces[namespace]
	return k, ok
}

// with are the namespaces that have one of ours.
func (c *configMaps) with() (namespaces []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for namespace, k := range c.namespaces {
		if k.ours {
			namespaces = append(namespaces, namespace)
		}
	}
	return namespaces
}
