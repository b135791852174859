package accounts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/webhook"
)

// Why an account could not be read.
var (
	ErrForbidden   = errors.New("the API server does not let the webhook read service accounts")
	ErrUnreachable = errors.New("the API server did not answer")
)

// Options of a Reader. The zero value is good.
type Options struct {
	Timeout time.Duration // of one GET; default 2 s
	Slow    time.Duration // after which a GET under way no longer holds up the next one for the same account; default 250 ms
}

// Reader reads service accounts. It is safe for concurrent use.
type Reader struct {
	read    func(ctx context.Context, account identity.ServiceAccount) (webhook.Account, error)
	options Options
	flights flights
}

var _ webhook.Accounts = (*Reader)(nil)

// New makes a Reader of the cluster that the configuration reaches. Its limits on the rate of requests are taken off: API priority and fairness is what
// protects the server, and a queue here would be time that pod creations wait.
func New(config *rest.Config, o Options) (*Reader, error) {
	unlimited := rest.CopyConfig(config)
	unlimited.QPS, unlimited.RateLimiter, unlimited.Timeout = -1, nil, 0
	client, err := metadata.NewForConfig(unlimited)
	if err != nil {
		return nil, fmt.Errorf("the API server: %w", err)
	}
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Second
	}
	if o.Slow <= 0 {
		o.Slow = 250 * time.Millisecond
	}
	resource := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"})
	return &Reader{options: o, read: func(ctx context.Context, account identity.ServiceAccount) (webhook.Account, error) {
		object, err := resource.Namespace(account.Namespace).Get(ctx, account.Name, meta.GetOptions{})
		return answer(account, object, err)
	}}, nil
}

// Account answers with a state of the account no older than the call.
func (r *Reader) Account(ctx context.Context, namespace, name string) (webhook.Account, error) {
	account, err := identity.ParseServiceAccount(namespace, name)
	if err != nil {
		return webhook.Account{}, nil // no account has such a name; the API server will say so of the pod
	}
	b := r.join(account)
	select {
	case <-b.done:
		return b.account, b.err
	case <-ctx.Done():
		return webhook.Account{}, unreachable(account, ctx.Err())
	}
}

// answer tells what the API server said from what kept it from saying anything.
func answer(account identity.ServiceAccount, object *meta.PartialObjectMetadata, err error) (webhook.Account, error) {
	switch {
	case err == nil:
		return webhook.Account{Found: true, Annotations: object.Annotations}, nil
	case notFound(err):
		return webhook.Account{}, nil
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return webhook.Account{}, fmt.Errorf("service account %s: %w: %w", account, ErrForbidden, err)
	}
	return webhook.Account{}, unreachable(account, err)
}

// notFound is the API server's word about the account itself. A 404 that names nothing is a proxy's, or that of a server without this API.
func notFound(err error) bool {
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || status.ErrStatus.Code != http.StatusNotFound {
		return false
	}
	details := status.ErrStatus.Details
	return details != nil && details.Kind == "serviceaccounts" && details.Name != ""
}

func unreachable(account identity.ServiceAccount, err error) error {
	return fmt.Errorf("service account %s: %w: %w", account, ErrUnreachable, err)
}
