package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"time"
)

// sizes are the numbers of stored records the figures are measured with.
var sizes = []int{10, 1_000, 100_000}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "limit" {
		exit(serveLimit(os.Args[2], os.Args[3]))
	}
	if len(os.Args) >= 4 && os.Args[1] == "reviews" {
		exit(serveReviews(os.Args[2:]))
	}
	rounds := flag.Int("rounds", 7, "counted rounds of each target")
	round := flag.Duration("round", 4*time.Second, "length of a round")
	only := flag.String("only", "", "one part: decisions, roles, associations, agent, webhook or grants")
	flag.Parse()
	// The generator shares the machine's cores with what it measures: its own garbage is collected rarely.
	debug.SetGCPercent(800)
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: bench [-rounds N] [-round D] [-only PART] BIN/podpass")
		os.Exit(2)
	}
	exit(run(context.Background(), flag.Arg(0), *rounds, *round, *only))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, podpass string, rounds int, round time.Duration, only string) error {
	dir, err := os.MkdirTemp("", "podpass-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	for _, part := range []struct {
		name    string
		measure func() error
	}{
		{"decisions", decisions},
		{"roles", func() error { return mainJob(ctx, podpass, dir, rounds, round) }},
		{"associations", func() error { return podIdentity(ctx, podpass, dir, rounds, round) }},
		{"agent", func() error { return nodeAgent(ctx, podpass, dir) }},
		{"webhook", func() error { return admission(ctx, podpass, dir, rounds, round) }},
		{"grants", func() error { return manyGrants(podpass, dir) }},
	} {
		if only != "" && only != part.name {
			continue
		}
		if err := part.measure(); err != nil {
			return err
		}
	}
	return nil
}

func decisions() error {
	say("policy decisions, ten-statement policy, one core")
	fmt.Printf("  %-52s %12.0f /s   (limit asked for: 500,000 /s)\n", "decisions", policyDecisions())
	return nil
}

// mainJob measures the authority with each number of roles.
func mainJob(ctx context.Context, podpass, dir string, rounds int, round time.Duration) error {
	w, err := prepare(ctx, podpass, dir, "roles", writeRole)
	if err != nil {
		return err
	}
	say(fmt.Sprintf("signing %d tokens", tokenCount))
	if w.tokens, err = sign(w.key, w.cluster.Issuer.String(), "sts.amazonaws.com", tokenCount, tokenCount); err != nil {
		return err
	}
	if err := w.startTimes(podpass); err != nil {
		return err
	}
	defer w.stop()
	if err := w.start(podpass); err != nil {
		return err
	}
	if err := w.startLimit(w.exchange(w.servers[sizes[0]].url, sizes[0])(0)); err != nil {
		return err
	}
	if err := w.exchanges(rounds, round); err != nil {
		return err
	}
	if err := w.callerIdentity(rounds, round); err != nil {
		return err
	}
	return w.memory()
}

func say(what string) { fmt.Printf("\n%s\n", what) }

// row prints a figure, its spread, and its ratio to the limit.
func row(t *target, limit *target) {
	ratio := ""
	if limit != nil && limit != t {
		ratio = fmt.Sprintf("   %5.1f %% of the limit", 100*median(t.rates)/median(limit.rates))
	}
	fmt.Printf("  %-52s %12.0f /s   (%.0f to %.0f)%s\n", t.name, median(t.rates), slices.Min(t.rates), slices.Max(t.rates), ratio)
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
