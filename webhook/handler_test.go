package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/podpass/podpass/webhook"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const pod = `{"spec":{"serviceAccountName":"web","containers":[{"name":"a"}]}}`

func TestBothVersions(t *testing.T) {
	handler := setup(t, webhook.Config{Accounts: accounts{"shop/web": annotated()}})
	v1 := ask(t, handler, webhook.PathMutate, reviewOf(pod))
	beta := ask(t, handler, webhook.PathMutate, strings.Replace(reviewOf(pod), "k8s.io/v1\"", "k8s.io/v1beta1\"", 1)) // ask compares the versions
	if len(v1.Response.Patch) == 0 || string(v1.Response.Patch) != string(beta.Response.Patch) {
		t.Errorf("v1 %s, v1beta1 %s", v1.Response.Patch, beta.Response.Patch)
	}
	dry := ask(t, handler, webhook.PathMutate, strings.Replace(reviewOf(pod), `"operation"`, `"dryRun":true,"operation"`, 1))
	if string(dry.Response.Patch) != string(v1.Response.Patch) {
		t.Errorf("dry run %s", dry.Response.Patch)
	}
}

func TestNotAPodBeingCreated(t *testing.T) {
	handler := setup(t, webhook.Config{Accounts: accounts{"shop/web": annotated()}})
	review := reviewOf(pod)
	for name, body := range map[string]string{
		"update":         strings.Replace(review, "CREATE", "UPDATE", 1),
		"delete":         strings.Replace(strings.Replace(review, "CREATE", "DELETE", 1), pod, "null", 1),
		"subresource":    strings.Replace(review, `"operation"`, `"subResource":"ephemeralcontainers","operation"`, 1),
		"other kind":     strings.Replace(review, `"kind":"Pod"`, `"kind":"Deployment"`, 1),
		"other resource": strings.Replace(review, `"pods"`, `"podtemplates"`, 1),
		"no pod at all":  strings.Replace(strings.Replace(review, `"kind":"Pod"`, `"kind":"X"`, 1), pod, `{"spec":7,"metadata":[]}`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			a := ask(t, handler, webhook.PathRequired, body)
			if !a.Response.Allowed || len(a.Response.Patch) > 0 || len(a.Response.Warnings) != 1 || a.Response.AuditAnnotations["reason"] != "NotPodCreation" {
				t.Errorf("%+v", a.Response)
			}
		})
	}
}

func TestRefusesToReadNonsense(t *testing.T) {
	handler := setup(t, webhook.Config{Accounts: accounts{"shop/web": annotated()}})
	review := reviewOf(pod)
	for name, body := range map[string]string{
		"empty":             ``,
		"no JSON":           `{"kind":`,
		"two reviews":       review + review,
		"other kind":        strings.Replace(review, "AdmissionReview", "ConversionReview", 1),
		"other version":     strings.Replace(review, "k8s.io/v1\"", "k8s.io/v2\"", 1),
		"no request":        `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}`,
		"no uid":            strings.Replace(review, `"uid":"u-1",`, "", 1),
		"no object":         strings.Replace(review, pod, "null", 1),
		"object is a list":  strings.Replace(review, pod, "[]", 1),
		"containers object": strings.Replace(review, pod, `{"spec":{"containers":{}}}`, 1),
		"labels of numbers": strings.Replace(review, pod, `{"metadata":{"labels":{"a":1}}}`, 1),
		"labels a list":     strings.Replace(review, pod, `{"metadata":{"labels":[]}}`, 1),
		"labels cut off":    strings.Split(strings.Replace(review, pod, `{"metadata":{"labels":{"a":`, 1), `"a":`)[0],
	} {
		if recorder := post(handler, webhook.PathMutate, body); recorder.Code != http.StatusBadRequest || !strings.Contains(recorder.Body.String(), "malformed admission review") {
			t.Errorf("%s: %d %s", name, recorder.Code, recorder.Body)
		}
	}
	for _, test := range []struct {
		method, content string
		want            int
	}{
		{http.MethodGet, "application/json", http.StatusMethodNotAllowed},
		{http.MethodPut, "application/json", http.StatusMethodNotAllowed},
		{http.MethodPost, "", http.StatusUnsupportedMediaType},
		{http.MethodPost, "application/yaml", http.StatusUnsupportedMediaType},
		{http.MethodPost, "application/json; charset=utf-8", http.StatusOK},
	} {
		request := httptest.NewRequest(test.method, webhook.PathMutate, strings.NewReader(review))
		request.Header.Set("Content-Type", test.content)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != test.want {
			t.Errorf("%s %q: %d, want %d", test.method, test.content, recorder.Code, test.want)
		}
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, webhook.PathHealth, nil))
	if recorder.Code != http.StatusOK {
		t.Errorf("health: %d", recorder.Code)
	}
}

func TestLargePods(t *testing.T) {
	handler := setup(t, webhook.Config{Accounts: accounts{"shop/web": annotated()}})
	t.Run("3 MB", func(t *testing.T) {
		object := `{"metadata":{"annotations":{"x":"` + strings.Repeat("y", 3<<20) + `"}},"spec":{"serviceAccountName":"web","containers":[{"name":"a"}]}}`
		if a := ask(t, handler, webhook.PathMutate, reviewOf(object)); len(a.Response.Patch) == 0 || len(a.Response.Patch) > 4096 {
			t.Errorf("a patch of %d bytes", len(a.Response.Patch))
		}
	})
	t.Run("500 containers, each with half a pair", func(t *testing.T) {
		var containers []string
		for i := range 500 {
			containers = append(containers, fmt.Sprintf(`{"name":"container-%d","env":[{"name":"AWS_ROLE_ARN","value":"x"}]}`, i))
		}
		object := `{"spec":{"serviceAccountName":"web","containers":[` + strings.Join(containers, ",") + `]}}`
		a := ask(t, handler, webhook.PathMutate, reviewOf(object))
		if got := strings.Count(string(patched(t, []byte(object), a)), `"aws-iam-token","readOnly"`); got != 500 {
			t.Errorf("%d containers have the mount", got)
		}
		if len(a.Response.Warnings) != 1 || !strings.Contains(a.Response.Warnings[0], "container-0, container-1, container-2 and 497 more") {
			t.Errorf("warnings %q", a.Response.Warnings)
		}
	})
	t.Run("more than an API server sends", func(t *testing.T) {
		if recorder := post(handler, webhook.PathMutate, strings.Repeat(" ", 9<<20)); recorder.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("status %d", recorder.Code)
		}
	})
}

// Whoever announces the largest review and sends nothing of it takes no memory of that size.
func TestAnnouncedReviewsTakeNoRoom(t *testing.T) {
	handler := setup(t, webhook.Config{Accounts: accounts{}})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const clients = 20
	for range clients {
		r := httptest.NewRequest(http.MethodPost, webhook.PathMutate, iotest.ErrReader(io.ErrUnexpectedEOF))
		r.Header.Set("Content-Type", "application/json")
		r.ContentLength = 8 << 20
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / clients; each > 1<<20 {
		t.Errorf("%d bytes for each review that was announced and did not come", each)
	}
}

func TestWarningsFit(t *testing.T) {
	annotations := map[string]string{"aws\r\n/role-arn": "x"}
	mapped := mappings{"shop/web": {RoleARN: strings.Repeat("é", 4000) + "\x00\r\n"}}
	for i := range 200 {
		annotations[fmt.Sprintf("aws%d/role-arn", i)] = "x"
	}
	a := ask(t, setup(t, webhook.Config{Accounts: accounts{"shop/web": annotations}, Mappings: mapped}), webhook.PathMutate, reviewOf(pod))
	total := 0
	for _, w := range a.Response.Warnings {
		total += len(w)
		if len(w) > 256 || strings.ContainsAny(w, "\r\n\x00") {
			t.Errorf("%d bytes: %q", len(w), w)
		}
	}
	if total > 4096 || total < 3000 {
		t.Errorf("%d bytes of warnings", total)
	}
	long := webhook.Finding{Reason: webhook.InvalidRoleARN, Text: strings.Repeat("é", 200)}
	if w := long.Warning(); len(w) > 256 || !strings.HasSuffix(w, "é... (InvalidRoleARN)") {
		t.Errorf("%q", w)
	}
}

// What cannot be determined: admitted with what is known on one path, refused on the other.
func TestUndetermined(t *testing.T) {
	stale := func(of ...string) []webhook.Associations {
		a := associations{of: map[string]bool{}, stale: true}
		for _, account := range of {
			a.of[account] = true
		}
		return []webhook.Associations{a}
	}
	sure := associations{of: map[string]bool{"shop/web": true}}
	labelled := `{"metadata":{"labels":{"podpass.io/inject":"required"}},"spec":{"serviceAccountName":"web","containers":[{"name":"a"}]}}`
	for _, test := range []struct {
		name      string
		pod       string
		config    webhook.Config
		mechanism string   // on /mutate
		findings  []string // on /mutate
		code      int      // on /mutate/required; 0 is admitted
		message   string
	}{
		{
			name: "account unreadable", config: webhook.Config{Accounts: accounts{"shop/web": nil}},
			mechanism: "none", findings: []string{"LookupFailed"}, code: 503, message: "podpass: service account shop/web could not be read",
		},
		{
			name: "account unreadable, associated", config: webhook.Config{Accounts: accounts{"shop/web": nil}, Associations: []webhook.Associations{sure}},
			mechanism: "pod-identity", findings: []string{"LookupFailed"}, code: 503, message: "(LookupFailed)",
		},
		{
			name: "associations stale", config: webhook.Config{Accounts: accounts{"shop/web": annotated()}, Associations: stale()},
			mechanism: "irsa", findings: []string{"AssociationStale"}, code: 503, message: "(AssociationStale)",
		},
		{
			name: "associations stale, associated when last seen", config: webhook.Config{Accounts: accounts{"shop/web": {}}, Associations: stale("shop/web")},
			mechanism: "pod-identity", findings: []string{"AssociationStale"}, code: 503, message: "(AssociationStale)",
		},
		{
			name: "stale here, sure there", config: webhook.Config{Accounts: accounts{"shop/web": {}}, Associations: append(stale(), sure)},
			mechanism: "pod-identity",
		},
		{
			name: "invalid role", config: webhook.Config{Accounts: accounts{"shop/web": {"eks.amazonaws.com/role-arn": "x"}}},
			mechanism: "none", findings: []string{"InvalidRoleARN"}, code: 403, message: "(InvalidRoleARN)",
		},
		{name: "no identity in a namespace that opted in", config: webhook.Config{Accounts: accounts{"shop/web": {}}}, mechanism: "none"},
		{
			name: "no identity of a pod that opted in", pod: labelled, config: webhook.Config{Accounts: accounts{"shop/web": {}}},
			mechanism: "none", code: 403, message: "(NoIdentity)",
		},
		{name: "identity of a pod that opted in", pod: labelled, config: webhook.Config{Accounts: accounts{"shop/web": annotated()}}, mechanism: "irsa"},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := setup(t, test.config)
			if test.pod == "" {
				test.pod = pod
			}
			a := ask(t, handler, webhook.PathMutate, reviewOf(test.pod))
			if got := outcomeOf(t, a); !a.Response.Allowed || got.Mechanism != test.mechanism || strings.Join(got.Findings, " ") != strings.Join(test.findings, " ") {
				t.Errorf("on %s: %+v", webhook.PathMutate, a.Response)
			}
			if injected := len(a.Response.Patch) > 0; injected != (test.mechanism != "none") {
				t.Errorf("patch %s", a.Response.Patch)
			}
			r := ask(t, handler, webhook.PathRequired, reviewOf(test.pod))
			switch {
			case test.code == 0:
				if !r.Response.Allowed || string(r.Response.Patch) != string(a.Response.Patch) {
					t.Errorf("on %s: %+v", webhook.PathRequired, r.Response)
				}
			case r.Response.Allowed || len(r.Response.Patch) > 0 || r.Response.Status == nil || r.Response.Status.Code != test.code || !strings.Contains(r.Response.Status.Message, test.message):
				t.Errorf("on %s: %+v %+v", webhook.PathRequired, r.Response, r.Response.Status)
			}
		})
	}
}

// hanging never answers before its context ends.
type hanging struct{}

func (hanging) Account(ctx context.Context, _, _ string) (webhook.Account, error) {
	<-ctx.Done()
	return webhook.Account{}, ctx.Err()
}

// deaf doesn't look at its context; it answers when told.
type deaf chan struct{}

func (d deaf) Associated(context.Context, string, string) (bool, bool) {
	<-d
	return true, true
}

func TestLookupsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(deaf)
		defer close(release)
		handler := setup(t, webhook.Config{Accounts: hanging{}, Associations: []webhook.Associations{release}})
		start := time.Now()
		a := ask(t, handler, webhook.PathMutate, reviewOf(pod))
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("answered after %s", took)
		}
		if got := outcomeOf(t, a); strings.Join(got.Findings, " ") != "LookupFailed AssociationStale" {
			t.Errorf("findings %v", got.Findings)
		}
	})
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	handler := setup(t, webhook.Config{
		Accounts:     accounts{"shop/web": annotated(), "shop/api": {}},
		Associations: []webhook.Associations{associations{of: map[string]bool{"shop/api": true}}}, Registerer: registry,
	})
	for _, account := range []string{"web", "web", "api", "none"} {
		ask(t, handler, webhook.PathMutate, reviewOf(strings.Replace(pod, "web", account, 1)))
	}
	post(handler, webhook.PathMutate, "{")
	recorder := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range []string{
		`pod_identity_webhook_pod_count{method="container_credentials"} 1`,
		`pod_identity_webhook_pod_count{method="sts_web_identity"} 2`,
		`pod_identity_webhook_used 1`,
		`pod_identity_webhook_missing_sa_count 1`,
		`http_request_count{code="200",path="/mutate",verb="POST"} 4`,
		`http_request_count{code="400",path="/mutate",verb="POST"} 1`,
		`http_request_latencies_count{path="/mutate",verb="POST"} 4`,
		`http_request_duration_microseconds_count{path="/mutate",verb="POST"} 4`,
		`podpass_webhook_decisions_total{reason="RoleAnnotated"} 2`,
		`podpass_webhook_findings_total{reason="UnknownServiceAccount"} 1`,
		`podpass_webhook_malformed_total 1`,
	} {
		if !strings.Contains(recorder.Body.String(), line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if _, err := webhook.New(webhook.Config{Accounts: accounts{}, Registerer: registry}); err == nil {
		t.Error("two webhooks share a registry")
	}
}
