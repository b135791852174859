package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(Run(context.Background(), os.Args, os.Environ(), Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
