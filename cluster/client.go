package cluster

import (
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// DefaultRate is how many requests a second a command sends to an API server unless told otherwise. A burst of twice as many is let through.
const DefaultRate = 20

// Client is a Kubernetes cluster as commands read and change it: paged, and never faster than its rate. What can be done stands in small types, one a
// need: [Client.Facts], [Client.ServiceAccounts], [Client.Pods], [Client.Workloads].
type Client struct {
	kube kubernetes.Interface
	host string
}

// Connect makes no call. rate is in requests a second; 0 is DefaultRate.
func Connect(config *rest.Config, rate float64) (*Client, error) {
	config = rest.CopyConfig(config)
	if rate == 0 {
		rate = DefaultRate
	}
	config.QPS, config.Burst = float32(rate), max(1, int(2*rate))
	config.WarningHandler = rest.NoWarnings{}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Client{kube: kube, host: config.Host}, nil
}

// New is a Client of whatever answers as an API server does, client-go's fake in tests.
func New(kube kubernetes.Interface, host string) *Client { return &Client{kube, host} }

// Host is the API server's address, as the kubeconfig has it.
func (c *Client) Host() string { return c.host }
