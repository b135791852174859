// Command prepare builds what test/kubernetes runs, before tests that have only so much time do: go run ./test/kubernetes/prepare
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/podpass/podpass/test/kubernetes"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := kubernetes.Prepare(ctx, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(1)
	}
}
