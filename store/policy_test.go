package store_test

import (
	"testing"

	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

// A policy is found by the ARN it has, and by no other that leads to the same record.
func TestPolicyByARN(t *testing.T) {
	s := storetest.Open(t)
	p := &store.Policy{Account: "111122223333", Partition: "aws", Path: "/team/", Name: "Read"}
	if err := s.Transact(t.Context(), func(tx *store.Tx) error {
		store.Write(tx, s.Policies, store.PolicyKey("111122223333", "Read"), p)
		if found, ok := tx.PolicyByARN("arn:aws:iam::111122223333:policy/team/Read"); !ok || found.Name != "Read" {
			t.Error("a transaction does not see its own policy")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for arn, want := range map[string]bool{
		"arn:aws:iam::111122223333:policy/team/Read":          true,
		"arn:aws:iam::111122223333:policy/team/read":          false,
		"arn:aws:iam::111122223333:policy/Team/Read":          false,
		"arn:aws:iam::111122223333:policy/Read":               false,
		"arn:aws:iam::111122223333:policy/team/":              false,
		"arn:aws-cn:iam::111122223333:policy/team/Read":       false,
		"arn:aws:iam::444455556666:policy/team/Read":          false,
		"arn:aws:iam:us-east-1:111122223333:policy/team/Read": false,
		"arn:aws:iam::111122223333:role/team/Read":            false,
		"arn:aws:sts::111122223333:policy/team/Read":          false,
		"Read": false,
		"":     false,
	} {
		if _, ok := s.PolicyByARN(arn); ok != want {
			t.Errorf("%s: %t", arn, ok)
		}
		if err := s.Transact(t.Context(), func(tx *store.Tx) error {
			if _, ok := tx.PolicyByARN(arn); ok != want {
				t.Errorf("%s in a transaction: %t", arn, ok)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}
