package audit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/podpass/podpass/audit"
)

// sink fails where it holds an error.
type sink struct{ err error }

func (s *sink) Record(audit.Event) error { return s.err }

func exchange(name string, n int) audit.Event {
	return audit.Event{
		Action: "AssumeRoleForPodIdentity", RequestID: fmt.Sprint(n), Outcome: audit.Refused, Cluster: "c", Namespace: "shop", ServiceAccount: name,
	}
}

func TestExchanges(t *testing.T) {
	below := &sink{}
	r := audit.NewRecent(below, 4, "")
	record := func(e audit.Event) {
		t.Helper()
		if err := r.Record(e); err != nil {
			t.Fatal(err)
		}
	}
	ids := func(name string) (list string) {
		for _, e := range r.Exchanges("c", "shop", name) {
			list += e.RequestID + " "
		}
		return list
	}
	for n := range 13 {
		record(exchange("web", n))
		record(exchange("api", 100+n))
	}
	if got, want := ids("web"), "12 11 10 9 8 7 6 5 4 3 "; got != want {
		t.Errorf("the last ten, newest first: %s", got)
	}
	for _, change := range []func(*audit.Event){
		func(e *audit.Event) { e.Action = "CreateToken" },
		func(e *audit.Event) { e.Cluster = "" },
		func(e *audit.Event) { e.Cluster = "other" },
		func(e *audit.Event) { e.Namespace = "" },
	} {
		e := exchange("web", 99)
		change(&e)
		record(e)
	}
	below.err = errors.New("disk full")
	if err := r.Record(exchange("web", 99)); err == nil {
		t.Error("what could not be written was recorded")
	}
	below.err = nil
	if got := ids("web"); !strings.HasPrefix(got, "12 ") {
		t.Errorf("what is no exchange of the account: %s", got)
	}

	long := exchange("web", 13)
	long.Reason = strings.Repeat("x", 4096)
	record(long)
	if got := r.Exchanges("c", "shop", "web")[0].Reason; len(got) != 1000 {
		t.Errorf("%d bytes of a reason are kept", len(got))
	}
	for n := range 2000 {
		if n == 1000 {
			record(exchange("web", 14)) // heard of again
		}
		record(exchange(fmt.Sprint("sa", n), n))
	}
	if got := ids("api"); got != "" {
		t.Errorf("the account heard of longest ago: %s", got)
	}
	if got := ids("web"); !strings.HasPrefix(got, "14 13 ") {
		t.Errorf("one heard of since: %s", got)
	}
}
