package guard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/podpass/podpass/test/fakekubernetes"
	"github.com/podpass/podpass/webhook"
	"github.com/podpass/podpass/webhook/guard"
)

const (
	home = "podpass-system"
	role = "arn:aws:iam::111122223333:role/app"
)

var serviceAccounts = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}

// world is a cluster, and associations, in a bubble.
type world struct {
	*testing.T
	client   *fake.Clientset
	accounts *metadatafake.FakeMetadataClient
	assoc    *associations
	mappings mappings
	log      *bytes.Buffer
	logger   *slog.Logger // one for all: its lock keeps the buffer
	registry *prometheus.Registry
}

// associations are "namespace/name".
type associations struct {
	mu      sync.Mutex
	set     map[string]bool
	changed chan struct{}
	err     error
}

func (a *associations) Matching(namespace, name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.set[namespace+"/"+name] || a.set[namespace+"/*"]
}

func (a *associations) Changed() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.changed
}

func (a *associations) Ready() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

func (a *associations) change(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
	close(a.changed)
	a.changed = make(chan struct{})
}

type mappings map[string]webhook.Mapping

func (m mappings) Mapping(namespace, name string) (webhook.Mapping, bool) {
	found, ok := m[namespace+"/"+name]
	return found, ok
}

func newWorld(t *testing.T, objects ...runtime.Object) *world {
	scheme := metadatafake.NewTestScheme()
	if err := meta.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	return &world{
		T: t, client: fakekubernetes.New(objects...), accounts: metadatafake.NewSimpleMetadataClient(scheme), mappings: mappings{},
		assoc: &associations{set: map[string]bool{}, changed: make(chan struct{})}, log: log, logger: slog.New(slog.NewTextHandler(log, nil)), registry: prometheus.NewRegistry(),
	}
}

// start begins a replica; stop ends it, and says when it has ended.
func (w *world) start(identity string, change func(*guard.Config)) (stop func()) {
	w.Helper()
	rules, err := webhook.NewRules(webhook.Settings{})
	if err != nil {
		w.Fatal(err)
	}
	config := guard.Config{
		Client: w.client, Metadata: w.accounts, Namespace: home, Identity: identity, Rules: rules, Associations: []guard.Associations{w.assoc},
		Mappings: w.mappings, Log: w.logger,
	}
	if change != nil {
		change(&config)
	}
	g, err := guard.New(config)
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	}
}

func (w *world) pass(d time.Duration) {
	time.Sleep(d) // the bubble's
	synctest.Wait()
}

func (w *world) account(namespace, name string, annotations ...string) {
	w.Helper()
	o := &meta.PartialObjectMetadata{
		TypeMeta:   meta.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
		ObjectMeta: meta.ObjectMeta{Namespace: namespace, Name: name, Annotations: map[string]string{}},
	}
	for i := 0; i < len(annotations); i += 2 {
		o.Annotations[annotations[i]] = annotations[i+1]
	}
	err := w.accounts.Tracker().Create(serviceAccounts, o, namespace)
	if apierrors.IsAlreadyExists(err) {
		err = w.accounts.Tracker().Update(serviceAccounts, o, namespace)
	}
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) remove(namespace, name string) {
	w.Helper()
	if err := w.accounts.Tracker().Delete(serviceAccounts, namespace, name); err != nil {
		w.Fatal(err)
	}
}

func (w *world) configMap(namespace, name string) *core.ConfigMap {
	w.Helper()
	m, err := w.client.CoreV1().ConfigMaps(namespace).Get(w.Context(), name, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		w.Fatal(err)
	}
	return m
}

// want is what the lists of all namespaces are, as "namespace/account": mechanism.
func (w *world) want(lists map[string]string) {
	w.Helper()
	all, err := w.client.CoreV1().ConfigMaps("").List(w.Context(), meta.ListOptions{})
	if err != nil {
		w.Fatal(err)
	}
	got := map[string]string{}
	for _, m := range all.Items {
		if m.Name == guard.ListName {
			for name, value := range m.Data {
				got[m.Namespace+"/"+name] = value
			}
		}
	}
	if diff := cmp.Diff(lists, got); diff != "" {
		w.Errorf("lists (-want +got):\n%s\n%s", diff, w.log)
	}
}

// writes are the verbs of the writes of ConfigMaps since the last call.
func (w *world) writes() (verbs []string) {
	for _, a := range w.client.Actions() {
		if a.GetResource().Resource == "configmaps" && slices.Contains([]string{"create", "update", "patch", "delete"}, a.GetVerb()) {
			verbs = append(verbs, a.GetVerb())
		}
	}
	w.client.ClearActions()
	return verbs
}

func TestLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.account("a", "annotated", "eks.amazonaws.com/role-arn", role)
		w.account("a", "plain")
		w.account("a", "invalid", "eks.amazonaws.com/role-arn", "arn:aws:iam::1:role/app")
		w.account("a", "empty", "eks.amazonaws.com/role-arn", "")
		w.account("a", "mistyped", "eks.amazon.com/role-arn", role)
		w.account("b", "mapped")
		w.account("b", "mapped-badly")
		w.account("b", "both", "eks.amazonaws.com/role-arn", role)
		w.account("b", "associated")
		w.account("b", "invalid-but-associated", "eks.amazonaws.com/role-arn", "x")
		w.account("c", "plain")
		w.mappings["b/mapped"] = webhook.Mapping{RoleARN: role}
		w.mappings["b/mapped-badly"] = webhook.Mapping{RoleARN: "x"}
		w.mappings["a/invalid"] = webhook.Mapping{RoleARN: role} // the annotation goes before it
		w.assoc.set = map[string]bool{"b/both": true, "b/associated": true, "b/invalid-but-associated": true, "b/not-there-yet": true, "g/*": true}
		stop := w.start("one", nil)
		w.pass(time.Second)
		lists := map[string]string{
			"a/annotated": "irsa", "b/mapped": "irsa", "b/both": "pod-identity", "b/associated": "pod-identity", "b/invalid-but-associated": "pod-identity",
		}
		w.want(lists)
		if got := w.writes(); !slices.Equal(got, []string{"create", "create"}) {
			t.Errorf("writes: %v", got)
		}
		if m := w.configMap("a", guard.ListName); m.Labels["app.kubernetes.io/managed-by"] != "podpass" {
			t.Errorf("labels %v", m.Labels)
		}
		// One after the other, each with the fewest writes.
		for _, step := range []struct {
			name   string
			do     func()
			change func()
			writes []string
		}{
			{
				"account that an association waited for", func() { w.account("b", "not-there-yet") },
				func() { lists["b/not-there-yet"] = "pod-identity" },
				[]string{"patch"},
			},
			{
				"account that matches a glob", func() { w.account("g", "any") },
				func() { lists["g/any"] = "pod-identity" },
				[]string{"create"},
			},
			{"account that changes in nothing that matters", func() { w.account("a", "annotated", "eks.amazonaws.com/role-arn", role+"2", "x", "y") }, func() {}, nil},
			{
				"annotation removed", func() { w.account("a", "annotated") },
				func() { delete(lists, "a/annotated") },
				[]string{"delete"},
			},
			{
				"annotation added", func() { w.account("a", "plain", "eks.amazonaws.com/role-arn", role) },
				func() { lists["a/plain"] = "irsa" },
				[]string{"create"},
			},
			{
				"association made", func() { w.assoc.change(func() { w.assoc.set["a/mistyped"] = true }) },
				func() { lists["a/mistyped"] = "pod-identity" },
				[]string{"patch"},
			},
			{
				"association deleted, the annotation remains", func() { w.assoc.change(func() { delete(w.assoc.set, "b/both") }) },
				func() { lists["b/both"] = "irsa" },
				[]string{"patch"},
			},
			{"account deleted", func() { w.remove("b", "associated") }, func() { delete(lists, "b/associated") }, []string{"patch"}},
			{"account deleted that was on no list", func() { w.remove("c", "plain") }, func() {}, nil},
		} {
			step.do()
			step.change()
			w.pass(time.Second)
			w.want(lists)
			if got := w.writes(); !slices.Equal(got, step.writes) {
				t.Errorf("%s: writes %v, want %v", step.name, got, step.writes)
			}
		}
		stop()
	})
}

// What others do to the lists is undone; what isn't ours is left alone.
func TestOthersHands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stale := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Namespace: "old", Name: guard.ListName, Labels: map[string]string{"app.kubernetes.io/managed-by": "podpass"}}, Data: map[string]string{"gone": "irsa"}}
		foreign := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Namespace: "b", Name: guard.ListName}, Data: map[string]string{"theirs": "x"}}
		elsewhere := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Namespace: "a", Name: "settings"}, Data: map[string]string{"x": "y"}}
		w := newWorld(t, stale, foreign, elsewhere)
		w.account("a", "web", "eks.amazonaws.com/role-arn", role)
		w.account("b", "web", "eks.amazonaws.com/role-arn", role)
		stop := w.start("one", nil)
		w.pass(time.Second)
		lists := map[string]string{"a/web": "irsa", "b/theirs": "x"}
		w.want(lists)
		if !strings.Contains(w.log.String(), "kubectl delete configmap -n b podpass-accounts") {
			t.Errorf("no word about the ConfigMap that is not ours:\n%s", w.log)
		}
		maps := w.client.CoreV1().ConfigMaps("a")
		for name, change := range map[string]func(m *core.ConfigMap){
			"emptied":   func(m *core.ConfigMap) { m.Data = nil },
			"more":      func(m *core.ConfigMap) { m.Data["more"] = "irsa" },
			"changed":   func(m *core.ConfigMap) { m.Data["web"] = "x" },
			"immutable": func(m *core.ConfigMap) { m.Data, m.Immutable = map[string]string{"x": "y"}, new(true) },
		} {
			m := w.configMap("a", guard.ListName)
			change(m)
			if _, err := maps.Update(t.Context(), m, meta.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			w.pass(time.Second)
			t.Log(name)
			w.want(lists)
		}
		if err := maps.Delete(t.Context(), guard.ListName, meta.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		w.want(lists)
		if w.configMap("a", "settings") == nil {
			t.Error("another ConfigMap is gone")
		}
		if err := w.client.CoreV1().ConfigMaps("b").Delete(t.Context(), guard.ListName, meta.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		w.want(map[string]string{"a/web": "irsa", "b/web": "irsa"})
		stop()
	})
}

// Before the associations have been read nothing is taken off a list: all of it might be of associations.
func TestNothingIsRemovedInIgnorance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Namespace: "a", Name: guard.ListName, Labels: map[string]string{"app.kubernetes.io/managed-by": "podpass"}}, Data: map[string]string{"queue": "pod-identity", "gone": "pod-identity"}}
		w := newWorld(t, before)
		w.account("a", "queue")
		w.assoc.err = errors.New("the server does not answer")
		stop := w.start("one", nil)
		w.account("a", "web", "eks.amazonaws.com/role-arn", role)
		w.pass(2 * time.Minute)
		w.want(map[string]string{"a/queue": "pod-identity", "a/gone": "pod-identity", "a/web": "irsa"})
		if n := strings.Count(w.log.String(), "the server does not answer"); n != 1 {
			t.Errorf("said %d times:\n%s", n, w.log)
		}
		w.assoc.mu.Lock()
		w.assoc.err, w.assoc.set["a/queue"] = nil, true // and no word of it
		w.assoc.mu.Unlock()
		w.pass(5 * time.Second)
		w.want(map[string]string{"a/queue": "pod-identity", "a/web": "irsa"})
		stop()
	})
}

func TestOneReplicaWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.account("a", "web", "eks.amazonaws.com/role-arn", role)
		stops := map[string]func(){"one": w.start("one", nil), "two": w.start("two", nil)}
		w.pass(10 * time.Second)
		w.want(map[string]string{"a/web": "irsa"})
		lease, err := w.client.CoordinationV1().Leases(home).Get(t.Context(), guard.Lease, meta.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.writes(); !slices.Equal(got, []string{"create"}) {
			t.Errorf("writes: %v", got)
		}
		first := *lease.Spec.HolderIdentity
		stops[first]()
		w.account("a", "web2", "eks.amazonaws.com/role-arn", role)
		w.pass(5 * time.Second) // the lease is given back: nobody waits for its end
		w.want(map[string]string{"a/web": "irsa", "a/web2": "irsa"})
		delete(stops, first)
		for _, stop := range stops {
			stop()
		}
	})
}

// More accounts than a ConfigMap has room for: always the same ones are listed, and the rest is said.
func TestTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		long := strings.Repeat("n", 200)
		const count = 4000
		for i := range count {
			w.account("big", fmt.Sprintf("%s%05d", long, i), "eks.amazonaws.com/role-arn", role)
		}
		w.account("small", "web", "eks.amazonaws.com/role-arn", role)
		stop := w.start("one", func(c *guard.Config) { c.Registerer = w.registry })
		w.pass(time.Second)
		m := w.configMap("big", guard.ListName)
		size := 0
		for name, value := range m.Data {
			size += len(name) + len(value)
		}
		if size > 1<<20 || size < 1<<19 {
			t.Errorf("%d bytes", size)
		}
		n := len(m.Data)
		if _, first := m.Data[long+"00000"]; !first {
			t.Error("the first by name is not listed")
		}
		if _, last := m.Data[fmt.Sprintf("%s%05d", long, n-1)]; !last {
			t.Error("not the first by name are listed")
		}
		if w.configMap("small", guard.ListName) == nil {
			t.Error("another namespace suffers from it")
		}
		if !strings.Contains(w.log.String(), "AccountsLeftOut") {
			t.Errorf("nothing is said:\n%s", w.log)
		}
		families, err := w.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]float64{}
		for _, f := range families {
			values[f.GetName()] += f.GetMetric()[0].GetGauge().GetValue()
		}
		if values["podpass_webhook_guard_left_out"] != float64(count-n) || values["podpass_webhook_guard_accounts"] != count+1 || values["podpass_webhook_guard_leading"] != 1 {
			t.Errorf("metrics %v, want %d left out", values, count-n)
		}
		stop()
	})
}

// A namespace on its way out is left alone; other errors are tried again.
func TestRefusedWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var terminating atomic.Int32
		var mended atomic.Bool
		w.client.PrependReactor("create", "configmaps", func(a clienttesting.Action) (bool, runtime.Object, error) {
			switch {
			case a.GetNamespace() == "leaving":
				terminating.Add(1)
				err := apierrors.NewForbidden(core.Resource("configmaps"), guard.ListName, errors.New("unable to create new content in namespace leaving because it is being terminated"))
				err.ErrStatus.Details.Causes = []meta.StatusCause{{Type: core.NamespaceTerminatingCause}}
				return true, nil, err
			case !mended.Load():
				return true, nil, errors.New("no")
			}
			return false, nil, nil
		})
		w.account("leaving", "web", "eks.amazonaws.com/role-arn", role)
		w.account("a", "web", "eks.amazonaws.com/role-arn", role)
		stop := w.start("one", nil)
		w.pass(3 * time.Minute)
		if n := terminating.Load(); n != 1 {
			t.Errorf("%d attempts in a namespace that is being deleted", n)
		}
		mended.Store(true)
		w.pass(time.Minute)
		w.want(map[string]string{"a/web": "irsa"})
		stop()
	})
}

func TestCopiesTheCA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Namespace: home, Name: guard.CAName}, Data: map[string]string{"ca.crt": "first"}}
		theirs := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Namespace: "theirs", Name: guard.CAName}, Data: map[string]string{"ca.crt": "another"}}
		w := newWorld(t, source, theirs)
		w.account("a", "web", "eks.amazonaws.com/role-arn", role)
		w.account("theirs", "web", "eks.amazonaws.com/role-arn", role)
		w.account("none", "web")
		stop := w.start("one", func(c *guard.Config) { c.CopyCA = true })
		w.pass(time.Second)
		check := func(ca string) {
			t.Helper()
			if m := w.configMap("a", guard.CAName); m == nil || m.Data["ca.crt"] != ca {
				t.Errorf("%v, want %s", m, ca)
			}
			if m := w.configMap("none", guard.CAName); m != nil {
				t.Error("copied to where nobody needs it")
			}
			if m := w.configMap("theirs", guard.CAName); m.Data["ca.crt"] != "another" {
				t.Error("somebody else's was changed")
			}
			if m := w.configMap(home, guard.CAName); m.Data["ca.crt"] != ca || len(m.Labels) > 0 {
				t.Errorf("the source was changed: %v", m)
			}
		}
		check("first")
		s := w.configMap(home, guard.CAName)
		s.Data["ca.crt"] = "second"
		if _, err := w.client.CoreV1().ConfigMaps(home).Update(t.Context(), s, meta.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		check("second")
		if err := w.client.CoreV1().ConfigMaps("a").Delete(t.Context(), guard.CAName, meta.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		check("second")
		w.account("a", "web") // needed no longer: pods that mount it may still run
		w.pass(time.Second)
		check("second")
		stop()
	})
}
