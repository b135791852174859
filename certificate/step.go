package certificate

import (
	"slices"
	"time"
)

// The words of AnnotationRotate.
const (
	rotateCertificate = "certificate"
	rotateCA          = "ca"
)

// step brings the state as far as it may go at this time, and says in words what it did. It decides from the Secret and the clock alone,
// so that it doesn't matter which replica takes it.
//
// A CA is replaced in three steps, each written only after the one before was in effect for Overlap:
//
//	bundle [A]      signer A   stable
//	bundle [B A]    signer A   B is introduced; what is served is still A's; from when this is published, Overlap passes
//	bundle [B A]    signer B   B's certificate is served by every replica as soon as it reads this; Overlap passes
//	bundle [B]      signer B   stable
func (s *state) step(cfg *Config, now time.Time) (did []string, err error) {
	if s.signer == nil && s.leaf == nil {
		// Nothing can be served, so there is nothing to overlap with.
		if s.next == nil {
			if err := s.introduce(cfg, now); err != nil {
				return nil, err
			}
			did = append(did, "made a CA")
		}
		s.promote(now)
	}
	if s.next != nil && !s.published.IsZero() && !now.Before(s.published.Add(cfg.Overlap)) {
		s.promote(now)
		s.leaf = nil
		did = append(did, "signs with the new CA")
	}
	if s.drop(cfg, now) {
		did = append(did, "dropped the old CA")
	}
	if s.wantsCA(now) {
		if err := s.introduce(cfg, now); err != nil {
			return nil, err
		}
		did = append(did, "introduced a new CA")
	}
	if s.next == nil {
		s.published = time.Time{} // of one that somebody took away
	}
	if s.wantsLeaf(cfg, now) {
		names := append(slices.Clone(cfg.DNSNames), s.others...)
		if s.leaf, err = s.signer.issue(now, cfg.Validity, names); err != nil {
			return nil, err
		}
		did = append(did, "issued a certificate")
		if s.request == rotateCertificate {
			s.request = ""
		}
	}
	if s.request != "" && s.request != rotateCA && s.request != rotateCertificate {
		did = append(did, "removed a request that is neither "+rotateCertificate+" nor "+rotateCA)
		s.request = ""
	}
	return did, nil
}

// introduce puts a new CA into the bundle.
func (s *state) introduce(cfg *Config, now time.Time) (err error) {
	if s.next, err = newAuthority(now, cfg.CAValidity); err != nil {
		return err
	}
	s.bundle = append(bundle{s.next.certificate}, s.bundle...)
	s.published, s.switched = time.Time{}, time.Time{}
	return nil
}

// promote makes the introduced CA the one that signs.
func (s *state) promote(now time.Time) {
	s.signer, s.next = s.next, nil
	s.published, s.switched = time.Time{}, now
}

// drop ends a rotation: CAs that nothing is signed with any more leave the bundle.
func (s *state) drop(cfg *Config, now time.Time) bool {
	switch {
	case s.next != nil || s.signer == nil:
		return false
	case len(s.bundle) == 1:
		s.switched = time.Time{}
		return false
	case s.switched.IsZero(): // somebody took it away
		s.switched = now
		return false
	case now.Before(s.switched.Add(cfg.Overlap)):
		return false
	case s.leaf != nil && !s.bundle.issuer(s.leaf.Leaf).Equal(s.signer.certificate):
		// Whoever wrote that: a certificate of the signer's puts it right, and then the others need time to read it.
		s.leaf, s.switched = nil, now
		return false
	}
	s.bundle, s.switched = bundle{s.signer.certificate}, time.Time{}
	if s.request == rotateCA {
		s.request = ""
	}
	return true
}

// wantsCA is whether a CA is to be introduced: because the present one is old, because somebody asked, or because its key is lost.
func (s *state) wantsCA(now time.Time) bool {
	if s.next != nil {
		return false
	}
	if s.signer == nil {
		return true
	}
	return len(s.bundle) == 1 && (s.request == rotateCA || aged(s.signer.certificate, now))
}

// wantsLeaf is whether a certificate of the present CA is to be issued. With no signer what is served goes on until the new CA is known.
func (s *state) wantsLeaf(cfg *Config, now time.Time) bool {
	if s.signer == nil {
		return false
	}
	if s.leaf == nil || s.request == rotateCertificate {
		return true
	}
	// A certificate that ends with its CA gains nothing by being issued again.
	return aged(s.leaf.Leaf, now) && s.signer.until(now, cfg.Validity).After(s.leaf.Leaf.NotAfter)
}
