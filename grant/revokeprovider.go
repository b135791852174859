package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/policy"
)

// revokeProviders deletes the cluster's OIDC provider where a grant made it and no role trusts it any more, when it comes to it.
func (s *session) revokeProviders(ctx context.Context) error {
	for _, in := range []*account.Account{s.world.Home, s.world.Target} {
		if in == nil {
			continue
		}
		arn := s.world.Cluster.Issuer.ProviderARN(in.Partition, in.ID).String()
		provider, err := s.providerOf(ctx, in, arn)
		if account.Denied(err) || err == nil && (provider == nil || provider.Tags[createdBy] != createdHere) {
			continue
		}
		if err != nil {
			return err
		}
		used, err := s.trusting(ctx, in, arn)
		switch {
		case err != nil:
			s.keep("OIDC provider %s: could not look whether a role needs it: %v", arn, err)
		case used != "":
			s.keep("OIDC provider %s: role %s trusts it", arn, used)
		default:
			s.step("delete", "OIDC provider", arn, "made by a grant, and no role trusts it", func(ctx context.Context) error {
				var used string
				err := in.Roles().Each(ctx, func(r *account.Role) error {
					if trustsProvider(r.Trust, arn) {
						used = r.ARN
					}
					return nil
				})
				if err != nil {
					return err
				}
				if used != "" {
					s.keep("OIDC provider %s: role %s trusts it by now", arn, used)
					return nil
				}
				return in.Providers().Delete(ctx, arn)
			})
		}
	}
	return nil
}

// trusting is a role that will trust the provider when everything planned so far is done.
func (s *session) trusting(ctx context.Context, in *account.Account, provider string) (used string, err error) {
	planned := map[string]*role{}
	for _, r := range s.seen() {
		planned[r.arn.String()] = r
	}
	err = s.eachRole(ctx, in, func(r *account.Role) error {
		trust := r.Trust
		if p := planned[r.ARN]; p != nil && p.there {
			trust = p.trust
		} else if p != nil {
			return nil
		}
		if trustsProvider(trust, provider) {
			used = r.ARN
		}
		return nil
	})
	return used, err
}

// trustsProvider errs on the side of yes where a trust policy cannot be read.
func trustsProvider(trust, provider string) bool {
	doc, err := policy.Parse(trust, policy.Trust)
	if err != nil {
		return strings.Contains(strings.ReplaceAll(trust, `\/`, `/`), provider)
	}
	return slices.Contains(doc.Principals(), policy.Principal{Kind: "Federated", Value: provider})
}

// seen are the roles that were planned for.
func (p *Planner) seen() []*role {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]*role, 0, len(p.roles))
	for _, r := range p.roles {
		out = append(out, r)
	}
	return out
}
