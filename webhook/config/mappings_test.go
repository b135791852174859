package config_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/podpass/podpass/webhook"
	"github.com/podpass/podpass/webhook/config"
)

const arn = "arn:aws:iam::111122223333:role/"

func configMap(name, text string) *core.ConfigMap {
	return &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Namespace: "eks", Name: name, ResourceVersion: text}, Data: map[string]string{"config": text}}
}

func mappings(t *testing.T, registry prometheus.Registerer, objects ...*core.ConfigMap) (*config.Mappings, *fake.Clientset) {
	t.Helper()
	client := fake.NewClientset()
	for _, o := range objects {
		if _, err := client.CoreV1().ConfigMaps("eks").Create(t.Context(), o, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := config.NewMappings(client, "eks", time.Hour, nil, registry)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { m.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	until(t, "the ConfigMap was looked for", func() bool { return m.Ready() == nil })
	return m, client
}

// Rules of precedence: an exact name, then the namespace before the account, a name before a glob, and the glob that says more.
func TestMappingPrecedence(t *testing.T) {
	roles := map[string]string{
		"shop/web": "exact", "shop/w*": "shop-w", "shop/*": "shop", "sh*/web": "sh-web", "s*/web": "s-web", "*/web": "web", "*/*": "all", "test-*/sa": "test",
	}
	var text []string
	for name, role := range roles {
		text = append(text, `"`+name+`":{"RoleARN":"`+arn+role+`"}`)
	}
	m, _ := mappings(t, nil, configMap("pod-identity-webhook", "{"+strings.Join(text, ",")+"}"))
	for _, tt := range []struct{ namespace, name, want string }{
		{"shop", "web", "exact"},
		{"shop", "worker", "shop-w"},
		{"shop", "job", "shop"},
		{"shoe", "web", "sh-web"},
		{"sun", "web", "s-web"},
		{"other", "web", "web"},
		{"test-1", "sa", "test"},
		{"other", "job", "all"},
	} {
		got, ok := m.Mapping(tt.namespace, tt.name)
		if !ok || got.RoleARN != arn+tt.want {
			t.Errorf("%s/%s: %q, want role %s", tt.namespace, tt.name, got.RoleARN, tt.want)
		}
	}
}

func TestMappings(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, client := mappings(t, registry)
	if _, ok := m.Mapping("shop", "web"); ok {
		t.Error("there is a mapping without a ConfigMap")
	}
	maps, ctx := client.CoreV1().ConfigMaps("eks"), t.Context()
	put := func(text string, create bool) {
		t.Helper()
		var err error
		if create {
			_, err = maps.Create(ctx, configMap("pod-identity-webhook", text), meta.CreateOptions{})
		} else {
			_, err = maps.Update(ctx, configMap("pod-identity-webhook", text), meta.UpdateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put(`{"shop/web":{"RoleARN":"`+arn+`one","Audience":"us","UseRegionalSTS":false,"TokenExpiration":3600,"Later":{"x":1}}}`, true)
	until(t, "the mapping appears", func() bool { _, ok := m.Mapping("shop", "web"); return ok })
	regional := false
	got, _ := m.Mapping("shop", "web")
	if diff := cmp.Diff(webhook.Mapping{RoleARN: arn + "one", Audience: "us", UseRegionalSTS: &regional, TokenExpiration: 3600}, got); diff != "" {
		t.Error(diff)
	}
	mistakes := 0.0
	for _, bad := range []string{
		`{"shop/web":`, `[]`, `{"shop":{}}`, `{"shop/web":null}`, `{"shop/web":{"TokenExpiration":-1}}`, `{"shop/web":{"TokenExpiration":"3600"}}`, `{"SHOP/web":{}}`, `{"shop/web/x":{}}`,
	} {
		put(bad, false)
		mistakes++
		until(t, "the mistake in "+bad+" is counted", func() bool { return metric(t, registry, "podpass_webhook_config_errors_total") == mistakes })
		if got, _ := m.Mapping("shop", "web"); got.RoleARN != arn+"one" {
			t.Errorf("%s took effect: %+v", bad, got)
		}
	}
	put(`{"shop/web":{"RoleARN":"`+arn+`two"}}`, false)
	until(t, "the correction is in effect", func() bool { got, _ := m.Mapping("shop", "web"); return got.RoleARN == arn+"two" })
	if err := maps.Delete(ctx, "pod-identity-webhook", meta.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, "the mapping goes with the ConfigMap", func() bool { _, ok := m.Mapping("shop", "web"); return !ok })
}
