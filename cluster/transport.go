package cluster

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"time"
)

// Transport reaches the server under URL.
func (i *Installation) Transport() *http.Transport {
	return &http.Transport{
		DialContext:         i.Dial,
		TLSClientConfig:     &tls.Config{RootCAs: i.roots, ServerName: hostName, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     time.Minute, // below the server's own, which would end a connection just as it is used
		MaxIdleConnsPerHost: 16,
		DisableCompression:  true, // signed requests go as they are
	}
}

// Proxy serves the installation's server on a connection of this machine. Requests are signed by whoever sends them, over the Host they were sent to,
// and so pass unchanged; it has no credentials and gives none.
func (i *Installation) Proxy(log *slog.Logger) http.Handler {
	return &httputil.ReverseProxy{
		Transport: i.Transport(),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "https", hostName+":"+port, r.In.Host
			r.Out.URL.RawQuery = r.In.URL.RawQuery // as it was signed
		},
		FlushInterval: -1, // those who watch are told at once
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil { // whoever asked has gone
				return
			}
			log.Error("the server in the cluster cannot be reached", "error", err)
			http.Error(w, "podpass: the server in the cluster cannot be reached: "+err.Error(), http.StatusServiceUnavailable) // SDKs try again
		},
	}
}
