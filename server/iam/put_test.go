package iam_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/store"
)

var compare = cmp.Options{cmp.Comparer(func(a, b identity.Issuer) bool { return a == b })}

func TestPutRoleIsDeclarative(t *testing.T) {
	a := start(t)
	spec := iam.RoleSpec{
		Account: mine, Path: "/team/", Name: "r", Description: "d", Trust: trusting("arn:aws:iam::111122223333:user/admin"),
		Tags: identity.Tags{{Key: "k", Value: "v"}}, Inline: map[string]string{"p": allowing("s3:*")},
		Attached: []string{"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"},
	}
	put := func() (before, after *store.Role) {
		t.Helper()
		a.transact(t, func(tx *store.Tx) (err error) {
			before, after, err = a.env.PutRole(tx, spec)
			return err
		})
		return before, after
	}
	before, made := put()
	if before != nil || made.MaxSession != 3600 || made.Partition != "aws" || len(made.TrustPins) != 1 {
		t.Errorf("created from %+v: %+v", before, made)
	}
	before, same := put()
	if diff := cmp.Diff(before, same, compare); diff != "" || same.ID != made.ID {
		t.Errorf("putting the same again changes:\n%s", diff)
	}
	spec.MaxSession, spec.Inline, spec.Tags, spec.Attached = 7200, nil, nil, nil
	before, changed := put()
	if before.MaxSession != 3600 || changed.MaxSession != 7200 || changed.ID != made.ID || len(changed.Inline)+len(changed.Tags)+len(changed.Attached) != 0 {
		t.Errorf("from %+v to %+v", before, changed)
	}
	stored, _ := a.store.Roles.Get("111122223333/r")
	if diff := cmp.Diff(changed, stored, compare); diff != "" {
		t.Errorf("stored (-after +stored):\n%s", diff)
	}

	// The user is made anew: the same text means another principal now.
	a.transact(t, func(tx *store.Tx) error {
		store.Write(tx, a.store.Users, store.UserKey(string(mine), "admin"), nil)
		return nil
	})
	a.transact(t, func(tx *store.Tx) error {
		_, _, err := a.env.PutAdministrator(tx, mine, "aws")
		return err
	})
	before, repinned := put()
	if cmp.Equal(before.TrustPins, repinned.TrustPins) {
		t.Error("the trust policy was put again, and is pinned to a user that is gone")
	}
}

func TestPutRefusesWhatActionsRefuse(t *testing.T) {
	a := start(t)
	good := iam.RoleSpec{Account: mine, Name: "r", Trust: trusting("*")}
	for _, test := range []struct {
		name   string
		change func(*iam.RoleSpec)
		code   string
	}{
		{"name", func(r *iam.RoleSpec) { r.Name = "a b" }, "ValidationError"},
		{"session", func(r *iam.RoleSpec) { r.MaxSession = 60 }, "ValidationError"},
		{"trust", func(r *iam.RoleSpec) { r.Trust = allowing("s3:*") }, "MalformedPolicyDocument"},
		{"principal", func(r *iam.RoleSpec) { r.Trust = trusting(roleARN("nobody")) }, "MalformedPolicyDocument"},
		{"inline", func(r *iam.RoleSpec) { r.Inline = map[string]string{"p": "{}"} }, "MalformedPolicyDocument"},
		{"inline name", func(r *iam.RoleSpec) { r.Inline = map[string]string{"a/b": allowing("s3:*")} }, "ValidationError"},
		{"attached", func(r *iam.RoleSpec) { r.Attached = []string{"arn:aws:iam::aws:policy/None"} }, "NoSuchEntity"},
		{"boundary", func(r *iam.RoleSpec) { r.Boundary = "arn:aws:iam::444455556666:policy/p" }, "NoSuchEntity"},
		{"tags", func(r *iam.RoleSpec) { r.Tags = identity.Tags{{Key: "a"}, {Key: "A"}} }, "InvalidInput"},
	} {
		spec := good
		test.change(&spec)
		err := a.store.Transact(t.Context(), func(tx *store.Tx) error {
			_, _, err := a.env.PutRole(tx, spec)
			return err
		})
		if err == nil || awserr.From(err).Code != test.code {
			t.Errorf("%s: %v, want %s", test.name, err, test.code)
		}
	}
	if _, ok := a.store.Roles.Get("111122223333/r"); ok {
		t.Error("a refused role was stored")
	}
}

// Permissions know a role and a policy by their ARN, its case and path included: putting one under another ARN must not change it.
func TestPutUnderAnotherARN(t *testing.T) {
	a := start(t)
	role := func(path, name string) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			_, _, err := a.env.PutRole(tx, iam.RoleSpec{Account: mine, Path: path, Name: name, Trust: trusting("*")})
			return err
		}
	}
	policy := func(path, name string) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			_, _, err := a.env.PutPolicy(tx, iam.PolicySpec{Account: mine, Path: path, Name: name, Document: allowing("s3:*")})
			return err
		}
	}
	a.transact(t, role("/a/", "n"))
	a.transact(t, policy("/a/", "n"))
	for what, put := range map[string]func(tx *store.Tx) error{
		"role, another case": role("/a/", "N"), "role, another path": role("/", "n"),
		"policy, another case": policy("/a/", "N"), "policy, another path": policy("/A/", "n"),
	} {
		if err := a.store.Transact(t.Context(), put); err == nil || awserr.From(err).Code != "UnmodifiableEntity" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestPutPolicyKeepsFiveVersions(t *testing.T) {
	a := start(t)
	put := func(action string) (before, after *store.Policy) {
		t.Helper()
		a.transact(t, func(tx *store.Tx) (err error) {
			before, after, err = a.env.PutPolicy(tx, iam.PolicySpec{Account: mine, Name: "p", Document: allowing(action)})
			return err
		})
		return before, after
	}
	var after *store.Policy
	for i := range 7 {
		var before *store.Policy
		before, after = put(fmt.Sprint("s3:A", i))
		if (before == nil) != (i == 0) {
			t.Errorf("change %d began from %+v", i, before)
		}
		if before, again := put(fmt.Sprint("s3:A", i)); !cmp.Equal(before, again) {
			t.Errorf("the same document made a version: %+v", again)
		}
	}
	var ids []string
	for _, v := range after.Versions {
		ids = append(ids, v.ID)
	}
	if diff := cmp.Diff([]string{"v3", "v4", "v5", "v6", "v7"}, ids); diff != "" || after.Default != "v7" {
		t.Errorf("default %s, versions (-want +got):\n%s", after.Default, diff)
	}
}

func TestPutProvider(t *testing.T) {
	a := start(t)
	spec := iam.ProviderSpec{Account: mine, Issuer: identity.MustIssuer("http://127.0.0.1:8600/oidc/local"), ClientIDs: []string{"sts.amazonaws.com"}}
	put := func() (before, after *store.Provider) {
		t.Helper()
		a.transact(t, func(tx *store.Tx) (err error) {
			before, after, err = a.env.PutProvider(tx, spec)
			return err
		})
		return before, after
	}
	if before, after := put(); before != nil || after.ARN().String() != "arn:aws:iam::111122223333:oidc-provider/127.0.0.1:8600/oidc/local" {
		t.Errorf("%+v %+v", before, after)
	}
	if before, after := put(); !cmp.Equal(before, after, compare) {
		t.Errorf("%+v %+v", before, after)
	}
	spec.ClientIDs = append(spec.ClientIDs, "pods.eks.amazonaws.com")
	if before, after := put(); len(before.ClientIDs) != 1 || len(after.ClientIDs) != 2 {
		t.Errorf("%+v %+v", before, after)
	}
}

// One transaction: an error leaves nothing of it, and what it makes can refer to what it made before.
func TestPutTogether(t *testing.T) {
	a := start(t)
	dryRun := errors.New("dry run")
	apply := func(end error) error {
		return a.store.Transact(t.Context(), func(tx *store.Tx) error {
			_, p, err := a.env.PutPolicy(tx, iam.PolicySpec{Account: mine, Name: "p", Document: allowing("s3:*")})
			if err != nil {
				return err
			}
			_, r, err := a.env.PutRole(tx, iam.RoleSpec{Account: mine, Name: "first", Trust: trusting("*"), Attached: []string{p.ARN().String()}})
			if err != nil {
				return err
			}
			_, _, err = a.env.PutRole(tx, iam.RoleSpec{Account: mine, Name: "second", Trust: trusting(r.ARN().String()), Boundary: p.ARN().String()})
			return errors.Join(err, end)
		})
	}
	if err := apply(dryRun); !errors.Is(err, dryRun) {
		t.Fatal(err)
	}
	if _, ok := a.store.Roles.Get("111122223333/first"); ok {
		t.Error("a dry run wrote")
	}
	if err := apply(nil); err != nil {
		t.Fatal(err)
	}
	second, ok := a.store.Roles.Get("111122223333/second")
	if !ok || second.TrustPins[roleARN("first")] == "" {
		t.Errorf("%+v", second)
	}
}
