package incluster_test

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	kubetesting "k8s.io/client-go/testing"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/server/control"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/server/incluster"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

const (
	namespace = "podpass-system"
	name      = "podpass-administrator"
)

// world is a store that has been set up, and a cluster.
type world struct {
	env     iam.Env
	cluster *fake.Clientset
	first   string // id of the first administrator's key
	clock   *podpasstest.Clock
}

func newWorld(t *testing.T, objects ...runtime.Object) *world {
	t.Helper()
	clock := &podpasstest.Clock{}
	w := &world{env: iam.Env{Store: storetest.Open(t), Now: clock.Now, Random: rand.Reader}, cluster: fake.NewClientset(objects...), clock: clock}
	installed, err := control.FirstStart(t.Context(), w.env, control.First{Account: podpasstest.Account, Region: podpasstest.Region, IssuerBase: "https://podpass"})
	if err != nil {
		t.Fatal(err)
	}
	w.first = installed.Administrator.AccessKeyID
	return w
}

// replica is one server's.
func (w *world) replica() *incluster.Administrator {
	return &incluster.Administrator{
		Secrets: w.cluster.CoreV1().Secrets(namespace), Name: name, Env: w.env, Account: podpasstest.Account, Region: podpasstest.Region, Cluster: "prod",
		Log: slog.New(slog.DiscardHandler),
	}
}

func (w *world) keep(t *testing.T) {
	t.Helper()
	if err := w.replica().Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// good is the Secret, whose key must be in the store and usable.
func (w *world) good(t *testing.T) *core.Secret {
	t.Helper()
	s, err := w.cluster.CoreV1().Secrets(namespace).Get(t.Context(), name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	key, ok := w.env.Store.AccessKeys.Get(string(s.Data["AWS_ACCESS_KEY_ID"]))
	if !ok || !key.Active || key.Secret != string(s.Data["AWS_SECRET_ACCESS_KEY"]) || key.User != iam.Administrator {
		t.Fatalf("the Secret's key %s is not the store's", s.Data["AWS_ACCESS_KEY_ID"])
	}
	if string(s.Data["AWS_REGION"]) != podpasstest.Region || string(s.Data["PODPASS_CLUSTER"]) != "prod" || s.Labels["app.kubernetes.io/managed-by"] != "podpass" {
		t.Errorf("Secret %+v %s", s.Labels, s.Data["AWS_REGION"])
	}
	return s
}

func (w *world) writes() (n int) {
	for _, a := range w.cluster.Actions() {
		if a.GetVerb() == "create" || a.GetVerb() == "update" {
			n++
		}
	}
	return n
}

// drop deletes the administrator's keys, as a rotation does.
func (w *world) drop(t *testing.T) {
	t.Helper()
	err := w.env.Store.Transact(t.Context(), func(tx *store.Tx) error {
		user, _ := store.Read(tx, w.env.Store.Users, store.UserKey(string(podpasstest.Account), iam.Administrator))
		for _, k := range store.ReadBy(tx, w.env.Store.AccessKeys, store.ByUser, user.ID) {
			store.Write(tx, w.env.Store.AccessKeys, k.ID, nil)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The key that the first start made, and not another one: so nothing is lost if the server dies between the two.
func TestSecretHasTheFirstKey(t *testing.T) {
	w := newWorld(t)
	w.keep(t)
	if got := string(w.good(t).Data["AWS_ACCESS_KEY_ID"]); got != w.first {
		t.Errorf("key %s, the first was %s", got, w.first)
	}
	w.keep(t) // a start again
	if n := w.writes(); n != 1 || w.env.Store.AccessKeys.Len() != 1 {
		t.Errorf("%d writes, %d keys", n, w.env.Store.AccessKeys.Len())
	}
}

func TestReplicasThatStartTogether(t *testing.T) {
	w := newWorld(t)
	w.drop(t) // and have to make the key, too
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := w.replica().Keep(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.good(t)
	created := 0
	for _, a := range w.cluster.Actions() {
		if a.GetVerb() == "update" {
			t.Error("a replica wrote over another one's Secret")
		} else if a.GetVerb() == "create" {
			created++
		}
	}
	if created == 0 || w.env.Store.AccessKeys.Len() != 1 {
		t.Errorf("%d tried to create it, %d keys", created, w.env.Store.AccessKeys.Len())
	}
}

// A rotated key is followed within the moment, and never comes back from the Secret.
func TestSecretFollowsRotation(t *testing.T) {
	w := newWorld(t)
	a := w.replica()
	keep := func() {
		t.Helper()
		if err := a.Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	keep()
	w.drop(t)
	keep()
	if got := string(w.good(t).Data["AWS_ACCESS_KEY_ID"]); got == w.first {
		t.Error("the deleted key came back")
	}
	asked := len(w.cluster.Actions())
	for range 30 {
		w.clock.Advance(time.Second)
		keep()
	}
	if n := len(w.cluster.Actions()) - asked; n != 0 {
		t.Errorf("asked the API server %d times while nothing changed", n)
	}
	if err := w.cluster.CoreV1().Secrets(namespace).Delete(t.Context(), name, meta.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	keep()
	w.good(t)
}

func TestSecretOfSomebodyElse(t *testing.T) {
	w := newWorld(t, &core.Secret{ObjectMeta: meta.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string][]byte{"mine": []byte("x")}})
	err := w.replica().Keep(t.Context())
	if err == nil || !strings.Contains(err.Error(), "secret podpass-system/podpass-administrator is there already, and was not made by podpass") {
		t.Error(err)
	}
	if w.writes() != 0 {
		t.Error("it was written to")
	}
}

func TestWriteThatFailsIsMadeUpFor(t *testing.T) {
	w := newWorld(t)
	failures := 2
	w.cluster.PrependReactor("create", "secrets", func(kubetesting.Action) (bool, runtime.Object, error) {
		if failures--; failures < 0 {
			return false, nil, nil
		}
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, name, errors.New("not yet"))
	})
	for range 2 {
		if err := w.replica().Keep(t.Context()); !apierrors.IsForbidden(err) {
			t.Fatal(err)
		}
	}
	w.keep(t)
	if got := string(w.good(t).Data["AWS_ACCESS_KEY_ID"]); got != w.first || w.env.Store.AccessKeys.Len() != 1 {
		t.Errorf("key %s of %d, the first was %s", got, w.env.Store.AccessKeys.Len(), w.first)
	}
}

// Another replica writes in between: what it wrote stands.
func TestConflictsAreReadAgain(t *testing.T) {
	w := newWorld(t)
	w.keep(t)
	w.drop(t)
	conflicts := 3
	w.cluster.PrependReactor("update", "secrets", func(kubetesting.Action) (bool, runtime.Object, error) {
		if conflicts--; conflicts < 0 {
			return false, nil, nil
		}
		return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "secrets"}, name, errors.New("changed"))
	})
	w.keep(t)
	w.good(t)
	if w.env.Store.AccessKeys.Len() != 1 {
		t.Errorf("%d keys", w.env.Store.AccessKeys.Len())
	}
}
