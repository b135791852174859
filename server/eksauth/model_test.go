package eksauth_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/podpass/podpass/podpasstest"
)

// model is AWS's description of an API, as it ships with aws-sdk-go.
type model struct {
	Operations map[string]struct {
		HTTP   struct{ Method, RequestURI string }
		Output struct{ Shape string }
		Errors []struct{ Shape string }
	}
	Shapes map[string]shape
}

type shape struct {
	Type     string
	Required []string
	Members  map[string]struct{ Shape string }
	Error    struct{ HTTPStatusCode int }
}

// post sends a body as the administrator, signed for EKS Auth.
func post(t *testing.T, s *podpasstest.Server, path, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(context.Background(), s.Admin, r, hex.EncodeToString(sum[:]), "eks-auth", podpasstest.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// The answer has exactly the members of the model, in their types.
func TestAnswerFollowsTheModel(t *testing.T) {
	var m model
	podpasstest.Model(t, "eks-auth/2023-11-26", &m)
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "reader", Trust: podpasstest.PodIdentityTrust()})
	s.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "reader"})
	op := m.Operations["AssumeRoleForPodIdentity"]
	if op.HTTP.Method != http.MethodPost {
		t.Fatalf("the model's method is %q", op.HTTP.Method)
	}
	status, body := post(t, s, strings.ReplaceAll(op.HTTP.RequestURI, "{clusterName}", "local"), `{"token":"`+s.PodToken(t, "shop", "web")+`"}`)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	var answer any
	d := json.NewDecoder(bytes.NewReader([]byte(body)))
	d.UseNumber()
	if err := d.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	m.check(t, "answer", answer, op.Output.Shape)
}

func (m model) check(t *testing.T, at string, value any, name string) {
	t.Helper()
	sh := m.Shapes[name]
	switch sh.Type {
	case "structure":
		members, ok := value.(map[string]any)
		if !ok {
			t.Fatalf("%s is %v, not an object", at, value)
		}
		for member, v := range members {
			ref, known := sh.Members[member]
			if !known {
				t.Errorf("%s has no member %s", name, member)
				continue
			}
			m.check(t, at+"."+member, v, ref.Shape)
		}
		for _, member := range sh.Required {
			if _, ok := members[member]; !ok {
				t.Errorf("%s lacks %s", name, member)
			}
		}
	case "timestamp":
		if n, ok := value.(json.Number); !ok || strings.ContainsAny(n.String(), "eE") {
			t.Errorf("%s is %v, not seconds", at, value)
		}
	case "string":
		if text, ok := value.(string); !ok || text == "" {
			t.Errorf("%s is %v, not text", at, value)
		}
	default:
		t.Errorf("%s is a %s, which the answer doesn't have", at, sh.Type)
	}
}

// Every refusal that the tables of tests expect is one of the model, with its status.
func TestErrorsFollowTheModel(t *testing.T) {
	var m model
	podpasstest.Model(t, "eks-auth/2023-11-26", &m)
	var modelled []string
	for _, e := range m.Operations["AssumeRoleForPodIdentity"].Errors {
		modelled = append(modelled, e.Shape)
	}
	for _, c := range append(tokenCases(), callerCases()...) {
		if c.want.Code == "" || c.want.Status == http.StatusForbidden { // of the signature's kind, which every service has
			continue
		}
		if !slices.Contains(modelled, c.want.Code) || m.Shapes[c.want.Code].Error.HTTPStatusCode != c.want.Status {
			t.Errorf("%s: %d %s is not in the model", c.name, c.want.Status, c.want.Code)
		}
	}
}
