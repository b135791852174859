package sts_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/podpass/podpass/podpasstest"
)

// form is an unsigned request, for what no SDK here knows how to send.
type form map[string]string

type answer struct {
	status int
	body   string
}

func post(t *testing.T, s *podpasstest.Server, f form) answer {
	t.Helper()
	values := url.Values{"Version": {"2011-06-15"}}
	for k, v := range f {
		values.Set(k, v)
	}
	resp, err := http.PostForm(s.URL+"/", values)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, readAll(t, resp)}
}

// element is the text of the first element of a name.
func element(body, name string) string {
	_, rest, _ := strings.Cut(body, "<"+name+">")
	text, _, _ := strings.Cut(rest, "</"+name+">")
	return text
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func readAll(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// signed sends a form with a signature.
func signed(t *testing.T, s *podpasstest.Server, c aws.Credentials, f form) answer {
	t.Helper()
	values := url.Values{"Version": {"2011-06-15"}}
	for k, v := range f {
		values.Set(k, v)
	}
	body := values.Encode()
	req, err := http.NewRequest(http.MethodPost, s.URL+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	hash := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(context.Background(), c, req, hex.EncodeToString(hash[:]), "sts", podpasstest.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, readAll(t, resp)}
}
