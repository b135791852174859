package store_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/store/storetest"
)

func document(i int) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b%d/*"}]}`, i)
}

func TestCompiled(t *testing.T) {
	s := storetest.Open(t)
	first, err := s.Compiled(document(0), policy.Identity)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Compiled(document(0), policy.Identity); err != nil || again != first {
		t.Errorf("parsed again: %v", err)
	}
	if trust, err := s.Compiled(document(0), policy.Trust); err == nil {
		t.Errorf("a document without principals is a trust policy: %v", trust)
	}
	for range 2 {
		if _, err := s.Compiled("{", policy.Identity); err == nil {
			t.Error("compiled a malformed document")
		}
	}
	// What is asked for all the time survives any number of documents that are asked for once.
	for i := range 40_000 {
		if _, err := s.Compiled(document(1+i), policy.Identity); err != nil {
			t.Fatal(err)
		}
		if i%1000 == 0 {
			if again, err := s.Compiled(document(0), policy.Identity); err != nil || again != first {
				t.Fatalf("after %d other documents it was parsed again: %v", i, err)
			}
		}
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 500 {
				if _, err := s.Compiled(document(i), policy.Identity); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkCompiled(b *testing.B) {
	s := storetest.Open(b)
	text := document(0)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := s.Compiled(text, policy.Identity); err != nil {
				b.Error(err)
			}
		}
	})
}
