package iam_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/store/storetest"
)

const (
	mine   = identity.Account("111122223333")
	theirs = identity.Account("444455556666")
)

// authority is the IAM service over HTTP on a store of its own, with an administrator in two accounts.
type authority struct {
	url   string
	store *store.Store
	env   iam.Env
	audit *recorder
	admin aws.Credentials // of mine
	other aws.Credentials // of theirs
}

// recorder is an audit sink.
type recorder struct {
	mu     sync.Mutex
	events []audit.Event
}

func (r *recorder) Record(e audit.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	return nil
}

func (r *recorder) last() audit.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events[len(r.events)-1]
}

// sequence is randomness that repeats from run to run, for golden files.
type sequence struct {
	mu   sync.Mutex
	next byte
}

func (s *sequence) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range p {
		s.next = s.next*5 + 17
		p[i] = s.next
	}
	return len(p), nil
}

func start(t *testing.T) *authority {
	t.Helper()
	a := &authority{store: storetest.Open(t), audit: &recorder{}}
	at := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	a.env = iam.Env{Store: a.store, Now: func() time.Time { return at }, Random: &sequence{}}
	gate := access.New(access.Config{Store: a.store, Region: "us-west-2", Managed: iam.Managed})
	pipeline := &awsquery.Pipeline{Gate: gate, Audit: a.audit, Random: &sequence{}}
	config := iam.Config{Store: a.store, Gate: gate, Now: a.env.Now, Random: a.env.Random}
	server := httptest.NewServer(pipeline.Handler(iam.New(config)))
	t.Cleanup(server.Close)
	a.url = server.URL
	a.admin, a.other = a.account(t, mine), a.account(t, theirs)
	return a
}

// account adds an account and answers with its administrator's credentials.
func (a *authority) account(t *testing.T, id identity.Account) aws.Credentials {
	t.Helper()
	var key *store.AccessKey
	a.transact(t, func(tx *store.Tx) (err error) {
		store.Write(tx, a.store.Accounts, string(id), &store.Account{ID: id, Created: a.env.Now()})
		_, key, err = a.env.PutAdministrator(tx, id, "aws")
		return err
	})
	return aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}
}

// user adds a user of mine with an inline policy and answers with its credentials.
func (a *authority) user(t *testing.T, name, policy string) aws.Credentials {
	t.Helper()
	var key *store.AccessKey
	a.transact(t, func(tx *store.Tx) error {
		_, u, err := a.env.PutUser(tx, iam.UserSpec{Account: mine, Name: name, Inline: map[string]string{"p": policy}})
		if err != nil {
			return err
		}
		key, err = a.env.NewAccessKey(tx, u)
		return err
	})
	return aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}
}

func (a *authority) transact(t *testing.T, do func(tx *store.Tx) error) {
	t.Helper()
	if err := a.store.Transact(t.Context(), do); err != nil {
		t.Fatal(err)
	}
}

// client is the unmodified SDK.
func (a *authority) client(c aws.Credentials) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "us-west-2", BaseEndpoint: aws.String(a.url), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
	})
}

// answer is a raw reply.
type answer struct {
	status int
	body   string
}

// failure reads an ErrorResponse.
func (a answer) failure() (code, message string) {
	var e struct {
		Error struct{ Code, Message string }
	}
	if err := xml.Unmarshal([]byte(a.body), &e); err != nil {
		return "not XML", a.body
	}
	return e.Error.Code, e.Error.Message
}

// call sends a signed form, given as Name=value pairs, and reads the raw reply: what SDKs would refuse to send, or hide of the answer.
func (a *authority) call(t *testing.T, c aws.Credentials, action string, pairs ...string) answer {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		form.Set(name, value)
	}
	body := []byte(form.Encode())
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), c, request, hex.EncodeToString(sum[:]), "iam", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, string(text)}
}

// refused fails the test unless err is an API error of this code, and answers with its message.
func refused(t *testing.T, err error, code string) string {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if api.ErrorCode() != code {
		t.Fatalf("got %s: %s, want %s", api.ErrorCode(), api.ErrorMessage(), code)
	}
	return api.ErrorMessage()
}

func must[T any](out T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// trusting is a trust policy naming AWS principals.
func trusting(principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"sts:AssumeRole"}]}`
}

// allowing is an identity policy.
func allowing(action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"*"}]}`
}

func roleARN(name string) string { return "arn:aws:iam::" + string(mine) + ":role/" + name }
