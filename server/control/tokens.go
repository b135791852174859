package control

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/server/oidc"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

// The life of a token in seconds. The API server's TokenRequest has the same least one; the longest is what issuer keys are kept for.
const (
	minTokenLife     = 600
	maxTokenLife     = 86400
	defaultTokenLife = 3600
)

type createToken struct {
	onServiceAccount
	api.CreateTokenRequest
}

// createToken is what kubelet's TokenRequest is to a real cluster: a token bound to a pod. It is an administrator's power: whoever may
// do it for a service account may be that account.
func (s *service) createToken(_ context.Context, c *restjson.Call, in *createToken) (*api.CreateTokenResult, error) {
	cluster, sa, err := s.serviceAccount(c, "CreateToken", in.onServiceAccount)
	if err != nil {
		return nil, err
	}
	if !s.AllowTokens {
		return nil, awserr.AccessDenied("This server issues no tokens through its API. It is started with --allow-tokens to do so.").
			Because(errors.New("issuing tokens is switched off"))
	}
	if cluster.Keys != store.KeysHosted {
		return nil, invalid("Podpass does not host the issuer of cluster %s: get a token from its API server (kubectl create token, or podpass run --kubeconfig).",
			cluster.Name)
	}
	req := &in.CreateTokenRequest
	if req.DurationSeconds == 0 {
		req.DurationSeconds = defaultTokenLife
	}
	switch {
	case req.Audience == "" || len(req.Audience) > 255:
		return nil, invalid("A token needs an audience of 1 to 255 characters, such as sts.amazonaws.com.")
	case req.DurationSeconds < minTokenLife || req.DurationSeconds > maxTokenLife:
		return nil, invalid("A token lives %d to %d seconds, not %d.", minTokenLife, maxTokenLife, req.DurationSeconds)
	case len(req.PodName) > 253 || len(req.PodUID) > 128 || !printable(req.PodName+req.PodUID):
		return nil, invalid("A pod's name has at most 253 printable characters and its uid at most 128.")
	}
	out, err := issue(s.Env, cluster, sa, req)
	if err != nil {
		return nil, err
	}
	e := c.Event
	e.Issuer, e.Subject, e.Pod, e.PodUID, e.TokenHash, e.Expires = out.Issuer, sa.Subject(), out.PodName, out.PodUID, token.Hash(out.Token), out.Expiration
	return out, nil
}

// issue signs a service account's token with the key of a hosted cluster.
func issue(env iam.Env, c *store.Cluster, sa identity.ServiceAccount, req *api.CreateTokenRequest) (*api.CreateTokenResult, error) {
	signer := oidc.Signer(c)
	if signer == nil {
		return nil, awserr.InternalFailure(errors.New("the hosted cluster has no key that signs"))
	}
	key, err := token.ParseSigningKey([]byte(signer.PEM))
	if err != nil {
		return nil, err
	}
	ids, err := newTokenIDs(env, c, sa, req)
	if err != nil {
		return nil, err
	}
	now := env.Now().Truncate(time.Second)
	expires := now.Add(time.Duration(req.DurationSeconds) * time.Second)
	raw, err := key.Sign(token.Claims{
		Issuer: c.Issuer.String(), Subject: sa.Subject(), Audience: []string{req.Audience},
		Expiry: expires, IssuedAt: now, NotBefore: now, ID: ids.jti,
		Kubernetes: token.Kubernetes{
			Namespace: sa.Namespace, ServiceAccount: sa.Name, ServiceAccountUID: ids.account, Pod: ids.pod, PodUID: ids.podUID,
		},
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateTokenResult{
		Token: raw, Expiration: expires, Issuer: c.Issuer.String(), UID: ids.account, PodName: ids.pod, PodUID: ids.podUID,
	}, nil
}

// tokenIDs are the ids that stand in a token besides names.
type tokenIDs struct{ jti, account, pod, podUID string }

func newTokenIDs(env iam.Env, c *store.Cluster, sa identity.ServiceAccount, req *api.CreateTokenRequest) (tokenIDs, error) {
	ids := tokenIDs{pod: req.PodName, podUID: req.PodUID}
	jti, err := uuid.NewRandomFromReader(env.Random)
	if err != nil {
		return ids, err
	}
	ids.jti = jti.String()
	if ids.podUID == "" {
		uid, err := uuid.NewRandomFromReader(env.Random)
		if err != nil {
			return ids, err
		}
		ids.podUID = uid.String()
	}
	if ids.pod == "" {
		if ids.pod, err = podName(env.Random, sa.Name); err != nil {
			return ids, err
		}
	}
	// A service account that was never applied has no uid of its own. It gets one that is the same every time, as the account would have.
	key := store.ServiceAccountKey(c.Name, sa.Namespace, sa.Name)
	ids.account = uuid.NewSHA1(uuid.NameSpaceURL, []byte(c.Issuer.String()+"#"+key)).String()
	if found, ok := env.Store.ServiceAccounts.Get(key); ok {
		ids.account = found.UID
	}
	return ids, nil
}

// podName is the account's name and five characters, as a controller would have named a pod.
func podName(random io.Reader, account string) (string, error) {
	suffix, err := randomText(random, 5, "bcdfghjklmnpqrstvwxz2456789") // the API server's alphabet: no vowels, no words
	if err != nil {
		return "", err
	}
	return strings.TrimRight(account[:min(len(account), 247)], "-.") + "-" + suffix, nil
}

// randomText is n characters of an alphabet.
func randomText(random io.Reader, n int, alphabet string) (string, error) {
	text := make([]byte, n)
	for i := range text {
		at, err := randomBelow(random, int64(len(alphabet)))
		if err != nil {
			return "", err
		}
		text[i] = alphabet[at]
	}
	return string(text), nil
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
