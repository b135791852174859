package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	cluster "github.com/podpass/podpass/test/kubernetes"
)

const (
	accountsInAll     = 100_000
	oneAnnotatedIn    = 10
	accountNamespaces = 100
	writers           = 16
	guardNamespace    = "podpass-system"
)

// before measures `podpass webhook` before a real API server: reviews, each with its consistent read, and memory with many accounts.
func before(ctx context.Context, podpass, dir, certificate, key string, roots *x509.CertPool, rounds int, round time.Duration) error {
	say("starting kube-apiserver and etcd; the first time they are built, for minutes")
	c, err := cluster.Open(ctx, dir)
	if err != nil {
		return err
	}
	defer c.Stop()
	config := c.Config()
	config.QPS, config.ContentType = -1, "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	kubeconfig, err := c.KubeconfigFile()
	if err != nil {
		return err
	}
	run := func() (*process, error) {
		return start(podpass, "webhook", "--in-cluster=false", "--kubeconfig", kubeconfig, "--tls-cert", certificate, "--tls-key", key, "--bind-address", "127.0.0.1",
			"--port", "0", "--metrics-port", "0", "--aws-default-region", "us-west-2", "--guard", "--namespace", guardNamespace, "--shutdown-delay", "0s", "--log-level", "warn")
	}
	if err := makeNamespaces(ctx, client, guardNamespace); err != nil {
		return err
	}
	if err := consistent(ctx, client, c.Config(), run, roots, rounds, round); err != nil {
		return err
	}
	return crowded(ctx, client, run, roots, round)
}

// consistent are reviews that read their account. Each connection has an account of its own: those of one account would share reads.
func consistent(ctx context.Context, client kubernetes.Interface, config *rest.Config, run func() (*process, error), roots *x509.CertPool, rounds int, round time.Duration) error {
	var with, without []string
	for i := range reviewConnections {
		with, without = append(with, fmt.Sprintf("%s-%d", annotated, i)), append(without, fmt.Sprintf("%s-%d", bare, i))
		if err := errors.Join(makeAccount(ctx, client, "default", with[i], true), makeAccount(ctx, client, "default", without[i], false)); err != nil {
			return err
		}
	}
	hook, err := run()
	if err != nil {
		return err
	}
	defer hook.stop()
	say(fmt.Sprintf("the same before a real API server, on the same two cores: each review reads its own service account, %d connections", reviewConnections))
	limit, err := newReader("limit: the reads alone", config, with)
	if err != nil {
		return err
	}
	defer limit.close()
	patched, err := newReviewer("podpass, a pod that is patched", hook.url, roots, with, true)
	if err != nil {
		return err
	}
	defer patched.close()
	unpatched, err := newReviewer("podpass, a pod that is not", hook.url, roots, without, false)
	if err != nil {
		return err
	}
	defer unpatched.close()
	if err := compareReviews(rounds, round, limit, patched, unpatched); err != nil {
		return err
	}
	for _, r := range []*reviewer{limit, patched, unpatched} {
		reviewRow(r, limit)
	}
	return nil
}

// newReader sends the API server what the webhook does for a review: a GET of a service account's metadata, of no known version.
func newReader(name string, config *rest.Config, accounts []string) (*reviewer, error) {
	pem, err := os.ReadFile(config.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	r := &reviewer{name: name, server: config.Host, roots: roots, good: func(answer []byte) bool { return bytes.Contains(answer, []byte(benchRole)) }}
	for i := range reviewConnections {
		r.requests = append(r.requests, fmt.Appendf(nil, "GET /api/v1/namespaces/default/serviceaccounts/%s HTTP/1.1\r\nHost: kubernetes\r\nAuthorization: Bearer %s\r\n"+
			"Accept: application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1\r\n\r\n", accounts[i], config.BearerToken))
	}
	return r, nil
}

// crowded measures memory in a cluster with very many accounts: what the guard, which follows them all, needs to read them, and then beside reviews.
func crowded(ctx context.Context, client kubernetes.Interface, run func() (*process, error), roots *x509.CertPool, round time.Duration) error {
	say(fmt.Sprintf("making %d service accounts in %d namespaces, one in %d annotated", accountsInAll, accountNamespaces, oneAnnotatedIn))
	if err := makeAccounts(ctx, client); err != nil {
		return err
	}
	say(fmt.Sprintf("memory of podpass webhook --guard with %d service accounts, %d of them annotated", accountsInAll, accountsInAll/oneAnnotatedIn))
	began := time.Now()
	hook, err := run()
	if err != nil {
		return err
	}
	defer hook.stop()
	if err := guarded(ctx, client); err != nil {
		return err
	}
	report("all of them guarded after", fmt.Sprintf("%.1f s", time.Since(began).Seconds()), "reported")
	if err := reportMemory(hook, "resident, and at most so far"); err != nil {
		return err
	}
	reviews, err := newReviewer("reviews", hook.url, roots, []string{annotated + "-0"}, true)
	if err != nil {
		return err
	}
	defer reviews.close()
	if err := reviews.run(round); err != nil {
		return err
	}
	return reportMemory(hook, "resident after reviews, and at most")
}

func reportMemory(p *process, what string) error {
	now, peak, err := p.resident()
	if err != nil {
		return err
	}
	anonymous, err := p.anonymous()
	if err != nil {
		return err
	}
	report(what, fmt.Sprintf("%d MB (%d anonymous), %d MB", now/1e6, anonymous/1e6, peak/1e6), "peak under 100 MB")
	return nil
}

// guarded returns when the lists of the guard hold every annotated account.
func guarded(ctx context.Context, client kubernetes.Interface) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		lists, err := client.CoreV1().ConfigMaps("").List(ctx, meta.ListOptions{FieldSelector: "metadata.name=podpass-accounts"})
		listed := 0
		if err == nil {
			for i := range lists.Items {
				listed += len(lists.Items[i].Data)
			}
			if listed >= accountsInAll/oneAnnotatedIn {
				return nil
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the guard has listed %d accounts: %w", listed, ctx.Err()), err)
		}
	}
}

func makeNamespaces(ctx context.Context, client kubernetes.Interface, names ...string) error {
	for _, name := range names {
		if _, err := client.CoreV1().Namespaces().Create(ctx, &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: name}}, meta.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func makeAccount(ctx context.Context, client kubernetes.Interface, namespace, name string, annotate bool) error {
	account := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Namespace: namespace, Name: name}}
	if annotate {
		account.Annotations = map[string]string{"eks.amazonaws.com/role-arn": benchRole}
	}
	_, err := client.CoreV1().ServiceAccounts(namespace).Create(ctx, account, meta.CreateOptions{})
	return err
}

func makeAccounts(ctx context.Context, client kubernetes.Interface) error {
	var names []string
	for i := range accountNamespaces {
		names = append(names, fmt.Sprintf("team-%03d", i))
	}
	if err := makeNamespaces(ctx, client, names...); err != nil {
		return err
	}
	var next atomic.Int64
	errs := make([]error, writers)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := next.Add(1) - 1; i < accountsInAll && errs[w] == nil; i = next.Add(1) - 1 {
				errs[w] = makeAccount(ctx, client, names[i%accountNamespaces], fmt.Sprintf("workload-%05d", i), i/accountNamespaces%oneAnnotatedIn == 0)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
