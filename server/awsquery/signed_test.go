package awsquery_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	awsv2 "github.com/aws/aws-sdk-go-v2/aws"
	signerv2 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

const (
	account = identity.Account("111122223333")
	keyID   = "AKIAQAAAAAAAEXAMPLE1"
	secret  = "not/a+real=secretKeyButFortyCharsLong123"
	who     = "arn:aws:iam::111122223333:user/ann"
)

// signedServer serves one signed action, Who, of each of two services, over a store with one user.
func signedServer(t *testing.T) *server {
	t.Helper()
	st := storetest.Open(t)
	user := store.User{Account: account, Partition: "aws", Path: "/", Name: "ann", ID: "AIDAQAAAAAAAEXAMPLE01", Created: now}
	key := store.AccessKey{ID: keyID, Account: account, User: "ann", UserID: user.ID, Secret: secret, Active: true, Created: now}
	if err := st.Transact(t.Context(), func(tx *store.Tx) error {
		store.Write(tx, st.Users, store.UserKey(string(account), "ann"), &user)
		store.Write(tx, st.AccessKeys, key.ID, &key)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	s := &server{}
	p := awsquery.Pipeline{
		Gate:  access.New(access.Config{Store: st, Now: func() time.Time { return now }}),
		Audit: s, Now: func() time.Time { return now },
	}
	tell := awsquery.NewAction("Who", func(_ context.Context, c *awsquery.Call, _ *struct{}) (*beast, error) {
		return &beast{c.Caller.ARN.String()}, nil
	})
	s.handler = p.Handler(
		awsquery.Service{Name: "sts", Version: "2011-06-15", Actions: []awsquery.Action{tell}},
		awsquery.Service{Name: "iam", Version: "2010-05-08", Actions: []awsquery.Action{tell}},
	)
	return s
}

func sign(t *testing.T, r *http.Request, body, service string) {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	creds := awsv2.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
	if err := signerv2.NewSigner().SignHTTP(t.Context(), creds, r, hex.EncodeToString(sum[:]), service, "us-west-2", now); err != nil {
		t.Fatal(err)
	}
}

func presign(t *testing.T, r *http.Request, service string) *http.Request {
	t.Helper()
	creds := awsv2.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
	sum := sha256.Sum256(nil)
	u, _, err := signerv2.NewSigner().PresignHTTP(t.Context(), creds, r, hex.EncodeToString(sum[:]), service, "us-west-2", now)
	if err != nil {
		t.Fatal(err)
	}
	return httptest.NewRequest(r.Method, u, nil)
}

func TestSignedActions(t *testing.T) {
	const sts, iam = "Action=Who&Version=2011-06-15", "Action=Who&Version=2010-05-08"
	tests := map[string]struct {
		request func(t *testing.T) *http.Request
		status  int // default 200
		code    string
		message string
		service string // default sts
	}{
		"post": {request: func(t *testing.T) *http.Request {
			r := post(sts)
			sign(t, r, sts, "sts")
			return r
		}},
		"iam": {service: "iam", request: func(t *testing.T) *http.Request {
			r := post(iam)
			sign(t, r, iam, "iam")
			return r
		}},
		"presigned get": {request: func(t *testing.T) *http.Request {
			return presign(t, httptest.NewRequest("GET", "http://h.example.test/?"+sts, nil), "sts")
		}},
		"presigned post": {request: func(t *testing.T) *http.Request {
			return presign(t, httptest.NewRequest("POST", "http://h.example.test/?"+sts, nil), "sts")
		}},
		"unsigned": {status: 403, code: "MissingAuthenticationToken", request: func(*testing.T) *http.Request { return post(sts) }},
		"signed for another service": {
			status: 403, code: "SignatureDoesNotMatch", message: "Credential should be scoped to correct service: &#39;sts&#39;.",
			request: func(t *testing.T) *http.Request {
				r := post(sts)
				sign(t, r, sts, "iam")
				return r
			},
		},
		"carried to another service": {
			status: 403, code: "SignatureDoesNotMatch", service: "iam", message: "Credential should be scoped to correct service: &#39;iam&#39;.",
			request: func(t *testing.T) *http.Request {
				r := post(iam)
				sign(t, r, sts, "sts")
				return r
			},
		},
		"another body": {status: 403, code: "SignatureDoesNotMatch", request: func(t *testing.T) *http.Request {
			r := post(sts + "&x=y")
			sign(t, r, sts, "sts")
			return r
		}},
		"presigned, and a body": {status: 403, code: "SignatureDoesNotMatch", request: func(t *testing.T) *http.Request {
			r := presign(t, httptest.NewRequest("POST", "http://h.example.test/?"+sts, nil), "sts")
			with := post("x=y")
			with.URL, with.Host = r.URL, r.Host
			return with
		}},
		"presigned, parameter twice": {status: 400, code: "InvalidQueryParameter", service: "", request: func(t *testing.T) *http.Request {
			r := presign(t, httptest.NewRequest("GET", "http://h.example.test/?"+sts, nil), "sts")
			r.URL.RawQuery += "&X-Amz-Signature=" + strings.Repeat("0", 64)
			return r
		}},
	}
	s := signedServer(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s.events = nil
			w := s.do(test.request(t))
			if test.code == "InvalidQueryParameter" {
				refused(t, s, w, test.status, test.code, test.message)
				return
			}
			service := test.service
			if service == "" {
				service = "sts"
			}
			if len(s.events) != 1 || s.events[0].Service != service || s.events[0].Action != "Who" {
				t.Fatalf("events %+v", s.events)
			}
			e := s.events[0]
			if test.code != "" {
				refused(t, s, w, test.status, test.code, test.message)
				if e.Caller != "" || e.CallerKey != "" || e.Account != "" {
					t.Errorf("a caller nobody vouched for is on record: %+v", e)
				}
				return
			}
			if w.Code != 200 || !strings.Contains(w.Body.String(), "<Name>"+who+"</Name>") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if e.Outcome != audit.Allowed || e.Caller != who || e.CallerKey != keyID || e.Account != string(account) {
				t.Errorf("event %+v", e)
			}
		})
	}
}
