//go:build e2e

package cluster_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var namespaces atomic.Int64

// namespace makes one for a test, with its default service account, and takes it away with the test. Where the test fails, it tells of the pods there.
func (w *world) namespace(t *testing.T, prefix string, labels map[string]string) string {
	t.Helper()
	name := fmt.Sprintf("%s-%d", prefix, namespaces.Add(1))
	object := &core.Namespace{ObjectMeta: meta.ObjectMeta{Name: name, Labels: maps.Clone(labels)}}
	if _, err := w.client.CoreV1().Namespaces().Create(t.Context(), object, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.explain(t, name)
		if err := w.client.CoreV1().Namespaces().Delete(context.Background(), name, meta.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	until(t, "the namespace's default service account", func() error {
		_, err := w.client.CoreV1().ServiceAccounts(name).Get(t.Context(), "default", meta.GetOptions{})
		return err
	})
	return name
}

// explain shows, for a test that failed, what a person would look at first.
func (w *world) explain(t *testing.T, namespace string) {
	if !t.Failed() {
		return
	}
	ctx := context.Background()
	for _, look := range [][]string{
		{"get", "pods,jobs,deployments,daemonsets", "-A", "-o", "wide"},
		{"describe", "pods", "-n", namespace},
		{"get", "events", "-n", namespace},
		{"get", "events", "-n", system},
		{"logs", "-n", system, "deployment/podpass-webhook", "--all-pods", "--tail=40"},
		{"logs", "-n", system, "deployment/podpass-server", "--all-pods", "--tail=40"},
		{"logs", "-n", system, "daemonset/podpass-agent", "--all-pods", "--tail=40"},
	} {
		out, err := w.run(ctx, "", "kubectl", look...)
		if err != nil {
			out += err.Error()
		}
		t.Logf("kubectl %s\n%s", strings.Join(look, " "), last(out, 12000))
	}
	t.Logf("why webhooks were not heard:\n%s", w.unheard())
	t.Log(w.node.Logs())
}

// unheard is what the API server said last of webhooks that gave no answer.
func (w *world) unheard() string {
	log, err := os.ReadFile(w.node.Log("kube-apiserver"))
	if err != nil {
		return err.Error()
	}
	var lines []string
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, "ailing open") || strings.Contains(line, "rejecting") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-10):], "")
}

// last is the end of a text that may be long.
func last(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return "..." + text[len(text)-n:]
}

// serviceAccount makes one; role may be empty.
func (w *world) serviceAccount(t *testing.T, namespace, name, role string) {
	t.Helper()
	object := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Name: name}}
	if role != "" {
		object.Annotations = map[string]string{roleAnnotation: role}
	}
	if _, err := w.client.CoreV1().ServiceAccounts(namespace).Create(t.Context(), object, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
