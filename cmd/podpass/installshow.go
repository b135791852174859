package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/podpass/podpass/install"
)

// showInstallation says on standard error what is about to happen.
func (a *app) showInstallation(p *install.Plan) {
	for _, row := range planRows(p) {
		fmt.Fprintf(a.Err, "podpass: %s\n", strings.Join(row, " "))
	}
}

// printPlan is the answer where nobody can be asked.
func (a *app) printPlan(f format, p *install.Plan) error { return f.print(a.Out, p, nil, planRows(p)) }

func planRows(p *install.Plan) [][]string {
	what := "install"
	if p.Current() {
		what = "upgrade"
	}
	rows := [][]string{{what, fmt.Sprintf("revision %d at %s", p.Revision, p.Host)}, {"image", strings.Join(p.Images, " ")}}
	for _, action := range []install.Action{install.Create, install.Update, install.Delete} {
		var names []string
		for _, change := range p.Changes {
			if change.Action == action {
				names = append(names, change.String())
			}
		}
		switch {
		case len(names) == 0:
		case action == install.Delete:
			rows = append(rows, []string{string(action), strings.Join(names, ", ")})
		default:
			rows = append(rows, []string{string(action), count(len(names), "object")})
		}
	}
	for _, note := range p.Notes {
		rows = append(rows, []string{"note", note})
	}
	return rows
}

// removedRows say what an uninstallation did.
func removedRows(r *install.Removed) [][]string {
	rows := [][]string{{"removed", count(len(r.Objects), "object")}}
	for _, kept := range r.Kept {
		rows = append(rows, []string{"kept", kept})
	}
	return rows
}

func revisionRow(r install.Revision) []string {
	what, _, _ := strings.Cut(r.Description, "\n") // of a failure the rest says why; -o json has it
	return []string{fmt.Sprint(r.Revision), stamp(r.Updated), r.Status, cmp.Or(r.Version, "-"), cmp.Or(r.Image, "-"), strings.TrimSuffix(what, ":")}
}
