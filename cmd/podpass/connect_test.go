package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/podpass/podpass/api"
)

// A long podpass run signs each call with the key the env file holds at that time: podpass admin rotate may have replaced it.
func TestConnectionReadsTheKeyAnew(t *testing.T) {
	var keys []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, after, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		key, _, _ := strings.Cut(after, "/")
		keys = append(keys, key)
		io.WriteString(w, "{}")
	}))
	defer server.Close()
	dir := t.TempDir()
	conn := (*connection)(nil)
	for _, key := range []string{"AKIAFIRST", "AKIASECOND"} {
		write(t, filepath.Join(dir, "env"), string(administratorEnv(server.URL, "us-west-2", api.AccessKey{AccessKeyID: key, SecretAccessKey: "x"}).marshal()))
		if conn == nil {
			var err error
			if conn, err = (&app{}).connect(t.Context(), connectConfig{dataDir: dir}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := conn.ListAccounts(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(keys, " "); got != "AKIAFIRST AKIASECOND" {
		t.Errorf("signed with %s", got)
	}
}

func TestExplain(t *testing.T) {
	conn := &connection{endpoint: "http://127.0.0.1:1", envFile: "/d/env"}
	_, refused := http.Get("http://127.0.0.1:1/")
	for _, c := range []struct {
		err        error
		what, hint string
	}{
		{fmt.Errorf("call: %w", refused), "cannot reach the authority at http://127.0.0.1:1", "podpass up --data-dir /d"},
		{&api.Error{Code: "UnrecognizedClientException", Message: "invalid"}, "does not know the key in /d/env", "podpass up --data-dir /d "},
		{&api.Error{Code: api.CodeAccessDenied, Message: "no"}, "AccessDeniedException: no", "aws sts get-caller-identity"},
		{&api.Error{Code: api.CodeNotFound, Message: "no; podpass cluster list"}, "no", "podpass cluster list"},
		{&api.Error{Code: "UnexpectedAnswer", Message: "not podpass"}, "not podpass", "env -u AWS_ENDPOINT_URL "},
	} {
		var f *failure
		if err := conn.explain(c.err); !errors.As(err, &f) || !strings.Contains(f.Error(), c.what) || !strings.HasPrefix(f.hint, c.hint) {
			t.Errorf("%v became %+v", c.err, f)
		}
	}
	for _, same := range []error{nil, usage("x", "y"), context.Canceled, &api.Error{Code: api.CodeConflict}, &api.Error{Code: api.CodeNotFound, Message: "no role"}} {
		if got := conn.explain(same); got != same {
			t.Errorf("%v became %v", same, got)
		}
	}
}

// A shell whose AWS_ENDPOINT_URL is that of an earlier start is told where the present one's is; one that means another machine is not.
func TestUnreachableEndpointOfTheEnvironment(t *testing.T) {
	_, refused := http.Get("http://127.0.0.1:1/")
	t.Setenv("AWS_REGION", "eu-west-1")
	for _, c := range []struct{ name, own, hint string }{
		{"another address", "http://127.0.0.1:2", ". HOME/.local/state/podpass/env "},
		{"the same address", "http://127.0.0.1:1", "echo $AWS_ENDPOINT_URL "},
		{"none", "", "echo $AWS_ENDPOINT_URL "},
	} {
		home := t.TempDir()
		if c.own != "" {
			dir := filepath.Join(home, ".local/state/podpass")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "env"), string(administratorEnv(c.own, "us-west-2", api.AccessKey{AccessKeyID: "AKIA", SecretAccessKey: "x"}).marshal()))
		}
		conn, err := (&app{env: environ{"HOME=" + home, "AWS_ENDPOINT_URL=http://127.0.0.1:1"}}).connect(t.Context(), connectConfig{})
		if err != nil {
			t.Fatal(err)
		}
		var f *failure
		if err := conn.explain(refused); !errors.As(err, &f) || !strings.HasPrefix(strings.ReplaceAll(f.hint, home, "HOME"), c.hint) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

func TestConnectChoosesTheAuthority(t *testing.T) {
	home, other := t.TempDir(), t.TempDir()
	for dir, url := range map[string]string{filepath.Join(home, ".local/state/podpass"): "http://127.0.0.1:1", other: "http://127.0.0.1:2"} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "env"), string(administratorEnv(url, "us-west-2", api.AccessKey{AccessKeyID: "AKIA", SecretAccessKey: "x"}).marshal()))
	}
	t.Setenv("AWS_REGION", "eu-west-1") // the SDK's chain reads the process's environment
	for _, c := range []struct {
		name   string
		env    environ
		config connectConfig
		want   string
	}{
		{"the default directory", environ{"HOME=" + home}, connectConfig{}, "http://127.0.0.1:1 us-west-2"},
		{"a directory", environ{"HOME=" + home}, connectConfig{dataDir: other}, "http://127.0.0.1:2 us-west-2"},
		{"the environment", environ{"HOME=" + home, "AWS_ENDPOINT_URL=http://127.0.0.1:3"}, connectConfig{}, "http://127.0.0.1:3 eu-west-1"},
		{"a directory before the environment", environ{"AWS_ENDPOINT_URL=http://127.0.0.1:3"}, connectConfig{dataDir: other}, "http://127.0.0.1:2 us-west-2"},
	} {
		conn, err := (&app{env: c.env}).connect(t.Context(), c.config)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := conn.endpoint + " " + conn.region; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
