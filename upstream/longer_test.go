package upstream_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/podpass/podpass/upstream"
)

func TestLonger(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 3<<20))
	}))
	t.Cleanup(server.Close)
	plain := upstream.NewHTTPClient(nil)
	for _, tt := range []struct {
		client *http.Client
		want   int
	}{{plain, 1 << 20}, {upstream.Longer(plain, 2<<20), 2 << 20}, {upstream.Longer(plain, 64<<20), 3 << 20}} {
		res, err := tt.client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || len(text) != tt.want {
			t.Errorf("%d bytes, %v; want %d", len(text), err, tt.want)
		}
	}
}
