package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// exchanges measures AssumeRoleWithWebIdentity with each number of roles against the bare handler with one RSA verification.
func (w *world) exchanges(rounds int, round time.Duration) error {
	say(fmt.Sprintf("AssumeRoleWithWebIdentity, %d connections, %d distinct tokens, reply of %d bytes", connections, tokenCount, w.reply))
	limit := newTarget("limit: bare handler, one RSA-2048 verification", w.exchange(w.limit.url+"/verify", sizes[0]))
	return w.measure(rounds, round, limit, w.exchange)
}

// callerIdentity measures GetCallerIdentity, each request signed beforehand by the SDK's own signer.
func (w *world) callerIdentity(rounds int, round time.Duration) error {
	say(fmt.Sprintf("GetCallerIdentity, %d connections, signed with a long-term key", connections))
	limit := newTarget("limit: bare handler, no verification", w.identity(w.limit.url+"/plain", 0))
	return w.measure(rounds, round, limit, w.identity)
}

func (w *world) measure(rounds int, round time.Duration, limit *target, requests func(base string, roles int) func(int) *http.Request) error {
	targets := []*target{limit}
	for _, size := range sizes {
		targets = append(targets, newTarget(fmt.Sprintf("podpass, %d %s stored", size, w.what), requests(w.servers[size].url, size)))
	}
	if err := compare(rounds, round, targets...); err != nil {
		return err
	}
	for _, t := range targets {
		row(t, limit)
	}
	smallest := median(targets[1].rates)
	for _, t := range targets[2:] {
		fmt.Printf("  %-52s %12.1f %%\n", t.name+", of the rate with "+fmt.Sprint(sizes[0]), 100*median(t.rates)/smallest)
	}
	return nil
}

// identity signs each request when it is made: a signature is good for 15 minutes only, and signing costs the same for every target.
func (w *world) identity(base string, _ int) func(i int) *http.Request {
	const body = "Action=GetCallerIdentity&Version=2011-06-15"
	digest := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(digest[:])
	signer := v4.NewSigner()
	keys := aws.Credentials{AccessKeyID: w.admin["AWS_ACCESS_KEY_ID"], SecretAccessKey: w.admin["AWS_SECRET_ACCESS_KEY"]}
	return func(int) *http.Request {
		request, err := http.NewRequest(http.MethodPost, base, strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if err := signer.SignHTTP(context.Background(), keys, request, hash, "sts", w.admin["AWS_REGION"], time.Now()); err != nil {
			panic(err)
		}
		return request
	}
}

// memory reports what each server holds after the load.
func (w *world) memory() error {
	say("anonymous resident memory after the load, embedded etcd included")
	for _, size := range sizes {
		bytes, err := w.servers[size].anonymous()
		if err != nil {
			return err
		}
		fmt.Printf("  %-52s %12d MB\n", fmt.Sprintf("%d %s", size, w.what), bytes/1e6)
	}
	return nil
}
