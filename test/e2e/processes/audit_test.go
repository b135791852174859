//go:build e2e

package processes_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/podpass/podpass/audit"
)

// exchanges are the authority's events of EKS Auth, the oldest first.
func (a *authority) exchanges() (events []audit.Event) {
	a.t.Helper()
	text, err := os.ReadFile(filepath.Join(a.dir, "audit.jsonl"))
	if err != nil {
		a.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var e audit.Event
		if !strings.HasSuffix(line, "\n") {
			break // being written
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			a.t.Fatalf("%v\n%s", err, line)
		}
		if e.Action == "AssumeRoleForPodIdentity" {
			events = append(events, e)
		}
	}
	return events
}

// lastExchange is the last one.
func (a *authority) lastExchange() audit.Event {
	a.t.Helper()
	events := a.exchanges()
	if len(events) == 0 {
		a.t.Fatal("no exchange is on record")
	}
	return events[len(events)-1]
}
