package sts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/assume"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

// webIdentity is a token whose signature, times, issuer and audience have been found good.
type webIdentity struct {
	claims   *token.Claims
	issuer   identity.Issuer
	provider identity.ARN
	audience string         // the one of the token's audiences that the provider knows
	cluster  *store.Cluster // nil for an issuer that is only an IAM provider
	tags     assume.Tags
}

// verify establishes who a raw token speaks for, in the account of the role it is for. The order matters: which
// audiences and roles exist is found out only by tokens with a good signature.
func (s *service) verify(ctx context.Context, e *audit.Event, role identity.ARN, raw string) (*webIdentity, error) {
	e.TokenHash = token.Hash(raw)
	// Signed requests are asked this by the gate.
	if err := s.Store.Check(); err != nil {
		return nil, awserr.ServiceUnavailable(err)
	}
	tok, err := token.Parse(raw)
	if err != nil {
		return nil, tokenRefused(err)
	}
	claims := &tok.Claims
	provider, err := s.provider(e, role, claims.Issuer)
	if err != nil {
		return nil, err
	}
	cluster, keys := s.Keys.ForIssuer(provider.Issuer, role.Account())
	id := &webIdentity{claims: claims, issuer: provider.Issuer, provider: provider.ARN(), cluster: cluster}
	e.Cluster = id.clusterName()
	if err := tok.Verify(ctx, keys, s.Now()); err != nil {
		if token.Authentic(err) {
			id.describe(e)
		}
		return nil, tokenRefused(err)
	}
	id.describe(e)
	if err := id.matchAudience(provider.ClientIDs); err != nil {
		return nil, err
	}
	return id, id.readSessionClaims()
}

func (id *webIdentity) clusterName() string {
	if id.cluster == nil {
		return ""
	}
	return id.cluster.Name
}

// provider is the role's account's OIDC provider for exactly the issuer a token claims. Two issuers that differ only in
// their scheme share an ARN, hence the comparison of the whole.
func (s *service) provider(e *audit.Event, role identity.ARN, claimed string) (*store.Provider, error) {
	issuer, err := identity.ParseIssuer(claimed, identity.IssuerRules{Port: true, HTTP: true})
	if err != nil {
		const shown = 255 // bytes; no issuer is longer, and anyone can write one
		return nil, invalidToken(textNoProvider + claimed[:min(len(claimed), shown)]).Because(err)
	}
	e.Issuer = claimed
	arn := issuer.ProviderARN(role.Partition(), role.Account())
	p, ok := s.Store.Providers.Get(store.ProviderKey(arn.String()))
	if !ok || p.Issuer != issuer || p.Partition != role.Partition() {
		return nil, invalidToken(textNoProvider + claimed).Because(fmt.Errorf("account %s has no provider %s", role.Account(), arn))
	}
	return p, nil
}

// matchAudience picks the audience the exchange is for. A Kubernetes token has no azp claim; the rule by which azp takes
// the place of aud is Google's alone and not applied here.
func (id *webIdentity) matchAudience(clientIDs []string) error {
	if len(id.claims.Audience) == 0 {
		return invalidToken("Missing a required claim: aud")
	}
	for _, audience := range id.claims.Audience {
		if slices.Contains(clientIDs, audience) {
			id.audience = audience
			return nil
		}
	}
	return invalidToken(textWrongAudience).Because(fmt.Errorf("the token is for %s; provider %s knows %s",
		strings.Join(id.claims.Audience, ", "), id.provider, strings.Join(clientIDs, ", ")))
}

// readSessionClaims checks the session tags and the source identity that the token's issuer set.
func (id *webIdentity) readSessionClaims() error {
	tags := make(identity.Tags, len(id.claims.Tags))
	for i, t := range id.claims.Tags {
		tags[i] = identity.Tag{Key: t.Key, Value: t.Value}
		if n := utf8.RuneCountInString(t.Key); n < 1 || n > 128 || !isTagText(t.Key) {
			return invalidToken("The token's session tag keys must be 1 to 128 letters, digits, spaces or _.:/=+-@ characters.")
		}
		if utf8.RuneCountInString(t.Value) > 256 || !isTagText(t.Value) {
			return invalidToken("The token's session tag values must be at most 256 letters, digits, spaces or _.:/=+-@ characters.")
		}
	}
	if len(tags) > maxTags || len(id.claims.TransitiveKeys) > maxTags {
		return invalidToken(fmt.Sprintf("The token must have no more than %d session tags.", maxTags))
	}
	var refusal string
	if id.tags, refusal = assume.NewTags(tags, id.claims.TransitiveKeys, nil); refusal != "" {
		return invalidToken(refusal)
	}
	if source := id.claims.SourceIdentity; source != "" && !isSourceIdentity(source) {
		return invalidToken("The token's source identity must be 2 to 64 letters, digits or _+=,.@- characters.")
	}
	return nil
}

// setKeys puts the provider's condition keys into a request: HOST/PATH:aud, :sub and, many-valued, :amr.
func (id *webIdentity) setKeys(keys *policy.Context) {
	prefix := id.issuer.HostPath()
	keys.Set(prefix+":aud", id.audience)
	keys.Set(prefix+":sub", id.claims.Subject)
	if id.claims.AMR != nil {
		keys.SetMany(prefix+":amr", id.claims.AMR)
	}
	keys.Set("aws:FederatedProvider", id.provider.String())
}

// describe tells the audit event who the token speaks for. It is called for authentic tokens only: anyone can write
// claims.
func (id *webIdentity) describe(e *audit.Event) {
	e.Subject = id.claims.Subject
	if sa, err := identity.ParseSubject(id.claims.Subject); err == nil {
		e.Namespace, e.ServiceAccount = sa.Namespace, sa.Name
	}
	e.Pod, e.PodUID = id.claims.Kubernetes.Pod, id.claims.Kubernetes.PodUID
}

func isSourceIdentity(s string) bool {
	return len(s) >= 2 && len(s) <= 64 && isName(s)
}
