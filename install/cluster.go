package install

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// Cluster is a cluster podpass is installed in, or is to be.
type Cluster struct {
	getter  *getter
	client  kubernetes.Interface
	objects dynamic.Interface
	mapper  meta.RESTMapper

	// Version is podpass's, "" if it is not known. Progress takes a line whenever there is something new to say; nil: nobody is told.
	Version  string
	Progress func(line string)
	// Timeout bounds the wait for each change. Zero is five minutes.
	Timeout time.Duration
}

// defaultTimeout has room for a pull of the image on a slow line and for the first start of the server.
const defaultTimeout = 5 * time.Minute

// Connect makes no call.
func Connect(config clientcmd.ClientConfig) (*Cluster, error) {
	restConfig, err := config.ClientConfig()
	if err != nil {
		return nil, err
	}
	restConfig = rest.CopyConfig(restConfig)
	restConfig.QPS, restConfig.Burst = 50, 100 // an installation is some sixty calls
	restConfig.WarningHandler = rest.NoWarnings{}
	c := &Cluster{}
	if c.client, err = kubernetes.NewForConfig(restConfig); err != nil {
		return nil, err
	}
	if c.objects, err = dynamic.NewForConfig(restConfig); err != nil {
		return nil, err
	}
	discover, err := discovery.NewDiscoveryClientForConfig(restConfig)
	if err != nil {
		return nil, err
	}
	cached := memory.NewMemCacheClient(discover)
	c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(cached)
	c.getter = &getter{config: restConfig, loader: config, discovery: cached, mapper: c.mapper}
	return c, nil
}

// Host is the API server's URL.
func (c *Cluster) Host() string { return c.getter.config.Host }

func (c *Cluster) say(format string, args ...any) {
	if c.Progress != nil {
		c.Progress(fmt.Sprintf(format, args...))
	}
}

func (c *Cluster) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return defaultTimeout
}

// getter is how Helm's library reaches the cluster.
type getter struct {
	config    *rest.Config
	loader    clientcmd.ClientConfig
	discovery discovery.CachedDiscoveryInterface
	mapper    meta.RESTMapper
}

func (g *getter) ToRESTConfig() (*rest.Config, error) { return rest.CopyConfig(g.config), nil }
func (g *getter) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return g.discovery, nil
}
func (g *getter) ToRESTMapper() (meta.RESTMapper, error)        { return g.mapper, nil }
func (g *getter) ToRawKubeConfigLoader() clientcmd.ClientConfig { return g.loader }

// helm is Helm's library on this cluster: releases are Secrets in podpass-system, and waiting is ours.
func (c *Cluster) helm(w *waiter) (*action.Configuration, error) {
	config := action.NewConfiguration(action.ConfigurationSetLogger(slog.NewTextHandler(io.Discard, nil)))
	if err := config.Init(c.getter, Namespace, "secret"); err != nil {
		return nil, err
	}
	config.KubeClient = &patientClient{config.KubeClient, w}
	return config, nil
}
