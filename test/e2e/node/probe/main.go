// Command probe is what runs in the pods of test/e2e/node: a server, and what a shell would do there if there were one.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const timeout = 5 * time.Second

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want a verb and a word, not %q", args)
	}
	switch verb, of := args[0], args[1]; verb {
	case "serve":
		return serve(of)
	case "get":
		return get(of)
	case "resolve":
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		addresses, err := net.DefaultResolver.LookupHost(ctx, of)
		fmt.Println(addresses)
		return err
	case "cat":
		text, err := os.ReadFile(of)
		_, _ = os.Stdout.Write(text) // whoever reads may have gone
		return err
	default:
		return fmt.Errorf("no verb %q", verb)
	}
}

// serve answers with the pod's name and tells of each caller on stdout. It goes on for a while when told to end, for services take a second to forget a pod.
func serve(address string) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	fmt.Println("serving as", name)
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		<-told
		<-time.After(timeout)
		os.Exit(0)
	}()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("asked for", r.URL)
		fmt.Fprintln(w, "this is", name)
	})
	return (&http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: timeout}).ListenAndServe()
}

func get(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	_, err = io.Copy(os.Stdout, resp.Body)
	return err
}
