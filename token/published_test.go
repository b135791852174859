package token_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/token"
)

// What a source finds keys in can be shown, is fetched no more often for that, and reads back as the same keys.
func TestPublishedKeys(t *testing.T) {
	key := newSigningKey(t)
	document, err := token.JWKS(key)
	if err != nil {
		t.Fatal(err)
	}
	set, err := token.ParseJWKS(document)
	if err != nil {
		t.Fatal(err)
	}
	clock, fetches, broken := time.Now(), 0, error(nil)
	source := token.Refreshing(func(context.Context) (*token.KeySet, error) {
		fetches++
		return set, broken
	}, func() time.Time { return clock })
	for range 3 {
		shown, err := source.Set(t.Context())
		if err != nil || shown != set {
			t.Fatalf("shown %v, %v", shown, err)
		}
	}
	if _, err := source.Key(t.Context(), key.ID, "RS256"); err != nil || fetches != 1 {
		t.Errorf("after %d fetches: %v", fetches, err)
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	again, err := token.ParseJWKS(text)
	if err != nil || again.Len() != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	if public, err := token.Static(again).Key(t.Context(), key.ID, "RS256"); err != nil || !cmp.Equal(key.Private.Public(), public) {
		t.Errorf("read back: %v", err)
	}

	broken = errors.New("unreachable")
	never := token.Refreshing(func(context.Context) (*token.KeySet, error) { return nil, broken }, func() time.Time { return clock })
	var why *token.Error
	if _, err := never.Set(t.Context()); !errors.As(err, &why) || why.Reason != token.KeysUnavailable {
		t.Errorf("keys that could never be fetched: %v", err)
	}
}
