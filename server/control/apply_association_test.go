package control_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/podpasstest"
)

const podsTrust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}}`

// An association by globs is that of every service account it matches and no closer one is for.
func TestApplyGlobs(t *testing.T) {
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	s.AddRole(t, podpasstest.Role{Name: "team", Trust: podsTrust})
	s.AddRole(t, podpasstest.Role{Name: "web", Trust: podsTrust})
	const head = "apiVersion: podpass.io/v1alpha1\nkind: Association\nmetadata: "
	apply := func(text string) {
		t.Helper()
		must[*api.ApplyResult](t)(admin.Apply(t.Context(), &api.ApplyRequest{Documents: parse(t, head+text)}))
	}
	role := func() string {
		t.Helper()
		return must[*api.ServiceAccount](t)(admin.GetServiceAccount(t.Context(), webOf("local"))).Role
	}
	apply("{name: '*', namespace: 'sh*'}\nspec: {role: team}\n")
	if got := role(); got != podpasstest.RoleARN("team") {
		t.Errorf("by globs: role %s", got)
	}
	apply("{name: web, namespace: shop}\nspec: {role: web}\n")
	if got := role(); got != podpasstest.RoleARN("web") {
		t.Errorf("by its name: role %s", got)
	}
}

// Applying what the EKS API made changes nothing but what differs.
func TestApplyOverAnAssociation(t *testing.T) {
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	s.AddRole(t, podpasstest.Role{Name: "web", Trust: podsTrust})
	made, err := eks.NewFromConfig(s.Config(podpasstest.As(s.Admin))).CreatePodIdentityAssociation(t.Context(), &eks.CreatePodIdentityAssociationInput{
		ClusterName: aws.String("local"), Namespace: aws.String("shop"), ServiceAccount: aws.String("web"), RoleArn: aws.String(podpasstest.RoleARN("web")),
		Tags: map[string]string{"b": "2", "a": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	apply := func(more string, dry bool) api.Change {
		t.Helper()
		text := "apiVersion: podpass.io/v1alpha1\nkind: Association\nmetadata: {name: web, namespace: shop, tags: {a: '1', b: '2'}}\nspec: {role: web" + more + "}\n"
		result := must[*api.ApplyResult](t)(admin.Apply(t.Context(), &api.ApplyRequest{Documents: parse(t, text), DryRun: dry}))
		return result.Changes[0].Action
	}
	const change = ", disableSessionTags: true"
	if got := apply("", false); got != api.Unchanged {
		t.Errorf("as it is: %s", got)
	}
	for _, dry := range []bool{true, false} {
		if got := apply(change, dry); got != api.Updated {
			t.Errorf("changed, dry run %v: %s", dry, got)
		}
	}
	got := must[*api.ServiceAccount](t)(admin.GetServiceAccount(t.Context(), webOf("local"))).Association
	if got.ID != *made.Association.AssociationId || !got.DisableSessionTags {
		t.Errorf("the association is now %+v", got)
	}
}

// A refusal names the fields of the document, not those of the EKS API.
func TestApplyRefusesAssociations(t *testing.T) {
	s := podpasstest.Start(t)
	admin := client(t, s, none)
	s.AddRole(t, podpasstest.Role{Name: "web", Trust: podsTrust})
	s.AddRole(t, podpasstest.Role{Name: "irsa", Trusts: []string{"shop/web"}})
	for name, test := range map[string]struct{ spec, message string }{
		"trust":       {"{role: irsa}", "Trust policy of the role provided is invalid. It must allow service pods.eks.amazonaws.com"},
		"policy":      {"{role: web, disableSessionTags: true, policy: {Statement: []}}", "spec.policy: "},
		"role":        {"{role: nobody}", "spec.role: Role provided in the request does not exist: " + podpasstest.RoleARN("nobody")},
		"target role": {"{role: web, targetRole: 'arn:aws:s3:::bucket'}", "spec.targetRole: "},
	} {
		_, err := admin.Apply(t.Context(), &api.ApplyRequest{Documents: parse(t,
			"apiVersion: podpass.io/v1alpha1\nkind: Association\nmetadata: {name: web, namespace: shop}\nspec: "+test.spec)})
		var refusal *api.Error
		if !errors.As(err, &refusal) || refusal.Code != api.CodeValidation || !strings.Contains(refusal.Message, "document 1 (Association web): "+test.message) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever may apply the associations of some namespaces only must not reach the others by a glob: a Deny on a namespace does not match the text of a glob
// that does, and the ? of an Allow matches the * of one.
func TestApplyGlobsNeedTheCluster(t *testing.T) {
	s := podpasstest.Start(t)
	s.AddRole(t, podpasstest.Role{Name: "web", Trust: podsTrust})
	const accounts = "arn:aws:podpass:us-west-2:111122223333:serviceaccount/local/"
	const pass = `,{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}]}`
	apply := func(c aws.Credentials, namespace string) error {
		_, err := client(t, s, c).Apply(t.Context(), &api.ApplyRequest{DryRun: true, Documents: parse(t,
			"apiVersion: podpass.io/v1alpha1\nkind: Association\nmetadata: {name: web, namespace: '"+namespace+"'}\nspec: {role: web}\n")})
		return err
	}
	allBut := s.AddUser(t, podpasstest.Account, "all-but-prod", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"podpass:Apply","Resource":"`+accounts+`*"},
		{"Effect":"Deny","Action":"podpass:Apply","Resource":"`+accounts+`prod/*"}`+pass)
	teams := s.AddUser(t, podpasstest.Account, "teams", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"podpass:Apply","Resource":"`+accounts+`team-?/web"}`+pass)
	whole := s.AddUser(t, podpasstest.Account, "whole", `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"podpass:Apply","Resource":["`+accounts+`*","`+podpasstest.ClusterARN()+`"]}`+pass)
	for _, c := range []struct {
		who       aws.Credentials
		namespace string
		may       bool
	}{
		{allBut, "shop", true},
		{allBut, "prod", false},
		{allBut, "pro?", false},
		{allBut, "*", false},
		{teams, "team-a", true},
		{teams, "team-*", false},
		{whole, "pro?", true},
	} {
		if err := apply(c.who, c.namespace); c.may != (err == nil) {
			t.Errorf("namespace %s: %v", c.namespace, err)
		} else if !c.may {
			refused(t, err, api.CodeAccessDenied)
		}
	}
}
