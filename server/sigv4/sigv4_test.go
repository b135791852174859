package sigv4_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	awsv2 "github.com/aws/aws-sdk-go-v2/aws"
	signerv2 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	//lint:ignore SA1019 clients in the field still sign with it
	credsv1 "github.com/aws/aws-sdk-go/aws/credentials"
	//lint:ignore SA1019 as above
	signerv1 "github.com/aws/aws-sdk-go/aws/signer/v4"

	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/sigv4"
)

const (
	keyID  = "AKIAQAAAAAAAEXAMPLE1"
	secret = "not/a+real=secretKeyButFortyCharsLong123"
	form   = "Action=GetCallerIdentity&Version=2011-06-15"
)

var now = time.Date(2026, 11, 22, 4, 5, 6, 0, time.UTC)

// signed is a request as a client sends it: made with one of the SDKs' signers, over the wire's text and back.
type signed struct {
	method, url, body string
	header            map[string]string
	service, region   string
	token             string
	at                time.Time
	presign           bool
	v1                bool // sign with aws-sdk-go v1
}

func (s signed) defaults() signed {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&s.method, "POST")
	set(&s.url, "https://podpass.example.test:8600/")
	set(&s.service, "sts")
	set(&s.region, "us-west-2")
	if s.at.IsZero() {
		s.at = now
	}
	return s
}

func (s signed) request(t testing.TB) (*http.Request, []byte) {
	t.Helper()
	s = s.defaults()
	r, err := http.NewRequest(s.method, s.url, strings.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range s.header {
		r.Header.Set(name, value)
	}
	sum := sha256.Sum256([]byte(s.body))
	hash := hex.EncodeToString(sum[:])
	var signErr error
	switch {
	case s.v1 && s.presign:
		_, signErr = signerv1.NewSigner(credsv1.NewStaticCredentials(keyID, secret, s.token)).
			Presign(r, strings.NewReader(s.body), s.service, s.region, time.Minute, s.at)
	case s.v1:
		_, signErr = signerv1.NewSigner(credsv1.NewStaticCredentials(keyID, secret, s.token)).
			Sign(r, strings.NewReader(s.body), s.service, s.region, s.at)
	case s.presign:
		creds := awsv2.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: s.token}
		var u string
		u, _, signErr = signerv2.NewSigner().PresignHTTP(context.Background(), creds, r, hash, s.service, s.region, s.at)
		if signErr == nil {
			if r.URL, signErr = r.URL.Parse(u); signErr != nil {
				t.Fatal(signErr)
			}
		}
	default:
		creds := awsv2.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: s.token}
		signErr = signerv2.NewSigner().SignHTTP(context.Background(), creds, r, hash, s.service, s.region, s.at)
	}
	if signErr != nil {
		t.Fatal(signErr)
	}
	return overWire(t, r)
}

// overWire writes a request and reads it back as a server does.
func overWire(t testing.TB, r *http.Request) (*http.Request, []byte) {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	return receive(t, wire.Bytes())
}

func receive(t testing.TB, wire []byte) (*http.Request, []byte) {
	t.Helper()
	got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got, body
}

// verify is what access does with a request.
func verify(r *http.Request, body []byte, rules sigv4.Rules) error {
	s, err := sigv4.Parse(r)
	if err != nil {
		return err
	}
	if err := s.Check(r, rules); err != nil {
		return err
	}
	var keys sigv4.Keys
	if err := keys.Verify(s, r, body, secret); err != nil {
		return err
	}
	return keys.Verify(s, r, body, secret) // with the key it remembers
}

func rules() sigv4.Rules { return sigv4.Rules{Service: "sts", Window: 15 * time.Minute, Now: now} }

var formHeader = map[string]string{"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}

func TestAcceptsWhatSDKsSign(t *testing.T) {
	tests := map[string]signed{
		"go v2 post":                   {body: form, header: formHeader},
		"go v1 post":                   {body: form, header: formHeader, v1: true},
		"go v2 post with a session":    {body: form, header: formHeader, token: "FwoGZXIvYXdzEA=="},
		"go v1 post with a session":    {body: form, header: formHeader, token: "FwoGZXIvYXdzEA==", v1: true},
		"go v2 presigned":              {method: "GET", url: "https://podpass.example.test/?" + form, presign: true},
		"go v1 presigned":              {method: "GET", url: "https://podpass.example.test/?" + form, presign: true, v1: true},
		"go v2 presigned with session": {method: "GET", url: "https://podpass.example.test/?" + form, presign: true, token: "a+b/c=="},
		"presigned post, empty body":   {method: "POST", url: "https://podpass.example.test/?" + form, presign: true},
		"presigned with X-Amz-Expires": {method: "GET", url: "https://podpass.example.test/?" + form + "&X-Amz-Expires=60", presign: true},
		"presigned with signed header": {method: "GET", url: "https://podpass.example.test/?" + form, presign: true, header: map[string]string{"X-K8s-Aws-Id": "c1"}},
		"escaped path":                 {method: "GET", url: "https://h.example.test/tags/arn%3Aaws%3Aeks%3Aus-west-2%3A1%3Acluster%2Fc%201"},
		"spaces in header":             {body: form, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded", "X-Amz-Meta": "a   b  c"}},
		"query out of order":           {method: "GET", url: "https://h.example.test/?b=2&a=2&a=1&empty&tilde=~&sp=%20&pct=%2f"},
		"payload hash sent": {body: form, header: map[string]string{
			"Content-Type":         "application/x-www-form-urlencoded",
			"X-Amz-Content-Sha256": hexHash(form),
		}},
		"early edge":       {body: form, header: formHeader, at: now.Add(-15 * time.Minute)},
		"late edge":        {body: form, header: formHeader, at: now.Add(15 * time.Minute)},
		"regional STS":     {url: "https://sts.us-west-2.amazonaws.com/", body: form, header: formHeader},
		"global STS":       {url: "https://sts.amazonaws.com/", region: "us-east-1", body: form, header: formHeader},
		"FIPS STS":         {url: "https://sts-fips.us-west-2.amazonaws.com/", body: form, header: formHeader},
		"dual-stack STS":   {url: "https://sts.us-west-2.api.aws/", body: form, header: formHeader},
		"STS in China":     {url: "https://sts.cn-north-1.amazonaws.com.cn:8443/", region: "cn-north-1", body: form, header: formHeader},
		"a region unheard": {region: "home-lab-1", body: form, header: formHeader},
	}
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			r, body := s.request(t)
			if err := verify(r, body, rules()); err != nil {
				t.Errorf("refused: %v (%v)\n%s %s %v", err, errors.Unwrap(err), r.Method, r.URL, r.Header)
			}
		})
	}
}

func hexHash(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// A valid request, and each part of it changed after signing.
func TestRefusesWhatWasChanged(t *testing.T) {
	post := signed{body: form, header: formHeader, token: "FwoGZXIvYXdzEA=="}
	get := signed{method: "GET", url: "https://podpass.example.test:8600/?" + form, presign: true}
	tests := map[string]struct {
		from   signed
		change func(r *http.Request, body []byte) []byte
	}{
		"method":            {from: post, change: func(r *http.Request, b []byte) []byte { r.Method = "GET"; return b }},
		"host":              {from: post, change: func(r *http.Request, b []byte) []byte { r.Host = "podpass.example.test"; return b }},
		"port":              {from: post, change: func(r *http.Request, b []byte) []byte { r.Host = "podpass.example.test:443"; return b }},
		"path":              {from: post, change: func(r *http.Request, b []byte) []byte { r.URL.Path = "/clusters"; return b }},
		"query":             {from: post, change: func(r *http.Request, b []byte) []byte { r.URL.RawQuery = "a=b"; return b }},
		"body byte":         {from: post, change: func(_ *http.Request, b []byte) []byte { b[0] ^= 1; return b }},
		"body appended":     {from: post, change: func(_ *http.Request, b []byte) []byte { return append(b, "&x=y"...) }},
		"body dropped":      {from: post, change: func(*http.Request, []byte) []byte { return nil }},
		"content-length":    {from: post, change: func(r *http.Request, b []byte) []byte { r.ContentLength++; return b }},
		"chunked":           {from: post, change: func(r *http.Request, b []byte) []byte { r.ContentLength = -1; return b }},
		"content type":      {from: post, change: header("Content-Type", "application/json")},
		"security token":    {from: post, change: header("X-Amz-Security-Token", "another")},
		"date":              {from: post, change: header("X-Amz-Date", "20261122T040507Z")},
		"signature":         {from: post, change: auth("Signature=", "Signature=0")},
		"signature case":    {from: post, change: authFunc(upperSignature)},
		"signature short":   {from: post, change: authFunc(func(a string) string { return a[:len(a)-1] })},
		"signature zeros":   {from: post, change: authFunc(func(a string) string { return a[:len(a)-64] + strings.Repeat("0", 64) })},
		"region":            {from: post, change: auth("us-west-2", "eu-west-1")},
		"header unsigned":   {from: post, change: auth("host;x-amz-date", "host")},
		"header reordered":  {from: post, change: auth("content-type;host", "host;content-type")},
		"header doubled":    {from: post, change: auth("host;", "host;host;")},
		"header missing":    {from: post, change: func(r *http.Request, b []byte) []byte { r.Header.Del("X-Amz-Security-Token"); return b }},
		"extra x-amz":       {from: post, change: header("X-Amz-Target", "STS.AssumeRole")},
		"extra hash":        {from: post, change: header("X-Amz-Content-Sha256", hexHash(form))},
		"unsigned payload":  {from: post, change: header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")},
		"second value":      {from: post, change: func(r *http.Request, b []byte) []byte { r.Header.Add("Content-Type", "text/xml"); return b }},
		"presigned query":   {from: get, change: func(r *http.Request, b []byte) []byte { r.URL.RawQuery += "&DurationSeconds=900"; return b }},
		"presigned method":  {from: get, change: func(r *http.Request, b []byte) []byte { r.Method = "POST"; return b }},
		"presigned body":    {from: get, change: func(*http.Request, []byte) []byte { return []byte(form) }},
		"presigned host":    {from: get, change: func(r *http.Request, b []byte) []byte { r.Host = "other.example.test"; return b }},
		"presigned expires": {from: get, change: func(r *http.Request, b []byte) []byte { r.URL.RawQuery += "&X-Amz-Expires=604800"; return b }},
		"presigned action": {from: get, change: func(r *http.Request, b []byte) []byte {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "GetCallerIdentity", "GetSessionToken", 1)
			return b
		}},
		"no host signed": {from: post, change: auth("content-type;host;", "content-type;")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, body := test.from.request(t)
			body = test.change(r, body)
			want(t, verify(r, body, rules()), 403, "SignatureDoesNotMatch", "")
		})
	}
}

func header(name, value string) func(*http.Request, []byte) []byte {
	return func(r *http.Request, b []byte) []byte { r.Header.Set(name, value); return b }
}

func auth(from, to string) func(*http.Request, []byte) []byte {
	return authFunc(func(a string) string { return strings.Replace(a, from, to, 1) })
}

func authFunc(change func(string) string) func(*http.Request, []byte) []byte {
	return func(r *http.Request, b []byte) []byte {
		r.Header.Set("Authorization", change(r.Header.Get("Authorization")))
		return b
	}
}

func upperSignature(a string) string {
	i := strings.LastIndex(a, "Signature=") + len("Signature=")
	return a[:i] + strings.ToUpper(a[i:])
}

func want(t *testing.T, err error, status int, code, message string) {
	t.Helper()
	var wire *awserr.Error
	if !errors.As(err, &wire) || wire.Status != status || wire.Code != code || message != "" && wire.Message != message {
		t.Errorf("got %v, want %d %s %s", err, status, code, message)
	}
}

const wrongSignature = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

func TestScopeAndTime(t *testing.T) {
	tests := map[string]struct {
		from    signed
		rules   func(*sigv4.Rules)
		change  func(*http.Request, []byte) []byte
		message string
	}{
		"another service":  {from: signed{service: "iam"}, message: "Credential should be scoped to correct service: 'sts'."},
		"two things wrong": {from: signed{service: "iam", region: "US"}, message: "Credential should be scoped to a valid region. Credential should be scoped to correct service: 'sts'."},
		"malformed region": {from: signed{region: "uswest2"}, message: "Credential should be scoped to a valid region."},
		"regional host":    {from: signed{url: "https://sts.eu-west-1.amazonaws.com/"}, message: "Credential should be scoped to a valid region."},
		"global host":      {from: signed{url: "https://sts.amazonaws.com/"}, message: "Credential should be scoped to a valid region."},
		"global IAM host":  {from: signed{url: "https://iam.amazonaws.com/"}, message: "Credential should be scoped to a valid region."},
		"upper-case host":  {from: signed{url: "https://STS.EU-WEST-1.AMAZONAWS.COM/"}, message: "Credential should be scoped to a valid region."},
		"FIPS host":        {from: signed{url: "https://sts-fips.us-east-1.amazonaws.com/"}, message: "Credential should be scoped to a valid region."},
		"dual-stack host":  {from: signed{url: "https://sts.us-east-1.api.aws:443/"}, message: "Credential should be scoped to a valid region."},
		"terminator": {
			change:  auth("aws4_request", "aws5_request"),
			message: "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'.",
		},
		"scope's date": {
			change: auth("/20261122/", "/20261121/"),
			message: "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: " +
				"'20261121' != '20261122', from '20261122T040506Z'.",
		},
		"too old": {
			from:    signed{at: now.Add(-15*time.Minute - time.Second)},
			message: "Signature expired: 20261122T035005Z is now earlier than 20261122T035006Z (20261122T040506Z - 15 min.)",
		},
		"too new": {
			from:    signed{at: now.Add(15*time.Minute + time.Second)},
			message: "Signature not yet current: 20261122T042007Z is still later than 20261122T042006Z (20261122T040506Z + 15 min.)",
		},
		"EKS's window": {
			from:    signed{at: now.Add(-5*time.Minute - time.Second)},
			rules:   func(r *sigv4.Rules) { r.Window = 5 * time.Minute },
			message: "Signature expired: 20261122T040005Z is now earlier than 20261122T040006Z (20261122T040506Z - 5 min.)",
		},
		"presigned, too old": {
			from:    signed{method: "GET", url: "https://h.example.test/?X-Amz-Expires=604800", presign: true, at: now.Add(-16 * time.Minute)},
			message: "Signature expired: 20261122T034906Z is now earlier than 20261122T035006Z (20261122T040506Z - 15 min.)",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, body := test.from.request(t)
			if test.change != nil {
				body = test.change(r, body)
			}
			rules := rules()
			if test.rules != nil {
				test.rules(&rules)
			}
			want(t, verify(r, body, rules), 403, "SignatureDoesNotMatch", test.message)
		})
	}
}

func TestUnreadableSignatures(t *testing.T) {
	const credential = "Credential=" + keyID + "/20261122/us-west-2/sts/aws4_request"
	ok := "AWS4-HMAC-SHA256 " + credential + ", SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("a", 64)
	tests := map[string]struct {
		query   string
		headers [][2]string
		status  int // default 400
		code    string
		message string
	}{
		"none":                   {status: 403, code: "MissingAuthenticationToken", message: "Request is missing Authentication Token"},
		"empty":                  {headers: [][2]string{{"Authorization", ""}}},
		"basic":                  {headers: [][2]string{{"Authorization", "Basic dTpw"}}},
		"bearer":                 {headers: [][2]string{{"Authorization", "Bearer eyJ"}}},
		"scheme only":            {headers: [][2]string{{"Authorization", "AWS4-HMAC-SHA256"}}},
		"no credential":          {headers: [][2]string{{"Authorization", strings.Replace(ok, "Credential=", "Cred=", 1)}}},
		"doubled parameter":      {headers: [][2]string{{"Authorization", ok + ", " + credential}}},
		"unknown parameter":      {headers: [][2]string{{"Authorization", ok + ", X=y"}}},
		"trailing comma":         {headers: [][2]string{{"Authorization", ok + ","}}},
		"two headers":            {headers: [][2]string{{"Authorization", ok}, {"Authorization", ok}}},
		"two dates":              {headers: [][2]string{{"Authorization", ok}, {"X-Amz-Date", "20261122T040506Z"}, {"X-Amz-Date", "20261122T040506Z"}}},
		"two tokens":             {headers: [][2]string{{"Authorization", ok}, {"X-Amz-Date", "20261122T040506Z"}, {"X-Amz-Security-Token", "a"}, {"X-Amz-Security-Token", "b"}}},
		"no date":                {headers: [][2]string{{"Authorization", ok}}, message: "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."},
		"bad date":               {headers: [][2]string{{"Authorization", ok}, {"X-Amz-Date", "2026-11-22T04:05:06Z"}}},
		"oversized":              {headers: [][2]string{{"Authorization", ok + strings.Repeat(" ", 9000)}}},
		"short credential":       {headers: [][2]string{{"Authorization", strings.Replace(ok, "/sts", "", 1)}, {"X-Amz-Date", "20261122T040506Z"}}},
		"empty credential part":  {headers: [][2]string{{"Authorization", strings.Replace(ok, "/sts", "/", 1)}, {"X-Amz-Date", "20261122T040506Z"}}},
		"long key id":            {headers: [][2]string{{"Authorization", strings.Replace(ok, keyID, strings.Repeat("A", 129), 1)}, {"X-Amz-Date", "20261122T040506Z"}}},
		"many signed headers":    {headers: [][2]string{{"Authorization", strings.Replace(ok, "host", "host"+strings.Repeat(";z", 100), 1)}, {"X-Amz-Date", "20261122T040506Z"}}},
		"SigV4A":                 {headers: [][2]string{{"Authorization", strings.Replace(ok, "HMAC-SHA256", "ECDSA-P256-SHA256", 1)}}, message: "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'."},
		"header and query":       {headers: [][2]string{{"Authorization", ok}}, query: "X-Amz-Signature=aa"},
		"header and query token": {headers: [][2]string{{"Authorization", ok}}, query: "X-Amz-Security-Token=aa"},
		"query, parts missing": {
			query:   "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=aa&X-Amz-Credential=a&X-Amz-Date=b",
			message: "AWS query-string parameters must include 'X-Amz-SignedHeaders'. Re-examine the query-string parameters.",
		},
		"query, SigV4A":           {query: "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Signature=aa&X-Amz-Credential=a&X-Amz-Date=b&X-Amz-SignedHeaders=host"},
		"query, doubled":          {query: "X-Amz-Signature=aa&X-Amz-Signature=aa"},
		"query, doubled by case?": {query: "x-amz-signature=aa", status: 403, code: "MissingAuthenticationToken"},
		"query, token in header": {
			query:   "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=aa&X-Amz-Credential=a&X-Amz-Date=b&X-Amz-SignedHeaders=host",
			headers: [][2]string{{"X-Amz-Security-Token", "a"}},
		},
		"query, bad escape":    {query: "X-Amz-Signature=%zz", status: 404, code: "MalformedQueryString"},
		"query, many":          {query: strings.Repeat("a&", sigv4.MaxParams), status: 404, code: "MalformedQueryString"},
		"empty security token": {headers: [][2]string{{"Authorization", ok}, {"X-Amz-Date", "20261122T040506Z"}, {"X-Amz-Security-Token", ""}}, status: 403, code: "InvalidClientTokenId"},
		"long security token":  {headers: [][2]string{{"Authorization", ok}, {"X-Amz-Date", "20261122T040506Z"}, {"X-Amz-Security-Token", strings.Repeat("a", 9000)}}, status: 403, code: "InvalidClientTokenId"},
		"only an unsigned Date": {
			headers: [][2]string{{"Authorization", strings.Replace(ok, ";x-amz-date", "", 1)}, {"Date", now.Format(http.TimeFormat)}},
			status:  403, code: "SignatureDoesNotMatch",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "http://h.example.test/?"+test.query, nil)
			for _, h := range test.headers {
				r.Header.Add(h[0], h[1])
			}
			if test.status == 0 {
				test.status, test.code = 400, "IncompleteSignature"
			}
			_, err := sigv4.Parse(r)
			want(t, err, test.status, test.code, test.message)
			if err != nil && strings.Contains(err.Error(), strings.Repeat("a", 64)) {
				t.Errorf("the error repeats the signature: %v", err)
			}
		})
	}
}

func TestPathsInNormalFormOnly(t *testing.T) {
	for _, path := range []string{"//", "/a//b", "/./", "/a/../b", "/a/..", "/%2e%2e/", "/a/%2E/b", "/a/.%2e"} {
		r := httptest.NewRequest("GET", "http://h.example.test"+path, nil)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 …")
		_, err := sigv4.Parse(r)
		want(t, err, 403, "SignatureDoesNotMatch", wrongSignature)
	}
}

// The client may be one that adds the session token to a request it has signed already.
func TestSecurityTokenMayBeUnsigned(t *testing.T) {
	r, body := signed{body: form, header: formHeader}.request(t)
	r.Header.Set("X-Amz-Security-Token", "added later")
	if err := verify(r, body, rules()); err != nil {
		t.Error(err)
	}
}

// A request with no X-Amz-Date is dated by Date, as long as that is signed. No SDK makes one, so this one is signed by hand, over
// the very text AWS documents.
func TestDateHeader(t *testing.T) {
	wire := "GET / HTTP/1.1\r\nHost: h.example.test\r\nDate: " + now.Format(http.TimeFormat) + "\r\n"
	canonical := "GET\n/\n\ndate:" + now.Format(http.TimeFormat) + "\nhost:h.example.test\n\ndate;host\n" + hexHash("")
	wire += "Authorization: " + byHand(canonical, "date;host") + "\r\n\r\n"
	r, body := receive(t, []byte(wire))
	if err := verify(r, body, rules()); err != nil {
		t.Error(err, errors.Unwrap(err))
	}
}

// curl --aws-sigv4 -d signs neither Content-Type nor Content-Length.
func TestCurl(t *testing.T) {
	wire := "POST / HTTP/1.1\r\nHost: h.example.test\r\nX-Amz-Date: 20261122T040506Z\r\nContent-Length: 43\r\n" +
		"Content-Type: application/x-www-form-urlencoded\r\n"
	canonical := "POST\n/\n\nhost:h.example.test\nx-amz-date:20261122T040506Z\n\nhost;x-amz-date\n" + hexHash(form)
	wire += "Authorization: " + byHand(canonical, "host;x-amz-date") + "\r\n\r\n" + form
	r, body := receive(t, []byte(wire))
	if err := verify(r, body, rules()); err != nil {
		t.Error(err, errors.Unwrap(err))
	}
}

// Header values are joined by commas and trimmed: the vectors of the public test suite in one.
func TestHeaderValues(t *testing.T) {
	wire := "GET / HTTP/1.1\r\nHost: h.example.test\r\nX-Amz-Date: 20261122T040506Z\r\nMy-Header1:  value4 \r\nMy-Header1: value1\r\nMy-Header2:  \"a   b   c\"  \r\n"
	canonical := "GET\n/\n\nhost:h.example.test\nmy-header1:value4,value1\nmy-header2:\"a b c\"\nx-amz-date:20261122T040506Z\n\n" +
		"host;my-header1;my-header2;x-amz-date\n" + hexHash("")
	wire += "Authorization: " + byHand(canonical, "host;my-header1;my-header2;x-amz-date") + "\r\n\r\n"
	r, body := receive(t, []byte(wire))
	if err := verify(r, body, rules()); err != nil {
		t.Error(err, errors.Unwrap(err))
	}
}
