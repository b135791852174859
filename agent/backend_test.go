package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/agent"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/token"
	"github.com/podpass/podpass/upstream"
)

// service is an HTTP service, and a list of endpoints that holds it alone.
func service(t *testing.T, serve http.HandlerFunc) *upstream.Endpoints {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	endpoint, err := upstream.ParseEndpoint(server.URL, "us-west-2", false)
	if err != nil {
		t.Fatal(err)
	}
	return upstream.NewEndpoints([]upstream.Endpoint{endpoint}, upstream.Options{})
}

func askFor(t *testing.T, p pod) agent.Request {
	t.Helper()
	raw := p.token(t)
	parsed, err := token.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return agent.Request{Token: raw, Claims: parsed.Claims}
}

var expires = time.Now().Add(time.Hour).Truncate(time.Second).UTC()

func TestEKSAuthBackend(t *testing.T) {
	request := askFor(t, web)
	endpoints := service(t, func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Token string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Token != request.Token {
			t.Errorf("body: %v", err)
		}
		if r.URL.Path != "/clusters/demo/assume-role-for-pod-identity" || !strings.Contains(r.Header.Get("Authorization"), "/us-west-2/eks-auth/aws4_request") {
			t.Errorf("%s %v", r.URL.Path, r.Header)
		}
		_, _ = fmt.Fprintf(w, `{"subject":{"namespace":"shop","serviceAccount":"web"},"audience":"pods.eks.amazonaws.com",
			"podIdentityAssociation":{"associationArn":"arn:aws:eks:us-west-2:111122223333:podidentityassociation/demo/a-1","associationId":"a-1"},
			"assumedRoleUser":{"arn":"arn:aws:sts::444455556666:assumed-role/r/s","assumeRoleId":"AROA:s"},
			"credentials":{"accessKeyId":"ASIA1","secretAccessKey":"sk","sessionToken":"st","expiration":%d}}`, expires.Unix())
	})
	client := upstream.NewEKSAuth(endpoints, credentials.NewStaticCredentialsProvider("AKIA", "s", ""), upstream.NewHTTPClient(nil))
	got, err := agent.EKSAuth(client, "demo").Obtain(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got.Endpoint, "http://127.0.0.1:") {
		t.Errorf("endpoint %s", got.Endpoint)
	}
	got.Endpoint = ""
	want := &agent.Credentials{
		AccessKeyID: "ASIA1", SecretAccessKey: "sk", SessionToken: "st", AccountID: "444455556666", Expiration: expires, AssociationID: "a-1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEKSAuthBackendErrors(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   agent.Error // no Code: it is no service's answer
		final  bool
	}{
		"no association": {
			404, `{"__type":"ResourceNotFoundException","message":"None."}`,
			agent.Error{Status: 404, Code: "ResourceNotFoundException", Message: "None.", Reason: "why", RequestID: "r-1"},
			true,
		},
		"denied": {
			400, `{"__type":"AccessDeniedException","message":"No."}`,
			agent.Error{Status: 400, Code: "AccessDeniedException", Message: "No.", Reason: "why", RequestID: "r-1"},
			true,
		},
		"throttled": {
			429, `{"__type":"ThrottlingException","message":"Slow."}`,
			agent.Error{Status: 429, Code: "ThrottlingException", Message: "Slow.", Reason: "why", RequestID: "r-1"},
			false,
		},
		"a proxy's page": {403, `<html>`, agent.Error{}, false},
	} {
		endpoints := service(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Podpass-Reason", "why")
			w.Header().Set("X-Amzn-Requestid", "r-1")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		})
		client := upstream.NewEKSAuth(endpoints, credentials.NewStaticCredentialsProvider("AKIA", "s", ""), upstream.NewHTTPClient(nil))
		_, err := agent.EKSAuth(client, "demo").Obtain(t.Context(), askFor(t, web))
		var got agent.Error
		if e := (*agent.Error)(nil); errors.As(err, &e) {
			got = *e
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err == nil || got.Final() != c.final {
			t.Errorf("%s: final %v, -want +got:\n%s", name, got.Final(), diff)
		}
	}
}

// The agent's own credentials refused are not the pod's fault: nothing cached goes, and the reason says so.
func TestAgentsOwnCredentialsRefused(t *testing.T) {
	for _, code := range []string{"UnrecognizedClientException", "ExpiredTokenException", "AccessDeniedException"} {
		endpoints := service(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(403)
			_, _ = io.WriteString(w, `{"__type":"`+code+`","message":"No."}`)
		})
		client := upstream.NewEKSAuth(endpoints, credentials.NewStaticCredentialsProvider("AKIA", "s", ""), upstream.NewHTTPClient(nil))
		w := start(t, func(c *agent.Config) { c.Backend = agent.EKSAuth(client, "demo") })
		earlier := start(t)
		raw := web.token(t)
		earlier.mustFetch(raw, 1)
		handOver(t, earlier, w)
		w.AllAssociationsChanged() // so that the next fetch asks
		w.mustFetch(raw, 1)
		if r := w.fetch(podOf(2).token(t)); r.status != 403 || !strings.Contains(r.body, code) || !strings.Contains(r.body, "agent's own credentials") {
			t.Errorf("%s: %d %s", code, r.status, r.body)
		}
	}
}

const stsAnswer = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>%s
<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>sk</SecretAccessKey><SessionToken>st</SessionToken><Expiration>%s</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`

func TestSTSBackend(t *testing.T) {
	role := identity.MustARN("arn:aws:iam::444455556666:role/web")
	long := web
	long.name = strings.Repeat("a", 60) + "-12345"
	bare := web
	bare.name, bare.uid = "", ""
	for name, c := range map[string]struct {
		pod                    pod
		user, account, session string
	}{
		"AWS":         {web, `<AssumedRoleUser><Arn>arn:aws:sts::777788889999:assumed-role/web/s</Arn><AssumedRoleId>AROA:s</AssumedRoleId></AssumedRoleUser>`, "777788889999", "web-1"},
		"MinIO":       {web, "", "444455556666", "web-1"},
		"a long name": {long, "", "444455556666", long.name[2:]},
		"no pod":      {bare, "", "444455556666", "shop.web"},
	} {
		request := askFor(t, c.pod)
		endpoints := service(t, func(w http.ResponseWriter, r *http.Request) {
			want := map[string]string{
				"Action": "AssumeRoleWithWebIdentity", "RoleArn": role.String(), "RoleSessionName": c.session, "WebIdentityToken": request.Token, "DurationSeconds": "3600",
			}
			for key, value := range want {
				if got := r.PostFormValue(key); got != value {
					t.Errorf("%s: %s is %q", name, key, got)
				}
			}
			w.Header().Set("Content-Type", "text/xml")
			_, _ = fmt.Fprintf(w, stsAnswer, c.user, expires.Format(time.RFC3339))
		})
		got, err := agent.STS(upstream.NewSTS(endpoints, nil, upstream.NewHTTPClient(nil)), agent.OneRole(role)).Obtain(t.Context(), request)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.AccountID != c.account || got.AccessKeyID != "ASIA1" || !got.Expiration.Equal(expires) {
			t.Errorf("%s: %+v, account %s", name, got, got.AccountID)
		}
	}
}

func TestSTSBackendErrors(t *testing.T) {
	none, err := agent.ParseRoles([]byte(`{"shop/db":{"RoleARN":"arn:aws:iam::444455556666:role/db"}}`))
	if err != nil {
		t.Fatal(err)
	}
	one := agent.OneRole(identity.MustARN("arn:aws:iam::444455556666:role/web"))
	for name, c := range map[string]struct {
		roles  agent.Roles
		status int
		code   string
		want   string
		final  bool
	}{
		"no role":      {none, 500, "Unused", "ResourceNotFoundException", true},
		"denied":       {one, 403, "AccessDenied", "AccessDeniedException", true},
		"bad token":    {one, 400, "InvalidIdentityToken", "InvalidTokenException", true},
		"expired":      {one, 400, "ExpiredTokenException", "ExpiredTokenException", true},
		"bad request":  {one, 400, "ValidationError", "ValidationError", false},
		"unable":       {one, 500, "InternalFailure", "InternalFailure", false},
		"IDP is away":  {one, 400, "IDPCommunicationError", "IDPCommunicationError", false},
		"no such code": {one, 400, "", "", false},
	} {
		endpoints := service(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			w.WriteHeader(c.status)
			_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>`, c.code)
		})
		_, err := agent.STS(upstream.NewSTS(endpoints, nil, upstream.NewHTTPClient(nil)), c.roles).Obtain(t.Context(), askFor(t, web))
		var got agent.Error
		if e := (*agent.Error)(nil); errors.As(err, &e) {
			got = *e
		}
		if err == nil || got.Code != c.want || got.Final() != c.final {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBackendGivesUpWithItsContext(t *testing.T) {
	endpoints := service(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then net/http sees the client leave
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	client := upstream.NewEKSAuth(endpoints, credentials.NewStaticCredentialsProvider("AKIA", "s", ""), upstream.NewHTTPClient(nil))
	if _, err := agent.EKSAuth(client, "demo").Obtain(ctx, askFor(t, web)); err == nil || errors.As(err, new(*agent.Error)) {
		t.Errorf("%v", err)
	}
}

func TestParseRoles(t *testing.T) {
	roles, err := agent.ParseRoles([]byte(`{
		"*/*":       {"RoleARN": "arn:aws:iam::111122223333:role/any", "Audience": "x"},
		"*/web":     {"RoleARN": "arn:aws:iam::111122223333:role/any-web"},
		"shop*/*":   {"RoleARN": "arn:aws:iam::111122223333:role/shops"},
		"shop/w*":   {"RoleARN": "arn:aws:iam::111122223333:role/shop-w"},
		"shop/we?":  {"RoleARN": "arn:aws:iam::111122223333:role/shop-we"},
		"shop/web":  {"RoleARN": "arn:aws:iam::111122223333:role/shop-web"}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	for account, want := range map[string]string{
		"shop/web": "shop-web", "shop/wex": "shop-we", "shop/wide": "shop-w", "shop/db": "shops", "shop2/web": "shops", "bank/web": "any-web", "bank/db": "any",
	} {
		namespace, name, _ := strings.Cut(account, "/")
		got, ok := roles.Role(identity.ServiceAccount{Namespace: namespace, Name: name})
		if !ok || got.ResourceName() != want {
			t.Errorf("%s: %s", account, got)
		}
	}
	for _, text := range []string{
		``, `[]`, `{"web":{"RoleARN":"arn:aws:iam::111122223333:role/r"}}`, `{"shop/web":{}}`, `{"shop/web":{"RoleARN":"arn:aws:iam::111122223333:user/u"}}`,
		`{"shop/web":{"RoleARN":"web"}}`, `{"Shop/web":{"RoleARN":"arn:aws:iam::111122223333:role/r"}}`, `{"/":{"RoleARN":"arn:aws:iam::111122223333:role/r"}}`,
	} {
		if _, err := agent.ParseRoles([]byte(text)); err == nil {
			t.Errorf("accepted %s", text)
		}
	}
}
