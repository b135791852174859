package webhook_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/podpass/podpass/webhook"
	jsonpatch "gopkg.in/evanphx/json-patch.v4" // the API server's own
)

// accounts is a cluster's service accounts, by namespace/name. An account of nil cannot be read.
type accounts map[string]map[string]string

func (a accounts) Account(_ context.Context, namespace, name string) (webhook.Account, error) {
	annotations, ok := a[namespace+"/"+name]
	if ok && annotations == nil {
		return webhook.Account{}, context.DeadlineExceeded
	}
	return webhook.Account{Found: ok, Annotations: annotations}, nil
}

// associations are in effect for the accounts it has; stale makes all answers outdated.
type associations struct {
	of    map[string]bool
	stale bool
}

func (a associations) Associated(_ context.Context, namespace, name string) (bool, bool) {
	return a.of[namespace+"/"+name], !a.stale
}

type mappings map[string]webhook.Mapping

func (m mappings) Mapping(namespace, name string) (webhook.Mapping, bool) {
	mapping, ok := m[namespace+"/"+name]
	return mapping, ok
}

// answer is what a review was answered with.
type answer struct {
	APIVersion, Kind string
	Response         struct {
		UID     string
		Allowed bool
		Status  *struct {
			Code            int
			Reason, Message string
		}
		PatchType        string
		Patch            []byte
		Warnings         []string
		AuditAnnotations map[string]string
	}
}

const roleARN = "arn:aws:iam::111122223333:role/my-role"

func annotated(more ...string) map[string]string {
	m := map[string]string{"eks.amazonaws.com/role-arn": roleARN}
	for i := 0; i < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	return m
}

// setup is a webhook with all jitter at 100 seconds.
func setup(t testing.TB, c webhook.Config) http.Handler {
	t.Helper()
	if c.Accounts == nil {
		c.Accounts = accounts{}
	}
	if c.Jitter == nil {
		c.Jitter = func() int64 { return 100 }
	}
	hook, err := webhook.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return hook.Handler()
}

func post(handler http.Handler, path, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder
}

// ask sends a review and reads the answer, which must be well formed and repeat version and uid.
func ask(t testing.TB, handler http.Handler, path, body string) answer {
	t.Helper()
	recorder := post(handler, path, body)
	if recorder.Code != http.StatusOK {
		t.Fatalf("status %d: %s", recorder.Code, recorder.Body)
	}
	var a answer
	if err := json.Unmarshal(recorder.Body.Bytes(), &a); err != nil {
		t.Fatalf("%v: %s", err, recorder.Body)
	}
	var asked struct {
		APIVersion, Kind string
		Request          struct{ UID string }
	}
	if err := json.Unmarshal([]byte(body), &asked); err != nil {
		t.Fatal(err)
	}
	if a.APIVersion != asked.APIVersion || a.Kind != asked.Kind || a.Response.UID != asked.Request.UID {
		t.Errorf("answer is %s %s of %q, asked was %+v", a.APIVersion, a.Kind, a.Response.UID, asked)
	}
	if (a.Response.PatchType == "JSONPatch") != (len(a.Response.Patch) > 0) {
		t.Errorf("patch type %q with a patch of %d bytes", a.Response.PatchType, len(a.Response.Patch))
	}
	return a
}

// reviewOf is a review of a pod in namespace shop.
func reviewOf(pod string) string {
	return `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","kind":{"group":"","version":"v1","kind":"Pod"},` +
		`"resource":{"group":"","version":"v1","resource":"pods"},"namespace":"shop","operation":"CREATE","object":` + pod + `}}`
}

func fixture(t testing.TB, name string) string {
	t.Helper()
	body, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// objectOf is the object of a review, as it was sent.
func objectOf(t testing.TB, review string) []byte {
	t.Helper()
	var r struct {
		Request struct{ Object json.RawMessage }
	}
	if err := json.Unmarshal([]byte(review), &r); err != nil {
		t.Fatal(err)
	}
	return r.Request.Object
}

// patched is the object with the answer's patch applied, as the API server applies it.
func patched(t testing.TB, object []byte, a answer) []byte {
	t.Helper()
	if len(a.Response.Patch) == 0 {
		return object
	}
	patch, err := jsonpatch.DecodePatch(a.Response.Patch)
	if err != nil {
		t.Fatalf("%v: %s", err, a.Response.Patch)
	}
	after, err := patch.Apply(object)
	if err != nil {
		t.Fatalf("%v: %s", err, a.Response.Patch)
	}
	return after
}
