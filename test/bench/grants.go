package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/podpass/podpass/audit"
)

const (
	grantCount = 500
	// grantRate is --iam-rate and --eks-rate: ten times the default, so that the measurement takes seconds rather than minutes. What is measured is how
	// near to the limit the command keeps, and that it keeps below it.
	grantRate = 50.0
)

// manyGrants measures podpass grant -f with grants of new roles, each with a managed and an inline policy and an association, and then the same again.
// Its limit is what the rates allow: the time that the most limited kind of call takes, of reads and then of changes and proofs.
func manyGrants(podpass, dir string) error {
	say(fmt.Sprintf("podpass grant -f, %d grants, at most %.0f changes and %.0f reads a second of IAM and of EKS", grantCount, grantRate, 2*grantRate))
	data := filepath.Join(dir, "grants")
	server, err := start(podpass, "up", "--data-dir", data, "--listen", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { _ = server.stop() }()
	file := filepath.Join(dir, "grants.yaml")
	if err := os.WriteFile(file, grantDocuments(), 0o600); err != nil {
		return err
	}
	for _, name := range []string{"first time", "again, nothing to change"} {
		before, err := calls(data)
		if err != nil {
			return err
		}
		began := time.Now()
		cmd := exec.Command(podpass, "grant", "-f", file, "--yes", "--data-dir", data, "--iam-rate", fmt.Sprint(grantRate), "--eks-rate", fmt.Sprint(grantRate))
		var out, progress bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &progress
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("podpass grant: %w\n%s", err, progress.String())
		}
		elapsed := time.Since(began)
		if got := strings.Count(out.String(), "assumed-role/"); got != grantCount {
			return fmt.Errorf("%d of %d grants are proved", got, grantCount)
		}
		after, err := calls(data)
		if err != nil {
			return err
		}
		reportGrants(name, elapsed, after[len(before):])
	}
	return nil
}

func grantDocuments() []byte {
	var out bytes.Buffer
	for i := range grantCount {
		fmt.Fprintf(&out, `---
apiVersion: podpass.io/v1alpha1
kind: Grant
metadata: {name: app-%d, namespace: shop}
spec:
  managedPolicies: [AmazonS3ReadOnlyAccess]
  inlinePolicies:
    roles: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "iam:ListRoles", Resource: "*"}]}
`, i)
	}
	return out.Bytes()
}

// calls are the audit events of the calls that a rate bounds.
func calls(data string) (out []audit.Event, err error) {
	f, err := os.Open(filepath.Join(data, "audit.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e audit.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, err
		}
		if e.Service == "iam" || e.Service == "eks" || e.Service == "sts" {
			out = append(out, e)
		}
	}
	return out, lines.Err()
}

func reportGrants(name string, elapsed time.Duration, events []audit.Event) {
	kinds := map[string][]time.Time{}
	for _, e := range events {
		kind := e.Service + " changes"
		if strings.HasPrefix(e.Action, "Get") || strings.HasPrefix(e.Action, "List") || strings.HasPrefix(e.Action, "Describe") {
			kind = e.Service + " reads"
		}
		kinds[kind] = append(kinds[kind], e.Time)
	}
	limits := map[string]float64{"iam changes": grantRate, "iam reads": 2 * grantRate, "eks changes": grantRate, "eks reads": 2 * grantRate, "sts reads": 20, "sts changes": 20}
	least := map[bool]float64{} // by whether a stage changes things or proves them: nothing is changed before everything has been read and shown
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		times := kinds[kind]
		stage := !strings.HasSuffix(kind, "reads") || strings.HasPrefix(kind, "sts")
		least[stage] = max(least[stage], float64(len(times))/limits[kind])
		fmt.Printf("  %-52s %12d calls, at most %d in any second (limit %.0f)\n", name+": "+kind, len(times), busiest(times), limits[kind])
	}
	limit := least[false] + least[true]
	fmt.Printf("  %-52s %12.1f s   %.0f %% of the rates' own %.1f s\n", name+": all of it, proofs included", elapsed.Seconds(), 100*elapsed.Seconds()/limit, limit)
}

// busiest is the most calls in any one second.
func busiest(times []time.Time) (most int) {
	slices.SortFunc(times, time.Time.Compare)
	from := 0
	for to := range times {
		for times[to].Sub(times[from]) >= time.Second {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}
