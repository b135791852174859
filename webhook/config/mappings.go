package config

import (
	"context"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/podpass/podpass/webhook"
)

// The ConfigMap of the EKS webhook.
const (
	ConfigMap    = "pod-identity-webhook"
	ConfigMapKey = "config"
)

// Mappings follows the ConfigMap.
type Mappings struct {
	*source[webhook.Mapping]
	controller cache.Controller
}

var _ webhook.Mappings = (*Mappings)(nil)

// NewMappings makes Mappings of the namespace's ConfigMap that are empty until Run has begun. A ConfigMap that does not exist has no entries.
func NewMappings(client kubernetes.Interface, namespace string, resync time.Duration, log *slog.Logger, registry prometheus.Registerer) (*Mappings, error) {
	s, err := newSource("ConfigMap "+ConfigMap, parseMappings, log, registry)
	if err != nil {
		return nil, err
	}
	one := fields.OneTermEqualSelector("metadata.name", ConfigMap).String()
	maps := client.CoreV1().ConfigMaps(namespace)
	m := &Mappings{source: s}
	_, m.controller = cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, o meta.ListOptions) (runtime.Object, error) {
				o.FieldSelector = one
				return maps.List(ctx, o)
			},
			WatchFuncWithContext: func(ctx context.Context, o meta.ListOptions) (watch.Interface, error) {
				o.FieldSelector = one
				return maps.Watch(ctx, o)
			},
		}, client),
		ObjectType:   &core.ConfigMap{},
		ResyncPeriod: resync,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc: m.changed,
			UpdateFunc: func(before, after any) {
				if before.(*core.ConfigMap).ResourceVersion != after.(*core.ConfigMap).ResourceVersion {
					m.changed(after)
				}
			},
			DeleteFunc: func(any) { m.take(nil) },
		},
	})
	return m, nil
}

// Run follows until the context is done.
func (m *Mappings) Run(ctx context.Context) {
	m.controller.RunWithContext(klog.NewContext(ctx, logr.FromSlogHandler(m.log.Handler())))
}

func (m *Mappings) changed(object any) {
	if found, ok := object.(*core.ConfigMap); ok {
		m.take([]byte(found.Data[ConfigMapKey]))
	}
}

// Mapping is the entry for the account that goes before all others.
func (m *Mappings) Mapping(namespace, name string) (webhook.Mapping, bool) {
	return m.find(namespace, name)
}

// Ready is nil once the ConfigMap was looked for.
func (m *Mappings) Ready() error {
	if m.controller.HasSynced() {
		return nil
	}
	return m.ready()
}
