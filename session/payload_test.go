package session

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"
)

// FuzzDecode looks behind the seal: what an attacker who had a ring key, or a bug in another version, could put there.
func FuzzDecode(f *testing.F) {
	r, err := NewRing(rand.Reader, time.Unix(1_800_000_000, 0))
	if err != nil {
		f.Fatal(err)
	}
	s := Session{
		Kind: AssumedRole, Account: "111122223333", PrincipalID: "AROA", PrincipalName: "reader", Name: "x", TransitiveKeys: []string{"a"},
		IssuedAt: time.Unix(1_800_000_000, 0), Expires: time.Unix(1_800_003_600, 0),
	}
	for _, policy := range []string{"", string(bytes.Repeat([]byte(`{"Effect":"Allow"}`), 100))} {
		s.Policy = policy
		payload, err := r.encode(&s, 100)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Add([]byte{formDeflate, 4, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, payload []byte) {
		s, err := decode(payload)
		if err != nil {
			return
		}
		if err := s.check(); err != nil {
			t.Errorf("decoded what may not be minted: %v", err)
		}
		again, err := decode(append([]byte{formPlain}, lengthAnd(appendBody(nil, &s))...))
		if err != nil || !bytes.Equal(appendBody(nil, &again), appendBody(nil, &s)) {
			t.Errorf("%+v did not come back: %+v, %v", s, again, err)
		}
	})
}

func lengthAnd(body []byte) []byte { return appendText(nil, string(body)) }
