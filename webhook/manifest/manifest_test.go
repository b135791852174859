package manifest_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/podpass/podpass/webhook"
	"github.com/podpass/podpass/webhook/manifest"
	"sigs.k8s.io/yaml"
)

// inject gives every workload a role, and returns the files's text.
func inject(t testing.TB, text string) string {
	t.Helper()
	rules, err := webhook.NewRules(webhook.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	documents, err := manifest.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for _, d := range documents {
		workloads, err := d.Workloads()
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range workloads {
			pod, err := w.Pod("default")
			if err != nil {
				t.Fatal(err)
			}
			decision := rules.Decide(pod, webhook.Facts{Account: webhook.Account{Found: true, Annotations: map[string]string{
				"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/my-role", "eks.amazonaws.com/sts-regional-endpoints": "true",
			}}})
			if err := w.Apply(webhook.Patch(pod, &decision)); err != nil {
				t.Fatal(err)
			}
		}
		part, err := d.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, part...)
	}
	return string(out)
}

// What is not changed comes out as it went in, whatever it is.
func TestUnchanged(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":         "",
		"a comment":       "# nothing here\n",
		"separators":      "---\n---\n\n---   # end\n",
		"no line end":     "---\nkind: ConfigMap\napiVersion: v1\ndata:\n  a: |-\n    ---x",
		"odd spaces":      "apiVersion:   v1\nkind:  ConfigMap   # why\n\n\ndata:\n    a:    \"b\"\n    c: >-\n        folded\n",
		"JSON":            `{"apiVersion":"v1","kind":"Secret",  "data":{}}`,
		"anchors":         "apiVersion: v1\nkind: ConfigMap\ndata: &a {x: y}\nmore: *a\n",
		"unknown kind":    "apiVersion: serving.knative.dev/v1\nkind: Service\nspec: {template: {spec: {containers: [{image: x}]}}}\n",
		"another's Pod":   "apiVersion: example.com/v1\nkind: Pod\nspec: {containers: [{name: x}]}\n",
		"a template-less": "apiVersion: apps/v1\nkind: Deployment\nspec: {}\n",
		"a list":          "- a\n- b\n",
		"CRLF":            "apiVersion: v1\r\nkind: Namespace\r\n---\r\nkind: X\r\n",
	} {
		if got := inject(t, text); got != text {
			t.Errorf("%s: %q became %q", name, text, got)
		}
	}
}

// Only lines are added: every line there was is there yet, in its order, comments included.
func TestLinesStay(t *testing.T) {
	for name, text := range map[string]string{
		"compact": `# the shop
apiVersion: v1
kind: ConfigMap
metadata: {name: untouched}
---
# its web server
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # short
spec:
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - name: a
        image: nginx:1.27
        env:
        - name: PORT
          value: "8080" # a string
        args: ["--x", 'y']
      - name: b
        volumeMounts:
        - {name: x, mountPath: /x}
        future: {kept: 0x10}
      # at the end
      volumes:
      - name: x
        emptyDir: {}
`,
		"indented by four": `apiVersion: batch/v1
kind: CronJob
metadata:
    generateName: nightly-
spec:
    schedule: "0 0 * * *"
    jobTemplate:
        spec:
            template:
                spec:
                    restartPolicy: Never
                    containers:
                        - name: a
                          image: busybox
`,
	} {
		t.Run(name, func(t *testing.T) {
			got := inject(t, text)
			rest := got
			for _, line := range strings.SplitAfter(text, "\n") {
				at := strings.Index(rest, line)
				if at < 0 {
					t.Fatalf("line %q is gone or moved:\n%s", line, got)
				}
				rest = rest[at+len(line):]
			}
			if !strings.Contains(got, "AWS_ROLE_ARN") || inject(t, got) != got {
				t.Errorf("not injected, or not once only:\n%s", got)
			}
		})
	}
}

// Each kind keeps its pods in a place of its own.
func TestKinds(t *testing.T) {
	const pods = `{"metadata":{},"spec":{"containers":[{"name":"a"}]}}`
	for kind, object := range map[string]string{
		"Pod":                   `{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a"}]}}`,
		"PodTemplate":           `{"apiVersion":"v1","kind":"PodTemplate","template":` + pods + `}`,
		"ReplicationController": `{"apiVersion":"v1","kind":"ReplicationController","spec":{"template":` + pods + `}}`,
		"Deployment":            `{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":` + pods + `}}`,
		"StatefulSet":           `{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"template":` + pods + `}}`,
		"DaemonSet":             `{"apiVersion":"apps/v1","kind":"DaemonSet","spec":{"template":` + pods + `}}`,
		"ReplicaSet":            `{"apiVersion":"apps/v1","kind":"ReplicaSet","spec":{"template":` + pods + `}}`,
		"Job":                   `{"apiVersion":"batch/v1","kind":"Job","spec":{"template":` + pods + `}}`,
		"CronJob":               `{"apiVersion":"batch/v1","kind":"CronJob","spec":{"jobTemplate":{"spec":{"template":` + pods + `}}}}`,
		"List":                  `{"apiVersion":"v1","kind":"List","items":[{"kind":"X"},{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a"}]}}]}]}`,
	} {
		for _, format := range []string{"json", "yaml"} {
			text := object
			if format == "yaml" {
				converted, err := yaml.JSONToYAML([]byte(object))
				if err != nil {
					t.Fatal(err)
				}
				text = string(converted)
			}
			got := inject(t, text)
			asJSON, err := yaml.YAMLToJSON([]byte(got))
			if err != nil {
				t.Fatalf("%s: %v\n%s", kind, err, got)
			}
			if format == "json" && !json.Valid([]byte(got)) {
				t.Errorf("%s was JSON and is\n%s", kind, got)
			}
			// Where the pod is, and nowhere else: taken away again, the object is what it was.
			want := strings.Replace(object, `{"containers":[{"name":"a"}]}`, `{"containers":[{"name":"a","env":[`+
				`{"name":"AWS_STS_REGIONAL_ENDPOINTS","value":"regional"},{"name":"AWS_ROLE_ARN","value":"arn:aws:iam::111122223333:role/my-role"},`+
				`{"name":"AWS_WEB_IDENTITY_TOKEN_FILE","value":"/var/run/secrets/eks.amazonaws.com/serviceaccount/token"}],`+
				`"volumeMounts":[{"mountPath":"/var/run/secrets/eks.amazonaws.com/serviceaccount","name":"aws-iam-token","readOnly":true}]}],`+
				`"volumes":[{"name":"aws-iam-token","projected":{"sources":[{"serviceAccountToken":{"audience":"sts.amazonaws.com","expirationSeconds":86400,"path":"token"}}]}}]}`, 1)
			var wanted, have any
			if err := json.Unmarshal([]byte(want), &wanted); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(asJSON, &have); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wanted, have); diff != "" {
				t.Errorf("%s (-want +got):\n%s", kind, diff)
			}
		}
	}
}

// What is written once and used twice is changed only where it was meant to be.
func TestAnchors(t *testing.T) {
	got := inject(t, `apiVersion: v1
kind: Pod
x-other: &c {name: a, env: &e [{name: X, value: "1"}]}
spec:
  containers:
  - *c
  - <<: *c
    name: b
  - {name: c, env: *e}
`)
	asJSON, err := yaml.YAMLToJSON([]byte(got))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(asJSON), "AWS_ROLE_ARN"); n != 3 {
		t.Errorf("%d containers were injected:\n%s", n, got)
	}
	var pod struct {
		Other struct{ Env []any } `json:"x-other"`
	}
	if err := json.Unmarshal(asJSON, &pod); err != nil || len(pod.Other.Env) != 1 {
		t.Errorf("what the anchor named was changed: %v\n%s", err, got)
	}
}

// The metadata of a template may be missing, where the API server's is not.
func TestMetadataIsMade(t *testing.T) {
	documents, err := manifest.Read([]byte("apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    metadata:\n    spec: {}\n"))
	if err != nil {
		t.Fatal(err)
	}
	workloads, err := documents[0].Workloads()
	if err != nil || len(workloads) != 1 {
		t.Fatal(workloads, err)
	}
	if err := workloads[0].Apply([]webhook.Operation{{Op: "add", Path: "/metadata/labels", Value: []byte(`{"a/b":"true"}`)}}); err != nil {
		t.Fatal(err)
	}
	got, err := documents[0].Bytes()
	if want := "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    metadata:\n      labels:\n        a/b: \"true\"\n    spec: {}\n"; err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestAccounts(t *testing.T) {
	documents, err := manifest.Read([]byte("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: web\n  namespace: shop\n  annotations: {a: b}\n---\nkind: ServiceAccount\napiVersion: other/v1\n"))
	if err != nil {
		t.Fatal(err)
	}
	var all []manifest.Account
	for _, d := range documents {
		found, err := d.Accounts()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if diff := cmp.Diff([]manifest.Account{{Namespace: "shop", Name: "web", Annotations: map[string]string{"a": "b"}}}, all); diff != "" {
		t.Error(diff)
	}
}

func TestMistakes(t *testing.T) {
	if _, err := manifest.Read([]byte("a: b\n---\na: [\n")); err == nil || !strings.Contains(err.Error(), "document 2") {
		t.Errorf("error %v", err)
	}
	documents, err := manifest.Read([]byte("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: {}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	workloads, err := documents[0].Workloads()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := workloads[0].Pod("x"); err == nil || !strings.Contains(err.Error(), "Pod p") {
		t.Errorf("error %v", err)
	}
}

// FuzzRead reads anything: what is read and not changed comes out as it went in, and what is changed is a document again.
func FuzzRead(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nkind: Pod\nspec:\n  containers: [{name: a}]\n---\n{}\n"))
	f.Add([]byte("--- {a: b}\n...\n---\tx\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		documents, err := manifest.Read(text)
		if err != nil {
			return
		}
		var out []byte
		for _, d := range documents {
			workloads, err := d.Workloads()
			if err != nil {
				return
			}
			for _, w := range workloads {
				if _, err := w.Pod("default"); err != nil {
					return
				}
			}
			part, err := d.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, part...)
			_, _ = d.JSON()
		}
		if !bytes.Equal(out, text) {
			t.Errorf("%q became %q", text, out)
		}
	})
}
