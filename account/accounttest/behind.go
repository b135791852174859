package accounttest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Option changes what a fake is started with.
type Option func(*Server)

// Behind answers what no handler of the fake does, such as podpasstest.Server.Handler. It gets requests as they came, their Host among them, so that it
// can verify signatures.
func Behind(h http.Handler) Option {
	return func(s *Server) { s.behind = h }
}

// BehindURL is Behind for a server in another process.
func BehindURL(address string) Option {
	return func(s *Server) {
		to, err := url.Parse(address)
		if err != nil {
			s.t.Fatal(err)
		}
		s.behind = &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(to)
			p.Out.Host = p.In.Host
		}}
	}
}

// As has Config give credentials that the server behind knows, such as podpasstest.Server.Admin.
func As(c aws.Credentials) Option {
	return func(s *Server) { s.credentials = c }
}

// forward has a call answered by what is behind, else as AWS answers what it does not have. The answer is held back until it is whole.
func (s *Server) forward(q *request, id string) *answer {
	if s.behind == nil {
		e, _ := q.model.resolve(nil, *q.model.unknownOperation(q.name))
		return q.model.failure(e, id)
	}
	w := httptest.NewRecorder()
	s.behind.ServeHTTP(w, q.Request)
	a := &answer{status: w.Code, header: w.Header(), body: w.Body.Bytes(), said: strconv.Itoa(w.Code)}
	if code := a.code(); w.Code >= http.StatusBadRequest && code != "" {
		a.said = code
	}
	return a
}

// other is a request that is no call: an issuer's keys, podpass's own API.
func (s *Server) other(w http.ResponseWriter, r *http.Request) {
	if s.behind == nil {
		http.NotFound(w, r)
		return
	}
	s.behind.ServeHTTP(w, r)
}
