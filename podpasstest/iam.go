package podpasstest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/store"
)

// Role is a role to be added.
type Role struct {
	Account    identity.Account // default Account
	Path, Name string
	// Trusts are service accounts of the hosted cluster, as NAMESPACE/NAME, that the role trusts. Trust is a trust policy of the test's own.
	Trusts     []string
	Trust      string
	Allows     []string // actions its inline policy allows on every resource
	Policy     string   // an inline policy of the test's own
	Attached   []string // ARNs
	Boundary   string
	MaxSession int // seconds
	Tags       identity.Tags
}

// RoleARN is the ARN of a role of [Account], given its path and name.
func RoleARN(name string) string {
	return "arn:aws:iam::" + string(Account) + ":role/" + strings.TrimPrefix(name, "/")
}

// ProviderARN is the ARN of the hosted cluster's provider in [Account].
func (s *Server) ProviderARN() string {
	return identity.MustIssuer(s.Issuer).ProviderARN("aws", Account).String()
}

// Trust is a trust policy that lets service accounts of the hosted cluster, as NAMESPACE/NAME, exchange their tokens for sts.amazonaws.com.
func (s *Server) Trust(serviceAccounts ...string) string {
	host := identity.MustIssuer(s.Issuer).HostPath()
	subjects := make([]string, len(serviceAccounts))
	for i, sa := range serviceAccounts {
		namespace, name, _ := strings.Cut(sa, "/")
		subjects[i] = identity.ServiceAccount{Namespace: namespace, Name: name}.Subject()
	}
	return document(map[string]any{
		"Effect": "Allow", "Principal": map[string]any{"Federated": s.ProviderARN()}, "Action": "sts:AssumeRoleWithWebIdentity",
		"Condition": map[string]any{"StringEquals": map[string]any{host + ":aud": "sts.amazonaws.com", host + ":sub": subjects}},
	})
}

// TrustAWS is a trust policy that lets AWS principals (ARNs, account numbers, "*") take the actions, sts:AssumeRole if there are none.
func TrustAWS(principals []string, actions ...string) string {
	if len(actions) == 0 {
		actions = []string{"sts:AssumeRole"}
	}
	return document(map[string]any{"Effect": "Allow", "Principal": map[string]any{"AWS": principals}, "Action": actions})
}

// Allow is an identity policy that allows actions on every resource.
func Allow(actions ...string) string {
	return document(map[string]any{"Effect": "Allow", "Action": actions, "Resource": "*"})
}

func document(statements ...map[string]any) string {
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		return err.Error() // not a policy; maps of strings do not fail
	}
	return string(text)
}

// AddRole adds or replaces a role, through the checks IAM makes.
func (s *Server) AddRole(t testing.TB, r Role) *store.Role {
	t.Helper()
	if r.Account == "" {
		r.Account = Account
	}
	if r.Trust == "" {
		r.Trust = s.Trust(r.Trusts...)
	}
	spec := iam.RoleSpec{
		Account: r.Account, Path: r.Path, Name: r.Name, MaxSession: r.MaxSession, Trust: r.Trust, Tags: r.Tags,
		Boundary: r.Boundary, Inline: inline(r.Policy, r.Allows), Attached: r.Attached,
	}
	var role *store.Role
	s.transact(t, "role "+r.Name, func(env iam.Env, tx *store.Tx) (err error) {
		_, role, err = env.PutRole(tx, spec)
		return err
	})
	return role
}

// AddUser adds or replaces a user of an account with a policy ("" for none) and answers with its access key.
func (s *Server) AddUser(t testing.TB, account identity.Account, name, policy string) aws.Credentials {
	t.Helper()
	var key *store.AccessKey
	s.transact(t, "user "+name, func(env iam.Env, tx *store.Tx) error {
		_, user, err := env.PutUser(tx, iam.UserSpec{Account: account, Name: name, Inline: inline(policy, nil)})
		if err != nil {
			return err
		}
		if keys := store.ReadBy(tx, s.Store.AccessKeys, store.ByUser, user.ID); len(keys) > 0 {
			key = keys[0]
			return nil
		}
		key, err = env.NewAccessKey(tx, user)
		return err
	})
	return aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}
}

// AddProvider adds an OIDC provider to an account.
func (s *Server) AddProvider(t testing.TB, account identity.Account, issuer string, clientIDs ...string) {
	t.Helper()
	s.transact(t, "provider "+issuer, func(env iam.Env, tx *store.Tx) error {
		_, _, err := env.PutProvider(tx, iam.ProviderSpec{Account: account, Issuer: identity.MustIssuer(issuer), ClientIDs: clientIDs})
		return err
	})
}

// AddPolicy adds or replaces a managed policy of an account and answers with its ARN.
func (s *Server) AddPolicy(t testing.TB, account identity.Account, name, text string) string {
	t.Helper()
	s.transact(t, "policy "+name, func(env iam.Env, tx *store.Tx) error {
		_, _, err := env.PutPolicy(tx, iam.PolicySpec{Account: account, Name: name, Document: text})
		return err
	})
	return account.IAM("aws", "policy/"+name).String()
}

// AddAccount adds a hosted account.
func (s *Server) AddAccount(t testing.TB, id identity.Account) {
	t.Helper()
	_, err := s.Store.Accounts.Update(t.Context(), string(id), func(*store.Account) (*store.Account, error) {
		return &store.Account{ID: id, Created: s.Clock.Now()}, nil
	})
	if err != nil {
		t.Fatalf("adding account %s: %v", id, err)
	}
}

// AddCluster registers a cluster of [Account] whose keys are the given JWKS. Its OIDC provider is the test's to add.
func (s *Server) AddCluster(t testing.TB, name, issuer string, jwks []byte) {
	t.Helper()
	_, err := s.Store.Clusters.Update(t.Context(), name, func(*store.Cluster) (*store.Cluster, error) {
		return &store.Cluster{
			Name: name, Account: Account, Partition: "aws", Region: Region, Issuer: identity.MustIssuer(issuer),
			Keys: store.KeysPinned, JWKS: string(jwks), Created: s.Clock.Now(),
		}, nil
	})
	if err != nil {
		t.Fatalf("registering cluster %s: %v", name, err)
	}
}

func inline(policy string, actions []string) map[string]string {
	switch {
	case policy != "":
		return map[string]string{"inline": policy}
	case len(actions) > 0:
		return map[string]string{"inline": Allow(actions...)}
	}
	return nil
}

func (s *Server) transact(t testing.TB, what string, write func(env iam.Env, tx *store.Tx) error) {
	t.Helper()
	env := iam.Env{Store: s.Store, Now: s.Clock.Now, Random: rand.Reader}
	if err := s.Store.Transact(context.Background(), func(tx *store.Tx) error { return write(env, tx) }); err != nil {
		t.Fatalf("adding %s: %v", what, err)
	}
}

// DeleteRole removes a role, whatever is attached to it.
func (s *Server) DeleteRole(t testing.TB, account identity.Account, name string) {
	t.Helper()
	_, err := s.Store.Roles.Update(context.Background(), store.RoleKey(string(account), name), func(*store.Role) (*store.Role, error) { return nil, nil })
	if err != nil {
		t.Fatalf("deleting role %s: %v", name, err)
	}
}
