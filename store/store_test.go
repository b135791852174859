package store_test

import (
	"testing"

	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

func TestFirst(t *testing.T) {
	s := storetest.Open(t)
	if s.Ring() == nil {
		t.Error("no ring")
	}
	for range 10 {
	if _, err := s.Roles.Update(t.Context(), store.RoleKey("111122223333", "Reader"), func(old *store.Role) (*store.Role, error) {
		if old == nil {
			old = &store.Role{Name: "Reader", ID: "AROA1"}
		}
		old.MaxSession++
		return old, nil
	}); err != nil {
		t.Fatal(err)
	}
	}
	t.Log(s.Roles.Get("111122223333/reader"))
	t.Log(s.Roles.By(store.ByID, "AROA1"))
}
