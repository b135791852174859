// Command gov1 is the unmodified AWS SDK for Go v1: gov1 ACTION [JSON], one JSON document on stdout. A refusal is {"error": CODE, "status": HTTP
// STATUS, "message": TEXT} and exit status 1. The SDK reads no endpoint variable, so operators give it an endpoint in code, as here; a
// workload with PODPASS_TEST_ENDPOINT unset calls AWS's own host names. `gov1 -` takes a line "ACTION JSON" from stdin at a time and answers
// each with a line: one long-lived process, whose credentials the SDK keeps and renews.
package main

//lint:file-ignore SA1019 the deprecated SDK is the client under test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/eks"
	"github.com/aws/aws-sdk-go/service/eksauth"
	"github.com/aws/aws-sdk-go/service/iam"
	"github.com/aws/aws-sdk-go/service/sts"
)

func main() {
	if err := run(os.Args[1], append(os.Args, "{}")[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(action, input string) error {
	// Without it the SDK says "no valid providers in chain" and nothing of why.
	s, err := session.NewSession(aws.NewConfig().WithCredentialsChainVerboseErrors(true))
	if err != nil {
		return err
	}
	cfg := aws.NewConfig()
	if endpoint := os.Getenv("PODPASS_TEST_ENDPOINT"); endpoint != "" {
		cfg = cfg.WithEndpoint(endpoint)
	}
	services := []reflect.Value{
		reflect.ValueOf(sts.New(s, cfg)), reflect.ValueOf(iam.New(s, cfg)), reflect.ValueOf(eks.New(s, cfg)), reflect.ValueOf(eksauth.New(s, cfg)),
	}
	if action != "-" {
		return call(services, action, input)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		action, input, _ := strings.Cut(lines.Text(), " ")
		if err := call(services, action, input); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return lines.Err()
}

// call prints the output of an action, or what refused it.
func call(services []reflect.Value, action, input string) error {
	var method reflect.Value
	for _, service := range services {
		if method = service.MethodByName(action); method.IsValid() {
			break
		}
	}
	if !method.IsValid() {
		return fmt.Errorf("no such action: %s", action)
	}
	in := reflect.New(method.Type().In(0).Elem())
	if err := json.Unmarshal([]byte(input), in.Interface()); err != nil {
		return err
	}
	out := method.Call([]reflect.Value{in})
	err, _ := out[1].Interface().(error)
	if err == nil {
		return json.NewEncoder(os.Stdout).Encode(out[0].Interface())
	}
	refusal := map[string]any{"message": err.Error()}
	// The code of a failed web identity exchange is inside the SDK's own WebIdentityErr.
	for e := err; e != nil; {
		api, ok := errors.AsType[awserr.Error](e)
		if !ok {
			break
		}
		refusal["error"], refusal["message"] = api.Code(), api.Message()
		if failure, ok := api.(awserr.RequestFailure); ok {
			refusal["status"] = failure.StatusCode()
		}
		// An agent answers in text. The SDK wants JSON, and shows a hex dump of what it could not read.
		if unread, ok := api.(awserr.UnmarshalError); ok {
			refusal["message"] = string(unread.Bytes())
		}
		e = api.OrigErr()
	}
	if err := json.NewEncoder(os.Stdout).Encode(refusal); err != nil {
		return err
	}
	return err
}
