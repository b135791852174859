package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/podpass/podpass/stsendpoint"
)

// showPresigned prints the forms of URLs; with a type that is asked for, which of them it is.
func (a *app) showPresigned(w io.Writer, all []stsendpoint.Presigned, wanted stsendpoint.Type) {
	for _, p := range all {
		if wanted != stsendpoint.Global {
			fmt.Fprintf(w, "  %s regional  %s\n", p.Region, p.Regional)
		}
		if wanted != stsendpoint.Regional && p.Global != "" {
			fmt.Fprintf(w, "  %s global    %s\n", p.Region, p.Global)
		}
	}
	fmt.Fprintf(w, "  %s\n", stsendpoint.PresignedNote)
}

// findingsOf gathers who has the same finding, so that a hundred pods of one workload are one line.
type findingsOf struct {
	order []stsendpoint.Finding
	who   map[stsendpoint.Finding][]string
}

func (f *findingsOf) add(who string, found []stsendpoint.Finding) {
	if f.who == nil {
		f.who = map[stsendpoint.Finding][]string{}
	}
	for _, one := range found {
		if f.who[one] == nil {
			f.order = append(f.order, one)
		}
		f.who[one] = append(f.who[one], who)
	}
}

// shownSubjects is how many are named.
const shownSubjects = 4

func (f *findingsOf) subjects(of stsendpoint.Finding) string {
	all := f.who[of]
	if len(all) <= shownSubjects {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:shownSubjects], ", "), len(all)-shownSubjects)
}

func (a *app) showSTSFindings(r *stsendpoint.Report) {
	var f findingsOf
	f.add("cluster", r.Cluster.Findings)
	for _, sa := range r.Accounts {
		f.add("service account "+sa.Namespace+"/"+sa.Name, sa.Findings)
	}
	for _, p := range r.Pods {
		f.add("pod "+p.Namespace+"/"+p.Name, p.Findings)
		for _, c := range p.Containers {
			f.add("pod "+p.Namespace+"/"+p.Name+" "+c.Name, c.Findings)
		}
	}
	if len(f.order) == 0 {
		return
	}
	fmt.Fprintln(a.Out, "\nFINDINGS")
	for _, one := range f.order {
		fmt.Fprintf(a.Out, "  %s: %s\n      %s\n", one.Code, f.subjects(one), one.Text)
	}
}
