package certificate_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/podpass/podpass/certificate"
)

// refuse makes the API server refuse such requests until allow is called.
func (w *world) refuse(verb, resource string) (allow func()) {
	var off atomic.Bool
	w.client.PrependReactor(verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		if off.Load() {
			return false, nil, nil
		}
		return true, nil, errors.New("no")
	})
	return func() { off.Store(true) }
}

// other is the Secret of another cluster: all of it valid, none of it this one's.
func other(t *testing.T) *core.Secret {
	w := newWorld(t)
	r := w.start(nil)
	w.pass(time.Second)
	r.stop()
	return w.secret()
}

// Whatever somebody does to the Secret, it is put right, and clients can connect: to a process that knew it before, and to a new one.
func TestRepair(t *testing.T) {
	for name, breakIt := range map[string]func(s, other *core.Secret){
		"emptied":            func(s, _ *core.Secret) { s.Data = nil },
		"leaf missing":       func(s, _ *core.Secret) { delete(s.Data, "tls.crt") },
		"leaf's key missing": func(s, _ *core.Secret) { delete(s.Data, "tls.key") },
		"leaf garbage":       func(s, _ *core.Secret) { s.Data["tls.crt"] = []byte("garbage") },
		"leaf's key garbage": func(s, _ *core.Secret) {
			s.Data["tls.key"] = []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
		},
		"leaf of another CA": func(s, o *core.Secret) { s.Data["tls.crt"], s.Data["tls.key"] = o.Data["tls.crt"], o.Data["tls.key"] },
		"bundle missing":     func(s, _ *core.Secret) { delete(s.Data, "ca.crt") },
		"bundle garbage": func(s, _ *core.Secret) {
			s.Data["ca.crt"] = []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
		},
		"bundle of another CA":     func(s, o *core.Secret) { s.Data["ca.crt"] = o.Data["ca.crt"] },
		"bundle a leaf":            func(s, _ *core.Secret) { s.Data["ca.crt"] = s.Data["tls.crt"] },
		"bundle with another CA":   func(s, o *core.Secret) { s.Data["ca.crt"] = append(s.Data["ca.crt"], o.Data["ca.crt"]...) },
		"CA's key missing":         func(s, _ *core.Secret) { delete(s.Data, "ca.key") },
		"CA's key garbage":         func(s, _ *core.Secret) { s.Data["ca.key"] = []byte{0, 1, 2} },
		"CA's key another's":       func(s, o *core.Secret) { s.Data["ca.key"] = o.Data["ca.key"] },
		"keys interchanged":        func(s, _ *core.Secret) { s.Data["ca.key"], s.Data["tls.key"] = s.Data["tls.key"], s.Data["ca.key"] },
		"CA and leaf's key gone":   func(s, _ *core.Secret) { delete(s.Data, "ca.key"); delete(s.Data, "tls.key") },
		"next CA's key of nothing": func(s, o *core.Secret) { s.Data["next-ca.key"] = o.Data["ca.key"] },
		"next CA's key the same":   func(s, _ *core.Secret) { s.Data["next-ca.key"] = s.Data["ca.key"] },
		"times that are none": func(s, _ *core.Secret) {
			s.Annotations = map[string]string{"podpass.io/published": "yesterday", "podpass.io/switched": "2006-01-02T15:04:05Z"}
		},
	} {
		for _, known := range []bool{true, false} {
			title := name + ", to a process that knew it"
			if !known {
				title = name + ", before the process starts"
			}
			t.Run(title, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					r := w.start(nil)
					w.pass(time.Second)
					ca := w.wantServed(r).Issuer.CommonName
					if !known {
						r.stop()
					}
					another := other(t)
					w.update(func(s *core.Secret) { breakIt(s, another) })
					if !known {
						r = w.start(nil)
					}
					w.pass(2 * time.Second)
					leaf := w.wantServed(r)
					if known && leaf.Issuer.CommonName != ca {
						t.Error("another CA, though the old one was known")
					}
					// And whatever was begun is finished.
					w.pass(4 * overlap)
					w.wantServed(r)
					s := w.secret()
					if n := certificates(s.Data["ca.crt"]); n != 1 || s.Data["next-ca.key"] != nil || len(s.Annotations) > 0 {
						t.Errorf("%d CAs, annotations %v", n, s.Annotations)
					}
					version := s.ResourceVersion
					w.pass(overlap)
					if w.secret().ResourceVersion != version {
						t.Error("it is written again and again")
					}
					r.stop()
				})
			})
		}
	}
}

func TestExpiredSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		short := func(c *certificate.Config) { c.CAValidity, c.Validity = 6*overlap, overlap }
		r := w.start(short)
		w.pass(time.Second)
		r.stop()
		w.pass(24 * time.Hour)
		r = w.start(short)
		w.pass(2 * time.Second)
		w.wantServed(r)
		if !strings.Contains(w.log.String(), "expired") {
			t.Errorf("the log doesn't say why:\n%s", w.log)
		}
		r.stop()
	})
}

func TestDeletedThings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(nil), w.start(nil)
		w.pass(time.Second)
		leaf, bundle := w.wantServed(a), string(w.published())
		ctx := t.Context()
		hooks := w.client.AdmissionregistrationV1().MutatingWebhookConfigurations()

		if err := w.client.CoreV1().Secrets(namespace).Delete(ctx, secret, meta.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		if !w.wantServed(a).Equal(leaf) || !w.wantServed(b).Equal(leaf) || string(w.secret().Data["ca.crt"]) != bundle {
			t.Error("the Secret is not as it was")
		}

		if err := w.client.CoreV1().ConfigMaps(namespace).Delete(ctx, place, meta.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		if string(w.published()) != bundle {
			t.Error("the ConfigMap did not come back")
		}

		c, err := hooks.Get(ctx, "podpass", meta.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		c.Webhooks[0].ClientConfig.CABundle, c.Webhooks[1].ClientConfig.CABundle = nil, []byte("another")
		if _, err := hooks.Update(ctx, c, meta.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		w.wantServed(a)

		if err := hooks.Delete(ctx, "podpass", meta.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Hour)
		if err := a.Ready(); err != nil {
			t.Errorf("where nobody calls the webhook, there is nobody to tell: %v", err)
		}
		c.ResourceVersion, c.Webhooks[1].ClientConfig.CABundle = "", nil
		if _, err := hooks.Create(ctx, c, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		w.wantServed(a)
		if c, err = hooks.Get(ctx, "podpass", meta.GetOptions{}); err != nil || c.Labels["mine"] != "yes" || len(c.Webhooks) != 2 {
			t.Errorf("more than caBundle was changed: %v %v", c, err)
		}
		a.stop()
		b.stop()
	})
}

// A Secret that somebody else made is left alone.
func TestForeignSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		foreign := &core.Secret{ObjectMeta: meta.ObjectMeta{Name: secret, Namespace: namespace}, Data: map[string][]byte{"tls.crt": []byte("theirs")}}
		if _, err := w.client.CoreV1().Secrets(namespace).Create(t.Context(), foreign, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		r := w.start(nil)
		w.pass(time.Minute)
		if string(w.secret().Data["tls.crt"]) != "theirs" || len(w.secret().Data) != 1 || w.published() != nil {
			t.Error("it was changed, or something was published")
		}
		if err := r.Ready(); err == nil || !strings.Contains(err.Error(), "was not made by podpass") || !strings.Contains(err.Error(), "kubectl delete secret -n "+namespace+" "+secret) {
			t.Errorf("no hint: %v", err)
		}
		if n := strings.Count(w.log.String(), "was not made by podpass"); n != 1 {
			t.Errorf("said %d times", n)
		}
		w.update(func(s *core.Secret) { s.Labels = map[string]string{"app.kubernetes.io/managed-by": "podpass"} })
		w.pass(time.Second)
		w.wantServed(r)
		r.stop()
	})
}

// Replicas that were started with different names, as during an upgrade, do not replace each other's certificate for ever.
func TestOtherNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		named := func(names ...string) func(*certificate.Config) {
			return func(c *certificate.Config) { c.DNSNames, c.CAValidity, c.Validity = names, 24*time.Hour, 4*time.Hour }
		}
		a := w.start(named(host, "old.example"))
		w.pass(time.Second)
		b := w.start(named(host, "new.example"))
		w.pass(time.Minute)
		version := w.secret().ResourceVersion
		w.pass(time.Hour)
		if w.secret().ResourceVersion != version {
			t.Error("the certificate changes all the time")
		}
		for _, r := range []*replica{a, b} {
			for _, name := range []string{host, "old.example", "new.example"} {
				if _, err := connect(r, w.published(), name); err != nil {
					t.Error(err)
				}
			}
		}
		a.stop()
		w.pass(5 * time.Hour)
		if _, err := connect(b, w.published(), "old.example"); err == nil {
			t.Error("a name that nobody asks for is kept for ever")
		}
		b.stop()
	})
}

// Somebody who read the place before a newer bundle was written to it doesn't write an older one over it.
func TestPublishComparesAndSwaps(t *testing.T) {
	w := newWorld(t)
	for _, p := range []certificate.Publisher{certificate.ConfigMap(w.client, namespace, place), certificate.WebhookConfiguration(w.client, "podpass")} {
		put := func(bundle string, meanwhile func()) error {
			return p.Publish(t.Context(), func(context.Context) ([]byte, error) {
				meanwhile()
				return []byte(bundle), nil
			})
		}
		if err := put("first", func() {}); err != nil {
			t.Fatal(err)
		}
		err := put("second", func() {
			if err := put("third", func() {}); err != nil {
				t.Fatal(err)
			}
		})
		if !apierrors.IsConflict(err) {
			t.Errorf("%s: %v, want a conflict", p, err)
		}
	}
	if got := string(w.published()); got != "third" {
		t.Errorf("%q", got)
	}
	for _, got := range w.caBundle() {
		if string(got) != "third" {
			t.Errorf("%q", got)
		}
	}
}
