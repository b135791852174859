//go:build e2e

package processes_test

import (
	"fmt"
	"testing"
)

func TestKilled(t *testing.T) {
	dir := t.TempDir()
	var acknowledged []string
	for round := range 5 {
		a := up(t, dir)
		a.wantUsers(acknowledged)
		users := a.createUsers(t.Context(), fmt.Sprintf("round%d", round))
		fresh := 0
		for name := range users {
			acknowledged = append(acknowledged, name)
			if fresh++; fresh == 20*(round+1) {
				a.kill() // amid the writes of all clients
			}
		}
		if fresh < 20*(round+1) {
			t.Fatalf("round %d: all clients stopped after %d users", round, fresh)
		}
	}
	a := up(t, dir)
	a.wantUsers(acknowledged)
	a.stop()
}
