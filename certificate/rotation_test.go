package certificate_test

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/podpass/podpass/certificate"
)

func TestFirstStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		a, b := w.start(nil), w.start(nil)
		if err := a.Ready(); err == nil {
			t.Error("ready before anything was published")
		}
		if _, err := a.GetCertificate(nil); err == nil {
			t.Error("a certificate before anything was published")
		}
		w.pass(time.Second)
		leafs := []*x509.Certificate{w.wantServed(a), w.wantServed(b)}
		if !leafs[0].Equal(leafs[1]) {
			t.Error("two replicas serve two certificates")
		}
		if n := certificates(w.published()); n != 1 {
			t.Errorf("%d CAs, want 1", n)
		}
		// A later replica finds everything and changes nothing.
		version := w.secret().ResourceVersion
		c := w.start(nil)
		w.pass(time.Second)
		if !w.wantServed(c).Equal(leafs[0]) || w.secret().ResourceVersion != version {
			t.Error("a third replica changed the Secret")
		}
		for _, r := range []*replica{a, b, c} {
			r.stop()
		}
	})
}

// Over a whole rotation of the CA no client fails: whatever replica it reaches, whether it has just read the bundle or nine minutes ago, and though one
// replica is cut off from the API server for most of the time.
func TestNoClientFailsWhileTheCAIsRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		steady, late := w.start(nil), w.start(nil)
		w.pass(time.Second)
		before := w.wantServed(steady)
		var bundles [][]byte // as they were, one for every five seconds
		seen := map[string]bool{}
		began := time.Now()
		for i := 0; time.Since(began) < 3*overlap; i++ {
			if i == 12 {
				w.request("ca")
			}
			late.cut.Store(i%60 < 42)
			bundles = append(bundles, w.published())
			old := bundles[max(0, len(bundles)-1-9*12)]
			for name, r := range map[string]*replica{"steady": steady, "late": late} {
				for age, bundle := range map[string][]byte{"new": w.published(), "old": old, "caBundle": w.caBundle()[1]} {
					leaf, err := connect(r, bundle, host)
					if err != nil {
						t.Fatalf("%v into the rotation, %s replica, %s bundle of %d CAs: %v", time.Since(began), name, age, certificates(bundle), err)
					}
					seen[fmt.Sprintf("%s %t %d", name, leaf.Issuer.CommonName == before.Issuer.CommonName, certificates(w.published()))] = true
				}
				if err := r.Ready(); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			w.pass(5 * time.Second)
		}
		// All of it was really seen: whether the certificate is the old CA's, and how many CAs were published.
		for _, want := range []string{"steady true 1", "steady true 2", "steady false 2", "steady false 1", "late true 2", "late false 2", "late false 1"} {
			if !seen[want] {
				t.Errorf("never seen: %s (%v)", want, seen)
			}
		}
		if asked, ok := w.secret().Annotations[certificate.AnnotationRotate]; ok {
			t.Errorf("the request %q is still there", asked)
		}
		steady.stop()
		late.stop()
	})
}

// CA and certificate are replaced by their age, for as long as it goes on.
func TestAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		short := func(c *certificate.Config) {
			c.CAValidity, c.Validity, c.Overlap = 24*time.Hour, 4*time.Hour, 20*time.Minute
		}
		replicas := []*replica{w.start(short), w.start(short)}
		w.pass(time.Second)
		cas, leafs := map[string]bool{}, map[string]bool{}
		old := w.published()
		for range 2 * 24 * 10 { // two days, in steps of six minutes
			w.pass(6 * time.Minute)
			for _, r := range replicas {
				leaf, err := connect(r, old, host)
				if err != nil {
					t.Fatal(err)
				}
				if left := time.Until(leaf.NotAfter); left < time.Hour {
					t.Errorf("a certificate is served with %v left", left)
				}
				cas[leaf.Issuer.CommonName], leafs[leaf.SerialNumber.String()] = true, true
			}
			old = w.published()
		}
		if len(cas) < 3 || len(leafs) < 14 || len(leafs) > 25 {
			t.Errorf("%d CAs, %d certificates", len(cas), len(leafs))
		}
		for _, r := range replicas {
			r.stop()
		}
	})
}

func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(nil)
		w.pass(time.Second)
		before, bundle := w.wantServed(r), w.published()
		w.request("certificate")
		w.pass(time.Second)
		after := w.wantServed(r)
		if after.Equal(before) || after.Issuer.CommonName != before.Issuer.CommonName || !bytes.Equal(w.published(), bundle) {
			t.Error("not a new certificate of the same CA")
		}
		if _, ok := w.secret().Annotations[certificate.AnnotationRotate]; ok {
			t.Error("the request stays")
		}
		w.request("everything")
		w.pass(time.Second)
		if _, ok := w.secret().Annotations[certificate.AnnotationRotate]; ok || !w.wantServed(r).Equal(after) {
			t.Error("a request for something unknown was not just removed")
		}
		r.stop()
	})
}

// A CA that cannot be published everywhere is not used.
func TestUnpublishedIsNotServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(nil)
		w.pass(time.Second)
		before := w.wantServed(r)
		allow := w.refuse("patch", "mutatingwebhookconfigurations")
		w.request("ca")
		w.pass(4 * overlap)
		if leaf := w.wantServed(r); !leaf.Equal(before) {
			t.Error("a certificate is served whose CA the API server wasn't told of")
		}
		if n := certificates(w.secret().Data["ca.crt"]); n != 2 {
			t.Errorf("%d CAs in the Secret, want 2", n)
		}
		// A new replica is in the same position: it may serve what the old CA signed, which is published.
		fresh := w.start(nil)
		allow()
		w.pass(3 * overlap)
		for _, r := range []*replica{r, fresh} {
			if leaf := w.wantServed(r); leaf.Issuer.CommonName == before.Issuer.CommonName {
				t.Error("the rotation did not go on")
			}
			r.stop()
		}
	})
}

// While the API server cannot be asked, what is there is served; but no longer ready is who may not hear of a new CA in time.
func TestCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.start(nil)
		w.pass(time.Minute)
		r.cut.Store(true)
		w.pass(overlap/2 - 2*time.Minute)
		w.wantServed(r)
		w.pass(4 * time.Minute)
		if err := r.Ready(); err == nil {
			t.Error("ready after half the overlap with no news")
		}
		if _, err := connect(r, w.published(), host); err != nil {
			t.Errorf("what is there is no longer served: %v", err)
		}
		r.cut.Store(false)
		w.pass(time.Minute)
		w.wantServed(r)
		r.stop()
	})
}

func TestNewRefuses(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*certificate.Config){
		"no client":         func(c *certificate.Config) { c.Secrets = nil },
		"no Secret":         func(c *certificate.Config) { c.Name = "" },
		"no DNS names":      func(c *certificate.Config) { c.DNSNames = nil },
		"a negative span":   func(c *certificate.Config) { c.Validity = -1 },
		"too short an age":  func(c *certificate.Config) { c.CAValidity = 5 * overlap },
		"and its remainder": func(c *certificate.Config) { c.Overlap = -1 },
	} {
		config := w.config()
		change(&config)
		if _, err := certificate.New(config); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := certificate.New(w.config()); err != nil {
		t.Error(err)
	}
}
