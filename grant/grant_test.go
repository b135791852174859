package grant_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/account/accounttest"
	"github.com/podpass/podpass/grant"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/podpasstest"
)

func TestGrantAndRevoke(t *testing.T) {
	for _, tc := range []struct {
		mechanism   grant.Mechanism
		there       bool // the service account exists
		grant, back []string
	}{
		{
			grant.PodIdentity, false,
			[]string{"create role", "tag role", "attach policy", "create inline policy", "create association", "create service account"},
			[]string{"detach policy", "delete inline policy", "untag role", "delete association", "delete service account", "delete role"},
		},
		{
			grant.PodIdentity, true,
			[]string{"create role", "tag role", "attach policy", "create inline policy", "create association"},
			[]string{"detach policy", "delete inline policy", "untag role", "delete association", "delete role"},
		},
		{
			grant.IRSA, true,
			[]string{"create role", "tag role", "attach policy", "create inline policy", "update service account"},
			[]string{"detach policy", "delete inline policy", "untag role", "update service account", "delete role"},
		},
	} {
		t.Run(string(tc.mechanism), func(t *testing.T) {
			w := newWorld(t)
			if tc.there {
				w.accounts.there[web] = &grant.Account{Annotations: map[string]string{"theirs": "1"}}
			}
			before := w.snapshot(t)
			spec := grant.Spec{Account: web, Mechanism: tc.mechanism, Managed: []string{"AmazonS3ReadOnlyAccess"}, Inline: map[string]string{"roles": readRoles}}
			plan := w.must(t, spec)
			if diff := cmp.Diff(tc.grant, kinds(plan)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			caller, err := grant.Prove(t.Context(), w.World, plan)
			if err != nil || !strings.HasPrefix(caller, "arn:aws:sts::111122223333:assumed-role/local-shop-web/") {
				t.Errorf("proved by %q, %v", caller, err)
			}
			if again := w.plan(t, spec); len(again.Steps) > 0 {
				t.Errorf("the same again: %q", again.Steps)
			}
			back, out := w.revoke(t, grant.Spec{Account: web})
			if diff := cmp.Diff(tc.back, kinds(back)); diff != "" || out.Err != nil {
				t.Errorf("%v, steps back (-want +got):\n%s", out.Err, diff)
			}
			w.wantSnapshot(t, before)
			if again, _ := w.revoke(t, grant.Spec{Account: web}); len(again.Steps) > 0 {
				t.Errorf("back again: %q", again.Steps)
			}
		})
	}
}

// long is a policy of more than half of what a role's inline policies may have together.
func long(t *testing.T) string {
	t.Helper()
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + strings.Repeat("x", 6000) + `"}]}`
}

// What may not be is refused before anything is changed, with a command that leads on.
func TestConflicts(t *testing.T) {
	const foreign = `{"Sid":"Theirs","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}`
	trust := func(statements ...string) string {
		return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	}
	annotated := func(role string) *grant.Account {
		return &grant.Account{Annotations: map[string]string{"eks.amazonaws.com/role-arn": role}}
	}
	for name, tc := range map[string]struct {
		arrange    func(t *testing.T, w *world)
		spec       grant.Spec
		want, hint string
	}{
		"the trust policy is full": {
			func(t *testing.T, w *world) {
				many := []string{foreign}
				for i := range 5 {
					many = append(many, strings.Replace(foreign, "Theirs", strings.Repeat("X", 240)+string(rune('a'+i)), 1))
				}
				w.server.AddRole(t, podpasstest.Role{Name: "full", Trust: trust(many...)})
			},
			grant.Spec{Account: web, Role: "full"},
			"trust policy of role arn:aws:iam::111122223333:role/full is full: it has 1", "ask AWS for a quota of up to 4096",
		},
		"a Deny stands against it": {
			func(t *testing.T, w *world) {
				w.server.AddRole(t, podpasstest.Role{Name: "denies", Trust: trust(foreign, `{"Sid":"No","Effect":"Deny","Principal":"*","Action":"sts:*","Condition":{"StringEquals":{"aws:RequestTag/kubernetes-namespace":"shop"}}}`)})
			},
			grant.Spec{Account: web, Role: "denies"},
			"would not trust service account shop/web even with a statement for it: sts:AssumeRole: ", "aws iam get-role --role-name denies",
		},
		"an annotation with a role that trusts somebody else": {
			func(t *testing.T, w *world) {
				w.server.AddRole(t, podpasstest.Role{Name: "platform-admin", Trust: trust(foreign)})
				w.accounts.there[web] = annotated("arn:aws:iam::111122223333:role/platform-admin")
			},
			grant.Spec{Account: web},
			"is annotated with role arn:aws:iam::111122223333:role/platform-admin, which does not trust it", "--role arn:aws:iam::111122223333:role/platform-admin",
		},
		"a boundary that the role does not have": {
			func(t *testing.T, w *world) {
				w.server.AddRole(t, podpasstest.Role{Name: "theirs", Trust: trust(foreign)})
			},
			grant.Spec{Account: web, Role: "theirs", Boundary: "arn:aws:iam::aws:policy/AdministratorAccess"},
			`is there, with the permissions boundary ""`, "aws iam put-role-permissions-boundary --role-name theirs",
		},
		"its own target": {
			nil, grant.Spec{Account: web, Role: "x", TargetRole: "arn:aws:iam::111122223333:role/x"}, "cannot be its own target", "--role NAME",
		},
		"too many inline policies": {
			nil, grant.Spec{Account: web, Inline: map[string]string{"a": long(t), "b": long(t)}}, "would have 12", "aws iam create-policy",
		},
		"a role of another account": {
			nil, grant.Spec{Account: web, Role: "arn:aws:iam::444455556666:role/x"}, "is of account 444455556666, and these are credentials for account 111122223333", "--target-role arn:aws:iam::444455556666:role/x --target-profile PROFILE",
		},
		"a target role without credentials": {
			nil, grant.Spec{Account: web, TargetRole: "arn:aws:iam::444455556666:role/x"}, "is of another account, whose credentials are needed", "--target-profile PROFILE",
		},
		"an annotation with another role": {
			func(_ *testing.T, w *world) {
				w.accounts.there[web] = annotated("arn:aws:iam::111122223333:role/old")
			},
			grant.Spec{Account: web, Role: "new"},
			"has role arn:aws:iam::111122223333:role/old already, and new is asked for", "podpass revoke -n shop web",
		},
		"an annotation that is no ARN": {
			func(_ *testing.T, w *world) { w.accounts.there[web] = annotated("role/old") },
			grant.Spec{Account: web},
			"names a role that is none", "kubectl annotate serviceaccount -n shop web eks.amazonaws.com/role-arn-",
		},
		"an annotation, and Pod Identity asked for": {
			func(_ *testing.T, w *world) {
				w.accounts.there[web] = annotated("arn:aws:iam::111122223333:role/old")
			},
			grant.Spec{Account: web, Mechanism: grant.PodIdentity},
			"has the annotation eks.amazonaws.com/role-arn", "podpass grant -n shop web",
		},
		"an association, and IRSA asked for": {
			func(t *testing.T, w *world) {
				w.server.AddRole(t, podpasstest.Role{Name: "old", Trust: podpasstest.PodIdentityTrust()})
				w.server.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "old"})
			},
			grant.Spec{Account: web, Mechanism: grant.IRSA},
			"which goes before an annotation", "podpass revoke -n shop web",
		},
		"an association with another target": {
			func(t *testing.T, w *world) {
				w.server.AddRole(t, podpasstest.Role{Name: "old", Trust: podpasstest.PodIdentityTrust()})
				w.server.AddAssociation(t, podpasstest.Association{Namespace: "shop", ServiceAccount: "web", Role: "old"})
			},
			grant.Spec{Account: web, TargetRole: "arn:aws:iam::111122223333:role/x"},
			`with target role "", and arn:aws:iam::111122223333:role/x is asked for`, "podpass association update",
		},
		"no namespace": {
			func(_ *testing.T, w *world) { w.accounts.noNamespace = true },
			grant.Spec{Account: web},
			"there is no namespace shop", "kubectl create namespace shop",
		},
		"no such policy": {
			nil, grant.Spec{Account: web, Managed: []string{"Nope"}}, "account 111122223333 has no policy Nope: looked for arn:aws:iam::aws:policy/Nope, ", "aws iam list-policies",
		},
		"Pod Identity without EKS": {
			func(_ *testing.T, w *world) { w.Cluster.ARN = "" },
			grant.Spec{Account: web, Mechanism: grant.PodIdentity},
			"needs a cluster that the account's EKS API knows", "--mechanism irsa",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if tc.arrange != nil {
				tc.arrange(t, w)
			}
			before := w.snapshot(t)
			plan, err := grant.NewPlanner(w.World).Plan(t.Context(), tc.spec)
			var conflict *grant.ConflictError
			if !errors.As(err, &conflict) || !strings.Contains(err.Error(), tc.want) || !strings.Contains(conflict.Hint, tc.hint) {
				t.Errorf("planned %+v, %v\nhint %+v\nwant %q\nand  %q", plan, err, conflict, tc.want, tc.hint)
			}
			w.wantSnapshot(t, before)
		})
	}
}

// A call that is denied, lost, or carried out with its answer lost: whatever step it is at, planning and applying again completes it, and the same on the
// way back.
func TestInterruptedAtEveryCall(t *testing.T) {
	for name, verdict := range map[string]accounttest.Verdict{"denied": accounttest.Denied, "cut before": accounttest.CutBefore, "cut after": accounttest.CutAfter} {
		for _, mechanism := range []grant.Mechanism{grant.PodIdentity, grant.IRSA} {
			t.Run(name+" "+string(mechanism), func(t *testing.T) {
				w := newWorld(t)
				w.server.AddRole(t, podpasstest.Role{Name: "theirs", Trust: `{"Version":"2012-10-17","Statement": {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"} }`})
				before := w.snapshot(t)
				spec := grant.Spec{Account: web, Mechanism: mechanism, Role: "theirs", Managed: []string{"AmazonS3ReadOnlyAccess"}, Inline: map[string]string{"roles": readRoles}}
				repeat := func(plan func() *grant.Plan) (interrupted int) {
					for ; interrupted < 20; interrupted++ {
						next := plan()
						spared := false
						undo := w.fake.OnCall(func(call *accounttest.Call) accounttest.Verdict {
							if call.Mutates() && !spared {
								spared = true
								return verdict
							}
							return accounttest.Pass
						})
						out := w.apply(t, next)
						undo()
						if len(next.Steps) == 0 {
							return interrupted
						}
						// Denied, the command ends at once; the others are tried again by the SDK.
						if verdict == accounttest.Denied && spared && (out.Err == nil || out.Done > 0) {
							t.Fatalf("denied: %+v", out)
						}
						if out.Err != nil {
							if first := w.apply(t, &grant.Plan{Spec: next.Spec, Role: next.Role, Steps: next.Steps[:1]}); first.Err != nil {
								t.Fatalf("%s: %v", next.Steps[0], first.Err)
							}
						}
					}
					return interrupted
				}
				n := repeat(func() *grant.Plan { return w.plan(t, spec) })
				if caller, err := grant.Prove(t.Context(), w.World, w.plan(t, spec)); err != nil {
					t.Errorf("proved by %q, %v", caller, err)
				}
				m := repeat(func() *grant.Plan {
					plan, err := grant.NewPlanner(w.World).Revoke(t.Context(), spec.Whole())
					if err != nil {
						t.Fatal(err)
					}
					return plan
				})
				t.Logf("interrupted %d and %d times", n, m)
				w.wantSnapshot(t, before)
			})
		}
	}
}

// Two service accounts of one role: what one has, the other's revocation leaves; the last one gives the role back as it was.
func TestSharedRole(t *testing.T) {
	w := newWorld(t)
	w.server.AddRole(t, podpasstest.Role{Name: "theirs", Trust: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}}`})
	before := w.snapshot(t)
	api := identity.ServiceAccount{Namespace: "shop", Name: "api"}
	planner := grant.NewPlanner(w.World)
	var plans []*grant.Plan
	for _, name := range []identity.ServiceAccount{web, api} {
		plan, err := planner.Plan(t.Context(), grant.Spec{Account: name, Role: "theirs", Managed: []string{"AmazonS3ReadOnlyAccess"}})
		if err != nil {
			t.Fatal(err)
		}
		plans = append(plans, plan)
	}
	grant.Apply(t.Context(), plans, true, func(*grant.Plan, grant.Step) {}, func(ctx context.Context, plan *grant.Plan) (string, error) { return grant.Prove(ctx, w.World, plan) },
		func(plan *grant.Plan, out grant.Outcome) {
			if err := errors.Join(out.Err, out.Proof); err != nil {
				t.Errorf("%s: %v", plan.Spec.Account, err)
			}
		})
	back, out := w.revoke(t, grant.Spec{Account: web})
	if out.Err != nil || strings.Contains(strings.Join(kinds(back), ","), "detach") || !strings.Contains(strings.Join(back.Kept, ","), "another grant has it, too") {
		t.Errorf("the first back: %v, %q, kept %q", out.Err, back.Steps, back.Kept)
	}
	if _, err := grant.Prove(t.Context(), w.World, w.plan(t, grant.Spec{Account: api})); err != nil {
		t.Errorf("the other one: %v", err)
	}
	if _, out = w.revoke(t, grant.Spec{Account: api}); out.Err != nil {
		t.Error(out.Err)
	}
	w.wantSnapshot(t, before)
}

// A role whose trust policy admits the service account by somebody's own words needs nothing of ours.
func TestHandWrittenTrust(t *testing.T) {
	w := newWorld(t)
	w.server.AddRole(t, podpasstest.Role{Name: "theirs", Trust: w.server.Trust("shop/web")})
	before := w.snapshot(t)
	plan := w.must(t, grant.Spec{Account: web, Role: "theirs", Mechanism: grant.IRSA, Inline: map[string]string{"roles": readRoles}})
	if diff := cmp.Diff([]string{"create inline policy", "create service account"}, kinds(plan)); diff != "" {
		t.Error(diff)
	}
	if _, err := grant.Prove(t.Context(), w.World, plan); err != nil {
		t.Error(err)
	}
	if _, out := w.revoke(t, grant.Spec{Account: web}); out.Err != nil {
		t.Error(out.Err)
	}
	w.wantSnapshot(t, before)
}

func TestAcrossAccounts(t *testing.T) {
	const other = identity.Account("444455556666")
	for _, mechanism := range []grant.Mechanism{grant.PodIdentity, grant.IRSA} {
		t.Run(string(mechanism), func(t *testing.T) {
			w := newWorld(t)
			w.Target = w.other(t, other)
			before := w.snapshot(t)
			spec := grant.Spec{Account: web, Mechanism: mechanism, TargetRole: "arn:aws:iam::444455556666:role/team/orders", Managed: []string{"AmazonS3ReadOnlyAccess"}}
			plan := w.must(t, spec)
			caller, err := grant.Prove(t.Context(), w.World, plan)
			if err != nil || !strings.HasPrefix(caller, "arn:aws:sts::444455556666:assumed-role/orders/") {
				t.Errorf("proved by %q, %v", caller, err)
			}
			if again := w.plan(t, spec); len(again.Steps) > 0 {
				t.Errorf("the same again: %q", again.Steps)
			}
			// Without saying which role, it is the one it has.
			if again := w.plan(t, grant.Spec{Account: web, Managed: []string{"AmazonS3ReadOnlyAccess"}}); len(again.Steps) > 0 {
				t.Errorf("the same again, by what it has: %q", again.Steps)
			}
			if _, out := w.revoke(t, grant.Spec{Account: web}); out.Err != nil {
				t.Error(out.Err)
			}
			w.wantSnapshot(t, before)
			for role := range w.server.Store.Roles.List(string(other)+"/", "") {
				t.Errorf("the other account still has %v", role)
			}
		})
	}
}

// The cluster's OIDC provider, made by a grant, stays until the last role that trusts it has gone.
func TestProviderOfSeveralGrants(t *testing.T) {
	w := newWorld(t)
	w.Target = w.other(t, "444455556666")
	api := identity.ServiceAccount{Namespace: "shop", Name: "api"}
	provider := identity.MustIssuer(w.server.Issuer).ProviderARN("aws", "444455556666").String()
	for _, name := range []identity.ServiceAccount{web, api} {
		w.must(t, grant.Spec{Account: name, Mechanism: grant.IRSA, TargetRole: "arn:aws:iam::444455556666:role/" + name.Name})
	}
	plan, out := w.revoke(t, grant.Spec{Account: web})
	if out.Err != nil || !strings.Contains(strings.Join(plan.Kept, ","), "OIDC provider "+provider+": role arn:aws:iam::444455556666:role/api trusts it") {
		t.Errorf("%v, kept %q", out.Err, plan.Kept)
	}
	if _, out := w.revoke(t, grant.Spec{Account: api}); out.Err != nil {
		t.Error(out.Err)
	}
	if left, err := w.Target.Providers().Get(t.Context(), provider); err != nil || left != nil {
		t.Errorf("the provider is still there: %+v, %v", left, err)
	}
}

// A role alone, for those who make the rest themselves.
func TestRoleOnly(t *testing.T) {
	w := newWorld(t)
	w.accounts.noNamespace = true
	before := w.snapshot(t)
	spec := grant.Spec{Account: web, RoleOnly: true, Mechanism: grant.IRSA, Managed: []string{"AmazonS3ReadOnlyAccess"}, Boundary: "arn:aws:iam::aws:policy/AdministratorAccess"}
	plan := w.must(t, spec)
	if diff := cmp.Diff([]string{"create role", "tag role", "attach policy"}, kinds(plan)); diff != "" {
		t.Error(diff)
	}
	if _, err := grant.Prove(t.Context(), w.World, plan); err != nil { // nothing is injected here
		t.Error(err)
	}
	if again := w.plan(t, spec); len(again.Steps) > 0 {
		t.Errorf("%q", again.Steps)
	}
	if _, out := w.revoke(t, grant.Spec{Account: web}); out.Err != nil {
		t.Error(out.Err)
	}
	w.wantSnapshot(t, before)
}

// Names joined by hyphens are not unique: another service account's role is not taken for one's own.
func TestNamesThatMeet(t *testing.T) {
	w := newWorld(t)
	first := w.must(t, grant.Spec{Account: identity.ServiceAccount{Namespace: "a-b", Name: "c"}, Managed: []string{"AdministratorAccess"}})
	second := w.must(t, grant.Spec{Account: identity.ServiceAccount{Namespace: "a", Name: "b-c"}})
	if first.Role.ResourceName() != "local-a-b-c" || second.Role.ResourceName() != "local-a-b-c-"+string(second.ID) {
		t.Errorf("%s and %s", first.Role, second.Role)
	}
}

// A role may be had by both mechanisms for a while: neither's statement is the other's.
func TestBothMechanismsOfARole(t *testing.T) {
	w := newWorld(t)
	before := w.snapshot(t)
	irsa := w.must(t, grant.Spec{Account: web, Mechanism: grant.IRSA})
	w.must(t, grant.Spec{Account: web, Mechanism: grant.PodIdentity, RoleOnly: true, Role: "local-shop-web"})
	if _, err := grant.Prove(t.Context(), w.World, irsa); err != nil {
		t.Error(err)
	}
	if _, out := w.revoke(t, grant.Spec{Account: web}); out.Err != nil {
		t.Error(out.Err)
	}
	w.wantSnapshot(t, before)
}

// White space in our statement is nobody's change.
func TestReformattedTrust(t *testing.T) {
	w := newWorld(t)
	plan := w.must(t, grant.Spec{Account: web})
	err := w.Home.Roles().EditTrust(t.Context(), plan.Role.ResourceName(), func(document string) (string, error) {
		return strings.ReplaceAll(document, `":`, `" : `), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if again := w.plan(t, grant.Spec{Account: web}); len(again.Steps) > 0 {
		t.Errorf("%q", again.Steps)
	}
}

// The role of an account without credentials is not forgotten.
func TestRevokeWithoutTheTarget(t *testing.T) {
	w := newWorld(t)
	w.Target = w.other(t, "444455556666")
	w.must(t, grant.Spec{Account: web, Mechanism: grant.IRSA, TargetRole: "arn:aws:iam::444455556666:role/orders"})
	w.Target = nil
	_, err := grant.NewPlanner(w.World).Revoke(t.Context(), grant.Spec{Account: web})
	var conflict *grant.ConflictError
	if !errors.As(err, &conflict) || !strings.Contains(conflict.Hint, "--target-profile") {
		t.Errorf("%v", err)
	}
}

// Who begins to use the role between plan and deed keeps it.
func TestRevokeLooksAgain(t *testing.T) {
	w := newWorld(t)
	w.must(t, grant.Spec{Account: web})
	plan, err := grant.NewPlanner(w.World).Revoke(t.Context(), grant.Spec{Account: web})
	if err != nil {
		t.Fatal(err)
	}
	api := w.must(t, grant.Spec{Account: identity.ServiceAccount{Namespace: "shop", Name: "api"}, Role: "local-shop-web"})
	if out := w.apply(t, plan); out.Err != nil || !strings.Contains(strings.Join(plan.Kept, ","), "it trusts others by now") {
		t.Errorf("%+v, kept %q", out, plan.Kept)
	}
	if _, err := grant.Prove(t.Context(), w.World, api); err != nil {
		t.Error(err)
	}
}

// A role that others gave policies stays, and lets the service account in no more; granted again, it does.
func TestRevokedRoleThatStays(t *testing.T) {
	w := newWorld(t)
	plan := w.must(t, grant.Spec{Account: web})
	if err := w.Home.Policies().Attach(t.Context(), plan.Role.ResourceName(), "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"); err != nil {
		t.Fatal(err)
	}
	if _, out := w.revoke(t, grant.Spec{Account: web}); out.Err != nil {
		t.Fatal(out.Err)
	}
	left, err := w.Home.Roles().Get(t.Context(), plan.Role.ResourceName())
	if err != nil || left == nil || strings.Contains(left.Trust, "Allow") || !strings.Contains(left.Trust, "PodpassRevoked") {
		t.Errorf("%+v, %v", left, err)
	}
	again := w.must(t, grant.Spec{Account: web, Role: plan.Role.ResourceName()})
	if _, err := grant.Prove(t.Context(), w.World, again); err != nil {
		t.Error(err)
	}
}

// The audience of the annotation is the one that pods' tokens have.
func TestAudience(t *testing.T) {
	w := newWorld(t)
	w.accounts.there[web] = &grant.Account{Annotations: map[string]string{"eks.amazonaws.com/audience": "sts.example.test"}}
	plan := w.must(t, grant.Spec{Account: web, Mechanism: grant.IRSA})
	if plan.Steps[0].Kind != "OIDC provider" || plan.Steps[0].Action != "update" {
		t.Errorf("%q", plan.Steps)
	}
	if _, err := grant.Prove(t.Context(), w.World, plan); err != nil {
		t.Error(err)
	}
}

// EKS has not heard of the new role yet.
func TestRoleNotThereYet(t *testing.T) {
	w := newWorld(t)
	refusals := 2
	w.fake.On("eks", "CreatePodIdentityAssociation", func(*accounttest.Call) (accounttest.Values, error) {
		if refusals--; refusals >= 0 {
			return nil, &accounttest.Error{Code: "InvalidParameterException", Message: "Role provided in the request does not exist."}
		}
		return nil, accounttest.ErrBehind
	})
	plan := w.must(t, grant.Spec{Account: web})
	if _, err := grant.Prove(t.Context(), w.World, plan); err != nil || refusals >= 0 {
		t.Errorf("%v, %d refusals left", err, refusals)
	}
}

// Being throttled is waited out.
func TestThrottled(t *testing.T) {
	w := newWorld(t)
	w.fake.Throttle("iam", "*", 2)
	w.must(t, grant.Spec{Account: web, Managed: []string{"AmazonS3ReadOnlyAccess"}})
}

func TestProofs(t *testing.T) {
	w := newWorld(t)
	plan := w.must(t, grant.Spec{Account: web, Mechanism: grant.PodIdentity, Managed: []string{"AmazonS3ReadOnlyAccess"}})
	w.accounts.environment = map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials"}
	if caller, err := grant.Prove(t.Context(), w.World, plan); err != nil {
		t.Errorf("%q, %v", caller, err)
	}
	// Whoever may not call EKS Auth has proved nothing, and is told so at once.
	undo := w.fake.Deny("eks-auth", "*")
	defer undo()
	_, err := grant.Prove(t.Context(), w.World, plan)
	var proof *grant.ProofError
	if !errors.As(err, &proof) || proof.Refused {
		t.Errorf("%v", err)
	}
}
