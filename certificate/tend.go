package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tend is one pass: read the Secret, bring it on, publish its bundle, serve its certificate. It says when the next is due at the latest.
func (m *Manager) tend(ctx context.Context) (time.Duration, error) {
	s, err := m.settle(ctx)
	if err != nil {
		return 0, err
	}
	if err := m.publish(ctx, s); err != nil {
		m.serve(s) // its CA may have been published before
		return 0, err
	}
	if s.next != nil && s.published.IsZero() {
		if s, err = m.settle(ctx); err != nil {
			return 0, err
		}
	}
	m.serve(s)
	return s.due(&m.cfg, m.cfg.Now()), nil
}

// settle returns the Secret's state once it is as far as it may go, which this replica or another has written. Whoever loses a race reads again.
func (m *Manager) settle(ctx context.Context) (*state, error) {
	for {
		s, written, err := m.settleOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err):
			continue
		case err != nil:
			return nil, fmt.Errorf("the Secret %s: %w", m.cfg.Name, err)
		case written:
			continue // what was written is read, so that nothing is served that only this process believes to be there
		}
		now := m.cfg.Now()
		m.read.Store(&now)
		if s.signer != nil && s.leaf != nil {
			m.remembered = s
		}
		return s, nil
	}
}

func (m *Manager) settleOnce(ctx context.Context) (s *state, written bool, err error) {
	secret, err := m.cfg.Secrets.Get(ctx, m.cfg.Name, meta.GetOptions{})
	absent := apierrors.IsNotFound(err)
	if err != nil && !absent {
		return nil, false, err
	}
	now := m.cfg.Now()
	if absent {
		secret = &core.Secret{Type: core.SecretTypeOpaque}
		secret.Name, secret.Labels = m.cfg.Name, map[string]string{labelManaged: managedBy}
	} else if err := ours(secret); err != nil {
		return nil, false, err
	}
	before := secret.DeepCopy()
	s = readState(secret, m.cfg.DNSNames, now)
	var did []string
	if s.signer == nil && m.remembered != nil && m.remembered.usable(m.cfg.DNSNames, now) {
		// Deleted or broken. Clients trust what was there and other replicas still serve it: no new CA is as good as the old one.
		restored := *m.remembered
		restored.request, restored.faults = s.request, s.faults
		did, s = []string{"put back what was there before"}, &restored
	}
	stepped, err := s.step(&m.cfg, now)
	if err != nil {
		return nil, false, err
	}
	did = append(did, stepped...)
	if s.next != nil && s.published.IsZero() && m.published != nil && m.published.has(s.next.certificate) {
		s.published = now
		did = append(did, "the new CA is published")
	}
	if err := s.write(secret); err != nil {
		return nil, false, err
	}
	switch {
	case absent:
		_, err = m.cfg.Secrets.Create(ctx, secret, meta.CreateOptions{})
	case reflect.DeepEqual(before.Data, secret.Data) && maps.Equal(before.Annotations, secret.Annotations):
		return s, false, nil
	default:
		_, err = m.cfg.Secrets.Update(ctx, secret, meta.UpdateOptions{})
	}
	if err == nil {
		if len(s.faults) > 0 && !absent {
			m.cfg.Log.Warn("the Secret of the certificate was broken and is repaired", "secret", m.cfg.Name, "faults", strings.Join(s.faults, "; "))
		}
		m.cfg.Log.Info("certificate changed", "secret", m.cfg.Name, "did", strings.Join(did, ", "), "leaf-expires", s.leaf.Leaf.NotAfter, "cas", len(s.bundle))
	}
	return s, true, err
}

// ours refuses a Secret that somebody else made: its certificate may be in use elsewhere.
func ours(secret *core.Secret) error {
	if secret.Labels[labelManaged] != managedBy {
		return fmt.Errorf("it exists and was not made by podpass; if nothing else uses it: kubectl delete secret -n %s %s; if podpass is to take it over: kubectl label secret -n %s %s %s=%s --overwrite",
			secret.Namespace, secret.Name, secret.Namespace, secret.Name, labelManaged, managedBy)
	}
	if !secret.DeletionTimestamp.IsZero() {
		return errors.New("it is being deleted, and held by a finalizer")
	}
	if secret.Immutable != nil && *secret.Immutable {
		return fmt.Errorf("it is immutable, so its certificate cannot be renewed; kubectl delete secret -n %s %s: it is made again with the same CA", secret.Namespace, secret.Name)
	}
	return nil
}

// usable says whether what was remembered would still do.
func (s *state) usable(names []string, now time.Time) bool {
	secret := &core.Secret{}
	if s.write(secret) != nil {
		return false
	}
	again := readState(secret, names, now)
	return again.signer != nil && again.leaf != nil
}

// serve takes up the state's certificate, if clients already know its CA. A certificate that isn't served yet will be, by a later pass.
func (m *Manager) serve(s *state) {
	if s.leaf == nil || m.published == nil || m.published.issuer(s.leaf.Leaf) == nil {
		return
	}
	was := m.served.Load()
	if was != nil && was.Leaf.Equal(s.leaf.Leaf) {
		return
	}
	m.served.Store(&tls.Certificate{Certificate: s.leaf.Certificate, PrivateKey: s.leaf.PrivateKey, Leaf: s.leaf.Leaf})
	m.cfg.Log.Info("serving a certificate", "secret", m.cfg.Name, "serial", s.leaf.Leaf.SerialNumber.Text(16), "ca", s.leaf.Leaf.Issuer.CommonName, "expires", s.leaf.Leaf.NotAfter)
}

// longestPause is how long a change can go unnoticed where a watch was lost without a word.
const longestPause = time.Minute

// due is how long nothing is to be done.
func (s *state) due(cfg *Config, now time.Time) time.Duration {
	pause := min(longestPause, cfg.Overlap/4)
	for _, since := range []time.Time{s.published, s.switched} {
		if left := since.Add(cfg.Overlap).Sub(now); !since.IsZero() && left < pause {
			pause = left
		}
	}
	return max(pause, shortestPause)
}
