package cluster

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	core "k8s.io/client-go/kubernetes/typed/core/v1"
	discovery "k8s.io/client-go/kubernetes/typed/discovery/v1"
	"k8s.io/client-go/rest"
)

// What an installation's parts are called. The names are fixed: one cluster has one installation.
const (
	Namespace     = "podpass-system"
	Service       = "podpass-server"
	Administrator = "podpass-administrator" // Secret
	CA            = "podpass-ca"            // ConfigMap
)

const (
	port     = "8600"
	hostName = Service + "." + Namespace + ".svc"
	bundle   = "ca.crt" // key of CA
)

// URL is the server's, inside the cluster and, through Transport, outside.
const URL = "https://" + hostName + ":" + port

// Errors of Find, beside those of the API server.
var (
	// ErrNotInstalled says that the cluster answers, and has no podpass.
	ErrNotInstalled = errors.New("podpass is not installed in the cluster")
	// ErrForbidden says that the kubeconfig's user may not do what it takes.
	ErrForbidden = errors.New("the cluster's RBAC does not allow it")
)

// Key is the administrator's, and what goes with it.
type Key struct {
	AccessKeyID, SecretAccessKey string
	Region                       string // it signs for
	Cluster                      string // the name this cluster is registered under; "" if it is not
}

// Installation is one podpass in one cluster.
type Installation struct {
	core   core.CoreV1Interface
	slices discovery.DiscoveryV1Interface
	roots  *x509.CertPool
	key    Key
	dial   *tunnels
}

// Find reads what there is to know of a cluster's installation: two requests at once. ctx bounds them, and nothing later.
func Find(ctx context.Context, config *rest.Config) (*Installation, error) {
	config = rest.CopyConfig(config)
	config.ContentType, config.AcceptContentTypes = "application/json", "application/json"
	config.WarningHandler = rest.NoWarnings{}
	i := &Installation{}
	var err error
	if i.core, err = core.NewForConfig(config); err != nil {
		return nil, err
	}
	if i.slices, err = discovery.NewForConfig(config); err != nil {
		return nil, err
	}
	i.dial = &tunnels{config: config, pod: i.pod}
	ca := make(chan error, 1)
	go func() {
		var err error
		i.roots, err = i.readCA(ctx)
		ca <- err
	}()
	i.key, err = i.Key(ctx)
	if notCA := <-ca; err == nil {
		err = notCA
	}
	return i, err
}

// Key reads the administrator's key, which may have been rotated since the last time.
func (i *Installation) Key(ctx context.Context) (Key, error) {
	secret, err := i.core.Secrets(Namespace).Get(ctx, Administrator, meta.GetOptions{})
	if err != nil {
		return Key{}, explain("Secret "+Administrator, err)
	}
	key := Key{
		AccessKeyID: string(secret.Data["AWS_ACCESS_KEY_ID"]), SecretAccessKey: string(secret.Data["AWS_SECRET_ACCESS_KEY"]),
		Region: string(secret.Data["AWS_REGION"]), Cluster: string(secret.Data["PODPASS_CLUSTER"]),
	}
	if key.AccessKeyID == "" || key.SecretAccessKey == "" || key.Region == "" {
		return Key{}, fmt.Errorf("secret %s/%s lacks one of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION", Namespace, Administrator)
	}
	return key, nil
}

// Known is the key that Find read.
func (i *Installation) Known() Key { return i.key }

func (i *Installation) readCA(ctx context.Context) (*x509.CertPool, error) {
	published, err := i.core.ConfigMaps(Namespace).Get(ctx, CA, meta.GetOptions{})
	if err != nil {
		return nil, explain("ConfigMap "+CA, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(published.Data[bundle])) {
		return nil, fmt.Errorf("ConfigMap %s/%s has no certificate in its key %s", Namespace, CA, bundle)
	}
	return roots, nil
}

// pod is one that serves now, and its port.
func (i *Installation) pod(ctx context.Context) (name string, port int32, err error) {
	found, err := i.slices.EndpointSlices(Namespace).List(ctx, meta.ListOptions{LabelSelector: "kubernetes.io/service-name=" + Service})
	if err != nil {
		return "", 0, explain("the pods of Service "+Service, err)
	}
	for _, slice := range found.Items {
		for _, p := range slice.Ports {
			if p.Port == nil || len(slice.Ports) > 1 && (p.Name == nil || *p.Name != "https") {
				continue
			}
			for _, e := range slice.Endpoints {
				// No word about readiness means ready, says the API.
				if e.TargetRef != nil && e.TargetRef.Kind == "Pod" && (e.Conditions.Ready == nil || *e.Conditions.Ready) {
					return e.TargetRef.Name, *p.Port, nil
				}
			}
		}
	}
	return "", 0, fmt.Errorf("no pod of Service %s/%s is ready", Namespace, Service)
}

func explain(what string, err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("%w: %w", ErrNotInstalled, err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	return fmt.Errorf("%s of %s: %w", what, Namespace, err)
}

// Dial opens a connection to the server, whatever the address: there is one server. Connections share one port-forward, which is made anew when it
// breaks.
func (i *Installation) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return i.dial.open(ctx)
}

// Close ends every connection.
func (i *Installation) Close() { i.dial.close() }
