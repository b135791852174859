package grant

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/identity"
)

// Planner plans grants, one after the other, and remembers what it has read and planned: of several grants of one role each knows what the ones before will
// have done.
type Planner struct {
	world World

	mu           sync.Mutex
	roles        map[string]*role
	policies     map[string]string // name, account -> ARN
	providers    map[string]*account.Provider
	quotas       map[identity.Account]account.Quotas
	associations map[identity.ServiceAccount]string // ids; nil: each is asked for by itself
	finds        map[string]found

	listing sync.Mutex
	listed  map[identity.Account][]*account.Role
}

// NewPlanner makes one for the world as it is from now on.
func NewPlanner(w World) *Planner {
	return &Planner{
		world: w, roles: map[string]*role{}, policies: map[string]string{}, providers: map[string]*account.Provider{}, quotas: map[identity.Account]account.Quotas{},
		finds: map[string]found{}, listed: map[identity.Account][]*account.Role{},
	}
}

// manyAhead reads at once what many grants of a cluster need: a call for a hundred associations, instead of one each.
func (p *Planner) manyAhead(ctx context.Context) (err error) {
	if p.world.Cluster.ARN != "" {
		p.associations, err = p.world.Home.Associations().IDs(ctx, p.world.Cluster.Name)
	}
	return err
}

// found is what a service account has already.
type found struct {
	account     *Account // nil: it does not exist
	association *account.Association
}

// role is the annotation's.
func (f found) role() string {
	if f.account == nil {
		return ""
	}
	return f.account.Annotations[roleAnnotation]
}

// audience is what pods' tokens are for: that of the annotation, as the webhook takes it.
func (f found) audience() string {
	if f.account != nil && f.account.Annotations[audienceAnnotation] != "" {
		return f.account.Annotations[audienceAnnotation]
	}
	return identity.STS
}

func (p *Planner) find(ctx context.Context, name identity.ServiceAccount) (found, error) {
	return once(p, p.finds, name.String(), func() (found, error) { return p.look(ctx, name) })
}

func (p *Planner) look(ctx context.Context, name identity.ServiceAccount) (there found, err error) {
	if there.account, err = p.world.Service.Read(ctx, name); err != nil {
		return there, err
	}
	if p.world.Cluster.ARN == "" {
		return there, nil
	}
	if p.associations != nil && p.associations[name] == "" {
		return there, nil
	}
	there.association, err = p.world.Home.Associations().Get(ctx, p.world.Cluster.Name, name)
	return there, err
}

// once gives what a key stands for, asking for it the first time.
func once[V any](p *Planner, known map[string]V, key string, ask func() (V, error)) (V, error) {
	p.mu.Lock()
	value, ok := known[key]
	p.mu.Unlock()
	if ok {
		return value, nil
	}
	value, err := ask()
	if err == nil {
		p.mu.Lock()
		known[key] = value
		p.mu.Unlock()
	}
	return value, err
}

func (p *Planner) providerOf(ctx context.Context, in *account.Account, arn string) (*account.Provider, error) {
	return once(p, p.providers, arn, func() (*account.Provider, error) { return in.Providers().Get(ctx, arn) })
}

func (p *Planner) quotasOf(ctx context.Context, in *account.Account) account.Quotas {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.quotas[in.ID]
	if !ok {
		known, _ = in.Roles().Quotas(ctx) // whoever may not read them is taken to have the usual ones; IAM has the last word
		p.quotas[in.ID] = known
	}
	return known
}

// policyARN finds a managed policy by its ARN or name: AWS's own goes before the account's.
func (p *Planner) policyARN(ctx context.Context, in *account.Account, name string) (string, error) {
	candidates := []string{name}
	if !strings.HasPrefix(name, "arn:") {
		name = strings.TrimPrefix(name, "/")
		candidates = nil
		for _, owner := range []string{"aws", string(in.ID)} {
			for _, path := range []string{"", "service-role/"} {
				if path == "" || owner == "aws" && !strings.Contains(name, "/") {
					candidates = append(candidates, "arn:"+in.Partition+":iam::"+owner+":policy/"+path+name)
				}
			}
		}
	}
	return once(p, p.policies, string(in.ID)+" "+name, func() (string, error) {
		for _, arn := range candidates {
			exists, err := in.Policies().Exists(ctx, arn)
			if account.Denied(err) && len(candidates) == 1 {
				return arn, nil // IAM says so when it is attached
			}
			if err != nil {
				return "", err
			}
			if exists {
				return arn, nil
			}
		}
		return "", conflict("account %s has no policy %s: looked for %s", in.ID, name, strings.Join(candidates, ", ")).
			hint("aws iam list-policies --query 'Policies[].Arn'   # or an inline policy: --policy-file FILE")
	})
}

// ConflictError is a grant that what is there does not allow. Nothing has been changed.
type ConflictError struct {
	text string
	Hint string // commands, a line each
}

func (e *ConflictError) Error() string { return e.text }

func conflict(format string, args ...any) *ConflictError {
	return &ConflictError{text: fmt.Sprintf(format, args...)}
}

func (e *ConflictError) hint(format string, args ...any) *ConflictError {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}
