package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

func BenchmarkRead(b *testing.B) {
	s := storetest.Open(b)
	const roles = 10_000
	for i := 0; i < roles; i += 100 {
		err := s.Transact(b.Context(), func(tx *store.Tx) error {
			for j := i; j < i+100; j++ {
				store.Write(tx, s.Roles, fmt.Sprintf("111122223333/role-%d", j), &store.Role{Name: fmt.Sprint(j), ID: fmt.Sprintf("AROA%d", j)})
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for name, read := range map[string]func() bool{
		"Get":     func() bool { _, ok := s.Roles.Get("111122223333/role-777"); return ok },
		"By":      func() bool { return len(s.Roles.By(store.ByID, "AROA777")) == 1 },
		"Check":   func() bool { return s.Check() == nil },
		"Revoked": func() bool { return !s.Revoked("AROA777", [16]byte{}, time.Time{}) },
	} {
		b.Run(name, func(b *testing.B) {
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if !read() {
						b.Error("not found")
					}
				}
			})
		})
	}
}

// BenchmarkUpdate is with fsync: it measures the disk as much as the store.
func BenchmarkUpdate(b *testing.B) {
	s := storetest.Open(b, func(c *store.Config) { c.NoSync = false })
	for n := 0; b.Loop(); n++ {
		if _, err := s.Roles.Update(b.Context(), "k", func(*store.Role) (*store.Role, error) { return &store.Role{MaxSession: n}, nil }); err != nil {
			b.Fatal(err)
		}
	}
}
