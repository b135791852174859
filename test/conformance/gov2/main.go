// Command gov2 is the unmodified AWS SDK for Go v2 as a workload or an operator uses it: gov2 ACTION [JSON], one JSON document on stdout. A
// refusal is {"error": CODE, "status": HTTP STATUS, "message": TEXT} and exit status 1.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/config"
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
	method := reflect.ValueOf(sts.NewFromConfig(cfg)).MethodByName(action)
	if !method.IsValid() {
		method = reflect.ValueOf(iam.NewFromConfig(cfg)).MethodByName(action)
	}
	if !method.IsValid() {
		return fmt.Errorf("no such action: %s", action)
	}
	in := reflect.New(method.Type().In(1).Elem())
	if err := json.Unmarshal([]byte(input), in.Interface()); err != nil {
		return err
	}
	out := method.Call([]reflect.Value{reflect.ValueOf(ctx), in})
	err, _ = out[1].Interface().(error)
	if err == nil {
		return json.NewEncoder(os.Stdout).Encode(out[0].Interface())
	}
	refusal := map[string]any{"message": err.Error()}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
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
