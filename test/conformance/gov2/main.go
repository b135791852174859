// Command gov2 is the unmodified AWS SDK for Go v2 as a workload or an operator uses it: gov2 ACTION [JSON], one JSON document on stdout. A
// refusal is {"error": CODE, "status": HTTP STATUS, "message": TEXT} and exit status 1. `gov2 -` takes a line "ACTION JSON" from stdin at a time
// and answers each with a line: one long-lived process, whose credentials the SDK keeps and renews.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func main() {
	if err := run(os.Args[1], append(os.Args, "{}")[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(action, input string) error {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	services := []reflect.Value{reflect.ValueOf(sts.NewFromConfig(cfg)), reflect.ValueOf(iam.NewFromConfig(cfg)), reflect.ValueOf(eks.NewFromConfig(cfg))}
	if action != "-" {
		return call(ctx, services, action, input)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		action, input, _ := strings.Cut(lines.Text(), " ")
		if err := call(ctx, services, action, input); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	return lines.Err()
}

// call prints the output of an action, or what refused it.
func call(ctx context.Context, services []reflect.Value, action, input string) error {
	var method reflect.Value
	for _, service := range services {
		if method = service.MethodByName(action); method.IsValid() {
			break
		}
	}
	if !method.IsValid() {
		return fmt.Errorf("no such action: %s", action)
	}
	in := reflect.New(method.Type().In(1).Elem())
	if err := json.Unmarshal([]byte(input), in.Interface()); err != nil {
		return err
	}
	out := method.Call([]reflect.Value{reflect.ValueOf(ctx), in})
	err, _ := out[1].Interface().(error)
	if err == nil {
		return json.NewEncoder(os.Stdout).Encode(out[0].Interface())
	}
	refusal := map[string]any{"error": "unknown", "message": err.Error()}
	// An agent's answer is text: the SDK takes it for the message of an error without a code.
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() != "" {
		refusal["error"], refusal["message"] = api.ErrorCode(), api.ErrorMessage()
	}
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		refusal["status"] = response.HTTPStatusCode()
	}
	if err := json.NewEncoder(os.Stdout).Encode(refusal); err != nil {
		return err
	}
	return err
}
