package certificate

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	core "k8s.io/api/core/v1"
)

// The Secret's keys. The first, fourth and fifth are those of a kubernetes.io/tls Secret.
const (
	keyBundle  = "ca.crt"
	keySigner  = "ca.key"      // of the CA that signs now
	keyNext    = "next-ca.key" // of a CA that is in the bundle already and will sign after Overlap
	keyLeaf    = "tls.crt"
	keyLeafKey = "tls.key"
)

// Annotations of the Secret.
const (
	// AnnotationRotate asks for a new serving certificate (value certificate), or for a new CA (value ca). It is removed when that is done.
	AnnotationRotate = "podpass.io/rotate"

	annotationPublished = "podpass.io/published" // since when all clients can read the bundle with the next CA
	annotationSwitched  = "podpass.io/switched"  // since when the signer of the certificate is the new CA
)

// The label of a Secret that this package may change.
const (
	labelManaged = "app.kubernetes.io/managed-by"
	managedBy    = "podpass"
)

// state is what a Secret says. Whatever could not be used is nil, and named in faults.
type state struct {
	bundle              bundle
	signer, next        *authority
	leaf                *tls.Certificate
	published, switched time.Time
	request             string
	// others are names of a certificate that lacks one of ours. It may be of a replica that was started with other names, during an upgrade:
	// the next certificate is for both, or each would replace the other's for ever.
	others []string
	faults []string
}

// readState never fails: a part that is broken is left out.
func readState(secret *core.Secret, names []string, now time.Time) *state {
	s := &state{request: secret.Annotations[AnnotationRotate]}
	s.published = s.time(secret, annotationPublished)
	s.switched = s.time(secret, annotationSwitched)
	s.readBundle(secret.Data[keyBundle], now)
	s.signer = s.authority(secret, keySigner, true)
	s.next = s.authority(secret, keyNext, false)
	if err := s.readLeaf(secret, names, now); err != nil {
		s.fault("%s: %v", keyLeaf, err)
	}
	return s
}

func (s *state) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

func (s *state) time(secret *core.Secret, annotation string) time.Time {
	value, ok := secret.Annotations[annotation]
	if !ok {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		s.fault("annotation %s is no time", annotation)
	}
	return at
}

func (s *state) readBundle(data []byte, now time.Time) {
	for len(data) > 0 {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		switch {
		case err != nil:
			s.fault("%s: %v", keyBundle, err)
		case !c.IsCA:
			s.fault("%s: a certificate that is no CA", keyBundle)
		case !now.Before(c.NotAfter):
			s.fault("%s: the CA %q expired at %v", keyBundle, c.Subject.CommonName, c.NotAfter)
		case !s.bundle.has(c):
			s.bundle = append(s.bundle, c)
		}
	}
	if len(s.bundle) == 0 {
		s.fault("%s: no usable CA", keyBundle)
	}
}

// authority joins the key with its certificate in the bundle.
func (s *state) authority(secret *core.Secret, name string, wanted bool) *authority {
	data, ok := secret.Data[name]
	if !ok {
		if wanted {
			s.fault("%s: missing", name)
		}
		return nil
	}
	key, err := parseKey(data)
	if err != nil {
		s.fault("%s: %v", name, err)
		return nil
	}
	for _, c := range s.bundle {
		if public, ok := c.PublicKey.(*ecdsa.PublicKey); ok && public.Equal(key.Public()) {
			return &authority{certificate: c, key: key}
		}
	}
	s.fault("%s: the key of no CA in %s", name, keyBundle)
	return nil
}

func (s *state) readLeaf(secret *core.Secret, names []string, now time.Time) error {
	if len(secret.Data[keyLeaf]) == 0 || len(secret.Data[keyLeafKey]) == 0 {
		return fmt.Errorf("it or %s is missing", keyLeafKey)
	}
	pair, err := tls.X509KeyPair(secret.Data[keyLeaf], secret.Data[keyLeafKey])
	if err != nil {
		return fmt.Errorf("it and %s are not a pair", keyLeafKey)
	}
	roots := x509.NewCertPool()
	for _, c := range s.bundle {
		roots.AddCert(c)
	}
	for _, name := range names {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, CurrentTime: now}); err != nil {
			var wrong x509.HostnameError
			if errors.As(err, &wrong) {
				s.others = slices.DeleteFunc(slices.Clone(pair.Leaf.DNSNames), func(n string) bool { return slices.Contains(names, n) })
			}
			return err
		}
	}
	s.leaf = &pair
	return nil
}

// write puts the state into the Secret, and leaves what it does not own.
func (s *state) write(secret *core.Secret) error {
	data := maps.Clone(secret.Data)
	if data == nil {
		data = map[string][]byte{}
	}
	data[keyBundle] = s.bundle.pem()
	for name, a := range map[string]*authority{keySigner: s.signer, keyNext: s.next} {
		if a == nil {
			delete(data, name)
			continue
		}
		key, err := keyPEM(a.key)
		if err != nil {
			return err
		}
		data[name] = key
	}
	key, err := keyPEM(s.leaf.PrivateKey)
	if err != nil {
		return err
	}
	data[keyLeaf] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.leaf.Leaf.Raw})
	data[keyLeafKey] = key
	secret.Data = data

	annotations := maps.Clone(secret.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	for name, at := range map[string]time.Time{annotationPublished: s.published, annotationSwitched: s.switched} {
		delete(annotations, name)
		if !at.IsZero() {
			annotations[name] = at.UTC().Format(time.RFC3339Nano)
		}
	}
	delete(annotations, AnnotationRotate)
	if s.request != "" {
		annotations[AnnotationRotate] = s.request
	}
	secret.Annotations = annotations
	return nil
}
