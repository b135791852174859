package kubernetes

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"

	clientset "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// connect makes the administrator's client. It counts on the API server to limit it, not on itself.
func (n *Node) connect() error {
	config, err := clientcmd.BuildConfigFromFlags("", n.KubeconfigPath())
	if err != nil {
		return err
	}
	if err := rest.LoadTLSFiles(config); err != nil {
		return err
	}
	// client-go shares connections among configurations that name the same files, of which every Node has its own under the same names.
	config.CAFile, config.CertFile, config.KeyFile = "", "", ""
	config.QPS = -1
	n.config = config
	n.client, err = clientset.NewForConfig(config)
	return err
}

// Config is how any client reaches the API server as the administrator; the copy is the caller's.
func (n *Node) Config() *rest.Config { return rest.CopyConfig(n.config) }

// Clientset is a client, as the administrator.
func (n *Node) Clientset() clientset.Interface { return n.client }

// KubeconfigPath is a file with which any program reaches the API server as the administrator.
func (n *Node) KubeconfigPath() string { return n.authority.kubeconfig("admin") }

// KubectlPath is our own kubectl: the machine's may be years older.
func (n *Node) KubectlPath() string { return n.binary("kubectl") }

// Kubectl runs it, as the administrator, and returns what it printed; its error holds what it complained about.
func (n *Node) Kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, n.KubectlPath(), append([]string{"--kubeconfig", n.KubeconfigPath()}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return stdout.String(), nil
}

// StopAPIServer kills the API server; the rest of the node goes on without.
func (n *Node) StopAPIServer() error { return n.stop("kube-apiserver") }

// StartAPIServer starts it again, at the same address with the same keys, and returns when it is ready.
func (n *Node) StartAPIServer(ctx context.Context) error {
	if err := n.startServer(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return n.until(ctx, "kube-apiserver", n.serverWrong)
}
