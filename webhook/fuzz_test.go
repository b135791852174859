package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/podpass/podpass/webhook"
)

// FuzzHandler sends anything: an answer is a refusal to read it, or a well-formed review.
func FuzzHandler(f *testing.F) {
	for _, name := range []string{"deployment", "job-hostnetwork", "skip-containers", "windows"} {
		f.Add(fixture(f, "admission-"+name+".json"))
	}
	f.Add(reviewOf(`{"spec":{"containers":[null,{"name":"a","env":null}],"volumes":{}}}`))
	f.Add(strings.Replace(reviewOf("[1]"), "CREATE", "CONNECT", 1))
	handler := setup(f, webhook.Config{Accounts: everyAccount(annotated()), Settings: everything})
	f.Fuzz(func(t *testing.T, body string) {
		recorder := post(handler, webhook.PathMutate, body)
		switch recorder.Code {
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		case http.StatusOK:
			var a answer
			if err := json.Unmarshal(recorder.Body.Bytes(), &a); err != nil || !a.Response.Allowed {
				t.Errorf("%v: %s", err, recorder.Body)
			}
		default:
			t.Errorf("status %d: %s", recorder.Code, recorder.Body)
		}
	})
}

// everything is settings with all there is to inject.
var everything = webhook.Settings{DefaultRegion: "us-west-2", STSEndpoint: "https://sts.example", InjectCA: true, MergeNoProxy: true, DisableMetadata: true}

// everyAccount answers for all accounts alike.
type everyAccount map[string]string

func (e everyAccount) Account(_ context.Context, _, _ string) (webhook.Account, error) {
	return webhook.Account{Found: true, Annotations: e}, nil
}

// everyAssociation too.
type everyAssociation bool

func (e everyAssociation) Associated(context.Context, string, string) (bool, bool) {
	return bool(e), true
}

// FuzzPatch changes pods of any shape: the patch must apply, a second review must have nothing to add, and without what is ours the pod must
// be what it was.
func FuzzPatch(f *testing.F) {
	for _, name := range []string{"deployment", "job-hostnetwork", "skip-containers", "windows"} {
		f.Add(objectOf(f, fixture(f, "admission-"+name+".json")), roleARN, "true", "7200", uint8(0))
		f.Add(objectOf(f, fixture(f, "admission-"+name+".json")), roleARN, "false", "", uint8(7))
	}
	f.Add([]byte(`{"metadata":{"labels":null},"spec":{"volumes":null,"containers":[null,{"name":"a","env":null,"volumeMounts":null}]}}`), roleARN, "", "", uint8(3))
	f.Add([]byte(`{"metadata":{},"spec":{"containers":[{"name":"a","env":[{"name":"NO_PROXY","value":"x"},{"name":"AWS_ROLE_ARN"}]}]}}`), roleARN, "x", "-1", uint8(1))
	f.Add([]byte(`{"metadata":{"future":[1e400]},"spec":{"future":{"a":null},"containers":[{"name":"a","new":[{}]}]}}`), "x", "x", "x", uint8(2))
	f.Fuzz(func(t *testing.T, object []byte, role, regional, expiration string, options uint8) {
		var shape map[string]any
		if !jsontext.Value(object).IsValid() || json.Unmarshal(object, &shape) != nil || !isObject(shape["metadata"]) {
			return // no API server sends a pod that names a field twice, or has no metadata
		}
		settings := webhook.Settings{IRSAThroughAgent: options&4 != 0}
		if options&1 != 0 {
			settings = everything
		}
		handler := setup(t, webhook.Config{
			Settings: settings, Associations: []webhook.Associations{everyAssociation(options&2 != 0)},
			Accounts: everyAccount{
				"eks.amazonaws.com/role-arn": role, "eks.amazonaws.com/sts-regional-endpoints": regional, "eks.amazonaws.com/token-expiration": expiration,
			},
		})
		recorder := post(handler, webhook.PathMutate, reviewOf(string(object)))
		if recorder.Code == http.StatusBadRequest {
			return
		}
		var a answer
		if err := json.Unmarshal(recorder.Body.Bytes(), &a); err != nil {
			t.Fatalf("%v: %s", err, recorder.Body)
		}
		after := patched(t, object, a)
		if err := onlyOurs(decoded(t, object), decoded(t, after), ""); err != nil {
			t.Errorf("%v\nbefore %s\npatch %s", err, object, a.Response.Patch)
		}
		if again := ask(t, handler, webhook.PathMutate, reviewOf(string(after))); len(again.Response.Patch) > 0 {
			t.Errorf("patched again: %s\nafter %s", again.Response.Patch, after)
		}
	})
}

func isObject(value any) bool {
	_, ok := value.(map[string]any)
	return ok
}

func decoded(t *testing.T, object []byte) any {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, object)
	}
	return v
}

var (
	ourLists  = regexp.MustCompile(`^/spec/(volumes|(containers|initContainers)/\d+/(env|volumeMounts))$`)
	ourValues = regexp.MustCompile(`^/spec/(containers|initContainers)/\d+/env/\d+/value$`)
	ourNames  = map[string]bool{
		"aws-iam-token": true, "eks-pod-identity-token": true, "podpass-ca": true,
		"AWS_STS_REGIONAL_ENDPOINTS": true, "AWS_DEFAULT_REGION": true, "AWS_REGION": true, "AWS_ROLE_ARN": true, "AWS_WEB_IDENTITY_TOKEN_FILE": true,
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": true, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": true, "AWS_ENDPOINT_URL_STS": true,
		"AWS_CA_BUNDLE": true, "AWS_EC2_METADATA_DISABLED": true, "NO_PROXY": true, "no_proxy": true,
	}
)

// onlyOurs takes what is ours away from after, and complains where the rest is not before.
func onlyOurs(before, after any, path string) error {
	if ourLists.MatchString(path) {
		return onlyOurElements(before, after, path)
	}
	switch b := before.(type) {
	case map[string]any:
		a, ok := after.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is no object any more", path)
		}
		for key := range a {
			if _, had := b[key]; !had && path+"/"+key != "/metadata/labels" && path+"/"+key != "/metadata/labels/eks.amazonaws.com/pod-identity" && !ourLists.MatchString(path+"/"+key) && !ourValues.MatchString(path+"/"+key) {
				return fmt.Errorf("%s/%s is new", path, key)
			}
		}
		for key, value := range b {
			now, has := a[key]
			if !has {
				return fmt.Errorf("%s/%s is gone", path, key)
			}
			if err := onlyOurs(value, now, path+"/"+key); err != nil {
				return err
			}
		}
		return nil
	case []any:
		a, ok := after.([]any)
		if !ok || len(a) != len(b) {
			return fmt.Errorf("%s has another length", path)
		}
		for i := range b {
			if err := onlyOurs(b[i], a[i], fmt.Sprintf("%s/%d", path, i)); err != nil {
				return err
			}
		}
		return nil
	case nil:
		if after == nil || path == "/metadata/labels" {
			return nil
		}
	case string:
		if a, ok := after.(string); ok && ourValues.MatchString(path) && (strings.HasPrefix(a, strings.TrimSuffix(b, ",")) || strings.TrimSpace(b) == "") {
			return nil // NO_PROXY, made longer
		}
	}
	if !reflect.DeepEqual(before, after) {
		return fmt.Errorf("%s was %v and is %v", path, before, after)
	}
	return nil
}

// onlyOurElements: new elements of our names before all others, where they are volumes, or behind them; the rest in its order.
func onlyOurElements(before, after any, path string) error {
	b, _ := before.([]any)
	a, ok := after.([]any)
	if !ok {
		if after == nil && before == nil {
			return nil
		}
		return fmt.Errorf("%s was %v and is %v", path, before, after)
	}
	first := 0
	if path == "/spec/volumes" && len(a) > len(b) && ours(a[0]) && (len(b) == 0 || !reflect.DeepEqual(a[0], b[0])) {
		first = 1
	}
	if len(a) < first+len(b) {
		return fmt.Errorf("%s lost elements", path)
	}
	for i := range b {
		if err := onlyOurs(b[i], a[first+i], fmt.Sprintf("%s/%d", path, i)); err != nil {
			return err
		}
	}
	for _, added := range a[first+len(b):] {
		if !ours(added) {
			return fmt.Errorf("%s has a new %v", path, added)
		}
	}
	return nil
}

func ours(element any) bool {
	object, _ := element.(map[string]any)
	name, _ := object["name"].(string)
	return ourNames[name]
}
