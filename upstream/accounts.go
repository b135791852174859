package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/podpass/podpass/identity"
)

// Accounts assumes roles of accounts that live elsewhere. Safe for concurrent use.
type Accounts struct {
	config Config
	mu     sync.Mutex
	lists  map[string]*STS // by region and endpoints as they were asked for
}

// Config of Accounts. The zero value is good but for Credentials.
type Config struct {
	// Credentials are the server's own, for AssumeRole; nil refuses that mode.
	Credentials aws.CredentialsProvider
	HTTP        *http.Client // default NewHTTPClient(nil)
	Now         func() time.Time
}

// maxLists bounds the lists of endpoints whose health is remembered. There is one per registered account; changed ones are left over.
const maxLists = 1024

// NewAccounts makes Accounts with nothing known of any endpoint's health.
func NewAccounts(c Config) *Accounts {
	if c.HTTP == nil {
		c.HTTP = NewHTTPClient(nil)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Accounts{config: c, lists: map[string]*STS{}}
}

// STS's limits of a session whose credentials came from another session.
const (
	maxSession = time.Hour
	minSession = 15 * time.Minute
)

// Assume obtains a session of the role, or through it one of the target role. The error is an *Error where an STS refused, an *Unavailable
// where none answered; any other is a fault of the request's or of this side's (no credentials to sign with).
func (a *Accounts) Assume(ctx context.Context, r AssumeRequest) (*Assumed, error) {
	client, err := a.client(r)
	if err != nil {
		return nil, err
	}
	if _, ok := ctx.Deadline(); !ok { // of both hops together
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultBudget)
		defer cancel()
	}
	if r.Duration <= 0 || r.Duration > maxSession {
		r.Duration = maxSession
	}
	if r.TransitiveKeys == nil {
		for _, tag := range r.Tags {
			r.TransitiveKeys = append(r.TransitiveKeys, tag.Key)
		}
	}
	var out *Assumed
	switch r.Mode {
	case WebIdentity:
		out, err = assumeByToken(ctx, client, r)
	case AssumeRole:
		out, err = assumeAsServer(ctx, client, r)
	default:
		err = fmt.Errorf("upstream mode %q is unknown", r.Mode)
	}
	if err != nil {
		return nil, err
	}
	out.Tagged = len(r.Tags) > 0 && (r.Mode == AssumeRole || r.TargetRoleARN != "")
	return out, nil
}

// assumeByToken presents the pod's token. STS takes no session tags with one: they go with the second hop if there is any, else nowhere.
func assumeByToken(ctx context.Context, client *STS, r AssumeRequest) (*Assumed, error) {
	in := &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: &r.RoleARN, RoleSessionName: &r.SessionName, WebIdentityToken: &r.Token, DurationSeconds: seconds(r.Duration),
	}
	if r.TargetRoleARN == "" {
		in.Policy = optional(r.Policy)
		return client.AssumeRoleWithWebIdentity(ctx, in)
	}
	in.DurationSeconds = seconds(minSession)
	first, err := client.AssumeRoleWithWebIdentity(ctx, in)
	if err != nil {
		return nil, err
	}
	return assumeTarget(ctx, client, first, r, r.Tags, r.TransitiveKeys)
}

// assumeAsServer signs with the server's own credentials. The tags are transitive: the second hop inherits them, and STS refuses a request
// that sends an inherited key again.
func assumeAsServer(ctx context.Context, client *STS, r AssumeRequest) (*Assumed, error) {
	in := &sts.AssumeRoleInput{
		RoleArn: &r.RoleARN, RoleSessionName: &r.SessionName, DurationSeconds: seconds(r.Duration), Tags: tags(r.Tags), TransitiveTagKeys: r.TransitiveKeys,
	}
	if r.TargetRoleARN == "" {
		in.Policy, in.ExternalId = optional(r.Policy), optional(r.ExternalID)
		return client.AssumeRole(ctx, in)
	}
	in.DurationSeconds = seconds(minSession)
	first, err := client.AssumeRole(ctx, in)
	if err != nil {
		return nil, err
	}
	return assumeTarget(ctx, client, first, r, r.Tags.Without(r.TransitiveKeys), nil)
}

// assumeTarget is the second hop, under the first session, at the same endpoints.
func assumeTarget(ctx context.Context, client *STS, first *Assumed, r AssumeRequest, send identity.Tags, transitive []string) (*Assumed, error) {
	as := credentials.NewStaticCredentialsProvider(first.Credentials.AccessKeyID, first.Credentials.SecretAccessKey, first.Credentials.SessionToken)
	out, err := client.assumeRoleAs(ctx, as, &sts.AssumeRoleInput{
		RoleArn: &r.TargetRoleARN, RoleSessionName: &r.SessionName, DurationSeconds: seconds(r.Duration), Tags: tags(send),
		TransitiveTagKeys: transitive, ExternalId: optional(r.ExternalID), Policy: optional(r.Policy),
	})
	if err != nil {
		return nil, &hopError{r.TargetRoleARN, err}
	}
	return out, nil
}

// hopError says that it was the second hop that failed.
type hopError struct {
	target string
	err    error
}

func (h *hopError) Error() string { return "target role " + h.target + ": " + h.err.Error() }

func (h *hopError) Unwrap() error { return h.err }

// client is the one whose endpoints' health is known, or a new one.
func (a *Accounts) client(r AssumeRequest) (*STS, error) {
	if len(r.Endpoints) == 0 {
		return nil, errors.New("an upstream account without an endpoint")
	}
	key := fmt.Sprint(r.Region, r.InsecureHTTP, r.Endpoints)
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.lists[key]; ok {
		return known, nil
	}
	list := make([]Endpoint, len(r.Endpoints))
	for i, text := range r.Endpoints {
		var err error
		if list[i], err = ParseEndpoint(text, r.Region, r.InsecureHTTP); err != nil {
			return nil, err
		}
	}
	if len(a.lists) >= maxLists {
		for old := range a.lists { // any one: what is forgotten is only who lately didn't answer
			delete(a.lists, old)
			break
		}
	}
	made := NewSTS(NewEndpoints(list, Options{Now: a.config.Now}), a.config.Credentials, a.config.HTTP)
	a.lists[key] = made
	return made, nil
}

func seconds(d time.Duration) *int32 { return aws.Int32(int32(max(d, minSession) / time.Second)) }

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func tags(list identity.Tags) []types.Tag {
	var out []types.Tag
	for i := range list {
		out = append(out, types.Tag{Key: &list[i].Key, Value: &list[i].Value})
	}
	return out
}
