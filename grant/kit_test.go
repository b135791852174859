package grant_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/account/accounttest"
	"github.com/podpass/podpass/grant"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
)

// world is a podpass server as the account, behind a fake that can refuse and cut off calls, and service accounts in memory.
type world struct {
	grant.World
	fake     *accounttest.Server
	server   *podpasstest.Server
	accounts *accounts
}

// fast lets tests go as fast as they can.
var fast = account.Options{Rates: account.Rates{IAMRead: 1e4, IAMWrite: 1e4, EKSRead: 1e4, EKSWrite: 1e4, STS: 1e4, EC2: 1e4}}

func newWorld(t *testing.T) *world {
	t.Helper()
	server := podpasstest.Start(t)
	fake := accounttest.Start(t, accounttest.Behind(server.Handler), accounttest.As(server.Admin))
	accounts := &accounts{t: t, server: server, there: map[identity.ServiceAccount]*grant.Account{}}
	w := &world{fake: fake, server: server, accounts: accounts}
	home, err := account.Connect(t.Context(), fake.Config(), fast)
	if err != nil {
		t.Fatal(err)
	}
	w.World = grant.World{
		Cluster: grant.Cluster{Name: podpasstest.Cluster, ARN: podpasstest.ClusterARN(), Issuer: identity.MustIssuer(server.Issuer), Agents: []string{"an agent"}},
		Home:    home, Service: accounts,
	}
	return w
}

// other is an account beside the home account, as its administrator.
func (w *world) other(t *testing.T, id identity.Account) *account.Account {
	t.Helper()
	w.server.AddAccount(t, id)
	key := w.server.AddUser(t, id, "admin", podpasstest.Allow("*"))
	out, err := w.Home.As(t.Context(), podpasstest.As(key))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// accounts are service accounts of a cluster without a webhook.
type accounts struct {
	t           *testing.T
	server      *podpasstest.Server
	mu          sync.Mutex
	there       map[identity.ServiceAccount]*grant.Account
	environment map[string]string // of pods; nil: nothing is injected by the cluster's nature
	noNamespace bool
	refuse      error
}

func (a *accounts) Read(_ context.Context, name identity.ServiceAccount) (*grant.Account, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := a.there[name]
	if found == nil {
		return nil, nil
	}
	return &grant.Account{Annotations: maps.Clone(found.Annotations), Owner: found.Owner}, nil
}

func (a *accounts) Create(_ context.Context, name identity.ServiceAccount, annotations map[string]string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.there[name] == nil && a.refuse == nil {
		a.there[name] = &grant.Account{Annotations: maps.Clone(annotations)}
	}
	return a.refuse
}

func (a *accounts) Annotate(_ context.Context, name identity.ServiceAccount, set map[string]string, remove ...string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refuse != nil {
		return a.refuse
	}
	found := a.there[name]
	if found.Annotations == nil {
		found.Annotations = map[string]string{}
	}
	for _, key := range remove {
		delete(found.Annotations, key)
	}
	maps.Copy(found.Annotations, set)
	return nil
}

func (a *accounts) Delete(_ context.Context, name identity.ServiceAccount) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.there, name)
	return "", a.refuse
}

func (a *accounts) HasNamespace(context.Context, string) (bool, error) { return !a.noNamespace, nil }

func (a *accounts) Witness(_ context.Context, name identity.ServiceAccount) (grant.Witness, error) {
	return &witness{a, name}, nil
}

type witness struct {
	*accounts
	name identity.ServiceAccount
}

func (w *witness) Environment() map[string]string { return w.environment }

func (w *witness) Audience() string { return "" }

func (w *witness) Token(_ context.Context, audience string) (string, error) {
	return w.server.Token(w.t, w.name.Namespace, w.name.Name, podpasstest.Audience(audience), podpasstest.Pod("web-x7k2p", "1d3f")), nil
}

func (w *witness) Close(context.Context) error { return nil }

var web = identity.ServiceAccount{Namespace: "shop", Name: "web"}

const readRoles = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*"}]}`

func (w *world) plan(t *testing.T, spec grant.Spec) *grant.Plan {
	t.Helper()
	plan, err := grant.NewPlanner(w.World).Plan(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// grant plans and does it, and says how it ended.
func (w *world) grant(t *testing.T, spec grant.Spec) (*grant.Plan, grant.Outcome) {
	t.Helper()
	plan := w.plan(t, spec)
	return plan, w.apply(t, plan)
}

func (w *world) apply(t *testing.T, plan *grant.Plan) (out grant.Outcome) {
	t.Helper()
	grant.Apply(t.Context(), []*grant.Plan{plan}, true, func(*grant.Plan, grant.Step) {}, nil, func(_ *grant.Plan, o grant.Outcome) { out = o })
	return out
}

func (w *world) revoke(t *testing.T, spec grant.Spec) (*grant.Plan, grant.Outcome) {
	t.Helper()
	plan, err := grant.NewPlanner(w.World).Revoke(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return plan, w.apply(t, plan)
}

// must grants what has to succeed.
func (w *world) must(t *testing.T, spec grant.Spec) *grant.Plan {
	t.Helper()
	plan, out := w.grant(t, spec)
	if out.Err != nil {
		t.Fatal(out.Err)
	}
	return plan
}

func kinds(plan *grant.Plan) (out []string) {
	for _, step := range plan.Steps {
		out = append(out, step.Action+" "+step.Kind)
	}
	return out
}

// snapshot is all that grants may change, as text.
func (w *world) snapshot(t *testing.T) string {
	t.Helper()
	ctx, client, out := t.Context(), w.server.IAM(aws.Credentials{}), []string{}
	roles, err := client.ListRoles(ctx, &iam.ListRolesInput{MaxItems: aws.Int32(1000)})
	if err != nil {
		t.Fatal(err)
	}
	for _, listed := range roles.Roles {
		role, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: listed.RoleName})
		if err != nil {
			t.Fatal(err)
		}
		attached, err := client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: listed.RoleName})
		if err != nil {
			t.Fatal(err)
		}
		inline, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: listed.RoleName})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprint(*role.Role.RoleName, *role.Role.AssumeRolePolicyDocument), fmt.Sprint(inline.PolicyNames))
		for _, tag := range role.Role.Tags {
			out = append(out, *tag.Key+"="+*tag.Value)
		}
		for _, policy := range attached.AttachedPolicies {
			out = append(out, *policy.PolicyArn)
		}
	}
	associations, err := eks.NewFromConfig(w.server.Config(podpasstest.As(w.server.Admin))).ListPodIdentityAssociations(ctx, &eks.ListPodIdentityAssociationsInput{ClusterName: aws.String(podpasstest.Cluster)})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range associations.Associations {
		out = append(out, *one.AssociationId)
	}
	for _, name := range slices.SortedFunc(maps.Keys(w.accounts.there), func(a, b identity.ServiceAccount) int { return strings.Compare(a.String(), b.String()) }) {
		out = append(out, fmt.Sprint(name, w.accounts.there[name].Annotations))
	}
	return strings.Join(out, "\n")
}

func (w *world) wantSnapshot(t *testing.T, want string) {
	t.Helper()
	if diff := cmp.Diff(want, w.snapshot(t)); diff != "" {
		t.Errorf("not as it was (-before +after):\n%s", diff)
	}
}
