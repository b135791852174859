package eksauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

// pod is who a verified token speaks for. Where the cluster allows tokens that are bound to no pod, name and uid may be empty.
type pod struct {
	account   identity.ServiceAccount
	name, uid string
	claims    *token.Claims
	raw       string
}

// verify establishes that a raw token is one of the cluster's, for this service, and whose it is. The issuer is compared and never dialled: where
// the keys are is the cluster's registration's to say.
func (s *service) verify(ctx context.Context, e *audit.Event, cluster *store.Cluster, raw string) (*pod, error) {
	if raw == "" {
		return nil, invalidParameter(textNoToken)
	}
	e.TokenHash = token.Hash(raw)
	tok, err := token.Parse(raw)
	if err != nil {
		if strings.HasPrefix(raw, "Bearer ") {
			return nil, invalidToken(textBearer, hintBearer).Because(err)
		}
		return nil, tokenRefused(err)
	}
	p := &pod{claims: &tok.Claims, raw: raw}
	if p.claims.Issuer != cluster.Issuer.String() {
		return nil, invalidToken(textWrongIssuer, hintIssuer).
			Because(fmt.Errorf("the token says it is of issuer %s; that of cluster %s is %s", p.claims.Issuer, cluster.Name, cluster.Issuer))
	}
	e.Issuer = p.claims.Issuer
	found, keys := s.Keys.ForIssuer(cluster.Issuer, cluster.Account)
	if found == nil || found.Name != cluster.Name {
		return nil, invalidToken(textBadKey, hintKey).Because(fmt.Errorf("issuer %s is not, or not only, that of cluster %s", cluster.Issuer, cluster.Name))
	}
	if err := tok.Verify(ctx, keys, s.Now()); err != nil {
		if token.Authentic(err) {
			p.describe(e)
		}
		return nil, tokenRefused(err)
	}
	p.describe(e)
	if !slices.Contains(p.claims.Audience, identity.PodIdentity) {
		return nil, invalidToken(textAudience, hintAudience).Because(fmt.Errorf("the token is for %q", strings.Join(p.claims.Audience, ", ")))
	}
	if err := p.readSubject(); err != nil {
		return nil, invalidToken(textBadToken, hintSubject).Because(err)
	}
	if err := p.readPod(cluster.AllowNoPod); err != nil {
		return nil, invalidToken(textNoPod, hintNoPod).Because(err)
	}
	return p, nil
}

// readSubject finds the service account, of which a Kubernetes token speaks twice.
func (p *pod) readSubject() (err error) {
	if p.account, err = identity.ParseSubject(p.claims.Subject); err != nil {
		return err
	}
	k := &p.claims.Kubernetes
	if claimed := (identity.ServiceAccount{Namespace: k.Namespace, Name: k.ServiceAccount}); claimed != p.account {
		return fmt.Errorf("the token's subject is %s, its kubernetes.io claim says %q", p.account, claimed.String())
	}
	return nil
}

// readPod takes the pod the token is bound to. Its name and uid become tags and part of the session's name, and whoever registers a cluster says
// what its tokens look like: they are checked to be what Kubernetes makes.
func (p *pod) readPod(mayLack bool) error {
	k := &p.claims.Kubernetes
	switch {
	case k.Pod == "" && k.PodUID == "":
		if mayLack {
			return nil
		}
		return errors.New("the token is bound to no pod (a cluster may be registered to allow that)")
	case k.Pod == "" || k.PodUID == "":
		return errors.New("the token has a pod's name without its uid, or the other way round")
	case !isUID(k.PodUID):
		return fmt.Errorf("the token's pod has the uid %q, which is none", k.PodUID)
	}
	// A pod's name follows the rule of a service account's.
	if _, err := identity.ParseServiceAccount(p.account.Namespace, k.Pod); err != nil {
		return fmt.Errorf("the token's pod has the name %q, which is none", k.Pod)
	}
	p.name, p.uid = k.Pod, k.PodUID
	return nil
}

// describe tells the audit event who the token speaks for. It is called for authentic tokens only: anyone can write claims.
func (p *pod) describe(e *audit.Event) {
	e.Subject = p.claims.Subject
	if sa, err := identity.ParseSubject(p.claims.Subject); err == nil {
		e.Namespace, e.ServiceAccount = sa.Namespace, sa.Name
	}
	e.Pod, e.PodUID = p.claims.Kubernetes.Pod, p.claims.Kubernetes.PodUID
}

// isUID takes what Kubernetes' uids are made of: they are UUIDs today, which it doesn't promise.
func isUID(s string) bool {
	return len(s) <= 128 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}
