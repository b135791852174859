package keys

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	authentication "k8s.io/api/authentication/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	client "k8s.io/client-go/kubernetes/typed/authentication/v1"
	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

const (
	// holdReview is how long an answer stands. The API server itself may honour a token for 10 s more than it should (its cache of
	// tokens it found good), so this adds little to the time a deleted pod's token still works.
	holdReview    = 3 * time.Second
	maxReviews    = 4096 // answers held for a cluster
	maxReviewSize = 1 << 20
	reviewTimeout = 5 * time.Second
	noToken       = "podpass-asks-whether-it-may-ask" // what a trial review is of
)

// Review asks the API server of a cluster registered with TokenReview whether it still stands by a token: it doesn't once the pod or the
// service account the token is bound to is gone. Without a cluster, or where its record doesn't ask for it, nothing is asked.
//
// The error is a *token.Error, Revoked or ReviewUnavailable. Review dials, and is for tokens that have been verified; claims are theirs.
//
// Source: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
func (k *Keys) Review(ctx context.Context, c *store.Cluster, raw string, claims *token.Claims) error {
	if c == nil || !c.TokenReview {
		return nil
	}
	r, err := k.ofCluster(c).reviewer()
	if err != nil {
		return unavailable(fmt.Sprintf("cluster %s: %v", c.Name, err))
	}
	return r.review(ctx, raw, claims)
}

// reviewer asks one API server, and remembers its answers for a moment.
type reviewer struct {
	cluster string
	now     func() time.Time
	server  client.TokenReviewInterface
	flight  singleflight.Group // by token hash

	mu      sync.Mutex
	answers map[string]answer // by token hash
}

type answer struct {
	asked   time.Time
	refused *token.Error // nil: the API server stands by the token
}

func (k *Keys) newReviewer(c *store.Cluster) (*reviewer, error) {
	if c.Kubeconfig == "" && c.Keys != store.KeysInCluster {
		return nil, errors.New("token review needs a kubeconfig: register it again with --kubeconfig")
	}
	web, base, err := k.apiServer(c)
	if err != nil {
		return nil, err
	}
	limited := *web
	limited.Transport = capped{web.Transport}
	server, err := client.NewForConfigAndClient(&rest.Config{
		Host:           base,
		ContentConfig:  rest.ContentConfig{ContentType: "application/json", AcceptContentTypes: "application/json"},
		WarningHandler: rest.NoWarnings{}, // would be written to standard error
		QPS:            -1,                // pods that start together must not wait in line here; the API server has its own queues
	}, &limited)
	if err != nil {
		return nil, err
	}
	return &reviewer{cluster: c.Name, now: k.Now, server: server.TokenReviews(), answers: map[string]answer{}}, nil
}

func (r *reviewer) review(ctx context.Context, raw string, claims *token.Claims) error {
	hash := token.Hash(raw)
	if a, ok := r.held(hash); ok {
		return a.err()
	}
	// The question outlives the caller that began it: one client that hangs up must not fail the others.
	asked := r.flight.DoChan(hash, func() (any, error) {
		if a, ok := r.held(hash); ok {
			return a, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reviewTimeout)
		defer cancel()
		began := r.now()
		refused, err := r.ask(ctx, raw, claims)
		if err != nil {
			return nil, err
		}
		a := answer{began, refused}
		r.hold(hash, a)
		return a, nil
	})
	select {
	case result := <-asked:
		if result.Err != nil {
			return result.Err
		}
		return result.Val.(answer).err()
	case <-ctx.Done():
		return unavailable("caller left while cluster " + r.cluster + " reviewed the token: " + ctx.Err().Error())
	}
}

// ask makes the call. What comes back may hold the token, which TokenReview echoes; no error may.
func (r *reviewer) ask(ctx context.Context, raw string, claims *token.Claims) (refused *token.Error, err error) {
	out, err := r.server.Create(ctx, &authentication.TokenReview{
		Spec: authentication.TokenReviewSpec{Token: raw, Audiences: claims.Audience},
	}, meta.CreateOptions{})
	if err != nil {
		why := strings.ReplaceAll(err.Error(), raw, "(token)")
		return nil, unavailable("token review by cluster " + r.cluster + ": " + why)
	}
	status := &out.Status
	switch {
	case !status.Authenticated:
		why := strings.ReplaceAll(status.Error, raw, "(token)")
		return revoked("cluster %s no longer accepts the token: %s", r.cluster, why), nil
	case status.User.Username != claims.Subject:
		return revoked("cluster %s takes the token of %s for %q", r.cluster, claims.Subject, status.User.Username), nil
	case !slices.ContainsFunc(status.Audiences, func(a string) bool { return slices.Contains(claims.Audience, a) }):
		// One that doesn't know audiences has judged the token as one meant for itself.
		return revoked("cluster %s accepts the token for none of its audiences", r.cluster), nil
	}
	return nil, nil
}

func (r *reviewer) held(hash string) (answer, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.answers[hash]
	return a, ok && r.fresh(a)
}

func (r *reviewer) hold(hash string, a answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.answers) >= maxReviews {
		for old, a := range r.answers {
			if !r.fresh(a) {
				delete(r.answers, old)
			}
		}
	}
	if len(r.answers) >= maxReviews {
		clear(r.answers) // costs each of them one more question
	}
	r.answers[hash] = a
}

func (r *reviewer) fresh(a answer) bool {
	age := r.now().Sub(a.asked)
	return age >= 0 && age < holdReview // a clock set back must not make an answer last
}

// err is the answer as an error: a nil *token.Error must not become one.
func (a answer) err() error {
	if a.refused == nil {
		return nil
	}
	return a.refused
}

func revoked(format string, args ...any) *token.Error {
	return &token.Error{Reason: token.Revoked, Detail: fmt.Sprintf(format, args...)}
}

func unavailable(detail string) *token.Error {
	return &token.Error{Reason: token.ReviewUnavailable, Detail: detail}
}

// tryReview finds out whether token reviews will work, by one of a text that is no token.
func (k *Keys) tryReview(ctx context.Context, c *store.Cluster) error {
	r, err := k.newReviewer(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	refused, err := r.ask(ctx, noToken, &token.Claims{Subject: "nobody", Audience: []string{"sts.amazonaws.com"}})
	switch {
	case err != nil:
		return fmt.Errorf("%w (the user it is asked as needs what the cluster role system:auth-delegator allows)", err)
	case refused == nil:
		return errors.New("its API server accepts anything as a token")
	}
	return nil
}

// capped bounds what is read of an answer.
type capped struct{ next http.RoundTripper }

func (c capped) RoundTrip(req *http.Request) (*http.Response, error) {
	next := c.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(req)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxReviewSize)
	}
	return resp, err
}
