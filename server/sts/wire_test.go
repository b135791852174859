package sts_test

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

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
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, string(body)}
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
