package eks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/podpasstest"
)

// statement allows actions on a resource.
func statement(resource string, actions ...string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":["%s"],"Resource":"%s"}`, strings.Join(actions, `","`), resource)
}

func policy(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

const (
	clusterARN = "arn:aws:eks:us-west-2:111122223333:cluster/local"
	anyARN     = "arn:aws:eks:us-west-2:111122223333:podidentityassociation/local/*"
)

// What creating takes, less one of it each.
func TestCreateNeeds(t *testing.T) {
	w := start(t)
	pass := statement(pods, "iam:PassRole")
	passTo := func(key, value string) string {
		return strings.TrimSuffix(pass, "}") + `,"Condition":{"StringEquals":{"` + key + `":"` + value + `"}}}`
	}
	create := statement(clusterARN, "eks:CreatePodIdentityAssociation")
	tag := statement(anyARN, "eks:TagResource")
	tagged := func(key, value string) string {
		return strings.TrimSuffix(create, "}") + `,"Condition":{"StringEquals":{"` + key + `":"` + value + `"}}}`
	}
	for name, test := range map[string]struct {
		policy string
		tags   map[string]string
		lacks  string
	}{
		"all":                         {policy(create, pass), nil, ""},
		"passed to pods":              {policy(create, passTo("iam:PassedToService", "pods.eks.amazonaws.com")), nil, ""},
		"for this cluster":            {policy(create, passTo("iam:AssociatedResourceArn", clusterARN)), nil, ""},
		"passed to another":           {policy(create, passTo("iam:PassedToService", "ec2.amazonaws.com")), nil, "iam:PassRole on resource: " + pods},
		"no PassRole":                 {policy(create), nil, "iam:PassRole on resource: " + pods},
		"no create":                   {policy(pass), nil, "eks:CreatePodIdentityAssociation on resource: " + clusterARN},
		"create for another cluster":  {policy(pass, statement(clusterARN+"x", "eks:*")), nil, "eks:CreatePodIdentityAssociation on resource: " + clusterARN},
		"tags with TagResource":       {policy(create, pass, tag), map[string]string{"team": "shop"}, ""},
		"tags without TagResource":    {policy(create, pass), map[string]string{"team": "shop"}, "eks:TagResource on resource: " + anyARN},
		"a tag that is asked for":     {policy(tagged("aws:RequestTag/team", "shop"), pass, tag), map[string]string{"team": "shop"}, ""},
		"another value of it":         {policy(tagged("aws:RequestTag/team", "shop"), pass, tag), map[string]string{"team": "x"}, "eks:CreatePodIdentityAssociation"},
		"no tag at all":               {policy(tagged("aws:TagKeys", "team"), pass, tag), nil, "eks:CreatePodIdentityAssociation"},
		"a cluster that has a tag":    {policy(tagged("aws:ResourceTag/env", "test"), pass), nil, ""},
		"a cluster without that tag":  {policy(tagged("aws:ResourceTag/env", "prod"), pass), nil, "eks:CreatePodIdentityAssociation"},
		"podpass:Apply is no license": {policy(statement("*", "podpass:*")), nil, "eks:CreatePodIdentityAssociation"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := w.client.TagResource(t.Context(), &eks.TagResourceInput{ResourceArn: aws.String(clusterARN), Tags: map[string]string{"env": "test"}}); err != nil {
				t.Fatal(err)
			}
			caller := w.as(t, w.AddUser(t, podpasstest.Account, "caller", test.policy))
			out, err := caller.CreatePodIdentityAssociation(t.Context(), input(func(in *eks.CreatePodIdentityAssociationInput) { in.Tags = test.tags }))
			if test.lacks == "" {
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.client.DeletePodIdentityAssociation(t.Context(), &eks.DeletePodIdentityAssociationInput{
					ClusterName: aws.String(local), AssociationId: out.Association.AssociationId,
				}); err != nil {
					t.Fatal(err)
				}
				return
			}
			want := "User: arn:aws:iam::111122223333:user/caller is not authorized to perform: " + test.lacks
			if got := refused(err); got.Code != "AccessDeniedException" || !strings.HasPrefix(got.Message, want) {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

// Every other action is asked about the association's or the cluster's ARN, with its tags.
func TestActionsNeed(t *testing.T) {
	w := start(t)
	made := w.create(t, func(in *eks.CreatePodIdentityAssociationInput) { in.Tags = map[string]string{"team": "shop"} })
	arn, path := *made.AssociationArn, associations+"/"+*made.AssociationId
	escaped := func(arn string) string { return strings.NewReplacer("/", "%2F", ":", "%3A").Replace(arn) }
	admin := w.Admin
	for _, test := range []struct{ action, resource, method, path, body string }{
		{"DescribePodIdentityAssociation", arn, "GET", path, ""},
		{"UpdatePodIdentityAssociation", arn, "POST", path, "{}"},
		{"ListPodIdentityAssociations", clusterARN, "GET", associations, ""},
		{"DescribeCluster", clusterARN, "GET", "/clusters/local", ""},
		{"ListClusters", strings.TrimSuffix(clusterARN, "local") + "*", "GET", "/clusters", ""},
		{"TagResource", arn, "POST", "/tags/" + escaped(arn), `{"tags":{"a":"b"}}`},
		{"UntagResource", arn, "DELETE", "/tags/" + escaped(arn) + "?tagKeys=a", ""},
		{"ListTagsForResource", arn, "GET", "/tags/" + escaped(arn), ""},
		{"ListTagsForResource", clusterARN, "GET", "/tags/" + escaped(clusterARN), ""},
		{"DeletePodIdentityAssociation", arn, "DELETE", path, ""},
	} {
		pass := statement("*", "iam:PassRole")
		w.Admin = w.AddUser(t, podpasstest.Account, "caller", policy(pass, statement("*", "eks:None")))
		if a := w.call(t, test.method, test.path, test.body); a.status != 403 || a.header.Get("X-Amzn-Errortype") != "AccessDeniedException" ||
			!strings.Contains(a.body, "eks:"+test.action+" on resource: "+test.resource) {
			t.Errorf("%s without the permission: %d %s", test.action, a.status, a.body)
		}
		if test.resource == arn {
			w.AddUser(t, podpasstest.Account, "caller", policy(pass, strings.TrimSuffix(statement("*", "eks:"+test.action), "}")+
				`,"Condition":{"StringEquals":{"aws:ResourceTag/team":"other"}}}`))
			if a := w.call(t, test.method, test.path, test.body); a.status != 403 {
				t.Errorf("%s on another team's: %d %s", test.action, a.status, a.body)
			}
		}
		w.AddUser(t, podpasstest.Account, "caller", policy(pass, statement(test.resource, "eks:"+test.action)))
		if a := w.call(t, test.method, test.path, test.body); a.status != 200 {
			t.Errorf("%s with the permission: %d %s", test.action, a.status, a.body)
		}
	}
	w.Admin = admin
}

// Whoever may not pass a role may not widen what an association gives of it either.
func TestUpdateNeedsPassRole(t *testing.T) {
	w := start(t)
	made := w.create(t, func(in *eks.CreatePodIdentityAssociationInput) {
		in.Policy, in.DisableSessionTags = aws.String(podpasstest.Allow("s3:GetObject")), aws.Bool(true)
	})
	caller := w.as(t, w.AddUser(t, podpasstest.Account, "caller", policy(statement("*", "eks:*"))))
	_, err := caller.UpdatePodIdentityAssociation(t.Context(), &eks.UpdatePodIdentityAssociationInput{
		ClusterName: aws.String(local), AssociationId: made.AssociationId, Policy: aws.String(""),
	})
	if got := refused(err); got.Code != "AccessDeniedException" || !strings.Contains(got.Message, "iam:PassRole on resource: "+pods) {
		t.Error(err)
	}
}

// A cluster of another account does not exist, for whoever may do anything; the management account reaches all.
func TestOtherAccounts(t *testing.T) {
	w := start(t)
	theirs := w.addTenant(t)
	ours := w.create(t)
	own, err := theirs.CreatePodIdentityAssociation(t.Context(), input(func(in *eks.CreatePodIdentityAssociationInput) {
		in.ClusterName, in.RoleArn = aws.String("theirs"), aws.String("arn:aws:iam::444455556666:role/pods")
	}))
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:eks:us-west-2:444455556666:podidentityassociation/theirs/" + *own.Association.AssociationId; *own.Association.AssociationArn != want {
		t.Errorf("ARN %s, want %s", *own.Association.AssociationArn, want)
	}
	at, id := aws.String(local), ours.AssociationId
	for name, err := range map[string]error{
		"create":   second(theirs.CreatePodIdentityAssociation(t.Context(), input())),
		"describe": second(theirs.DescribePodIdentityAssociation(t.Context(), &eks.DescribePodIdentityAssociationInput{ClusterName: at, AssociationId: id})),
		"list":     second(theirs.ListPodIdentityAssociations(t.Context(), &eks.ListPodIdentityAssociationsInput{ClusterName: at})),
		"update":   second(theirs.UpdatePodIdentityAssociation(t.Context(), &eks.UpdatePodIdentityAssociationInput{ClusterName: at, AssociationId: id})),
		"delete":   second(theirs.DeletePodIdentityAssociation(t.Context(), &eks.DeletePodIdentityAssociationInput{ClusterName: at, AssociationId: id})),
		"cluster":  second(theirs.DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: at})),
	} {
		if got := (refusal{"ResourceNotFoundException", "No cluster found for name: local."}); refused(err) != got {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"tag":   second(theirs.TagResource(t.Context(), &eks.TagResourceInput{ResourceArn: ours.AssociationArn, Tags: map[string]string{"a": "b"}})),
		"untag": second(theirs.UntagResource(t.Context(), &eks.UntagResourceInput{ResourceArn: aws.String(clusterARN), TagKeys: []string{"a"}})),
		"tags":  second(theirs.ListTagsForResource(t.Context(), &eks.ListTagsForResourceInput{ResourceArn: ours.AssociationArn})),
	} {
		if refused(err).Code != "NotFoundException" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, test := range map[string]struct {
		client *eks.Client
		want   []string
	}{"tenant": {theirs, []string{"theirs"}}, "management": {w.client, []string{local, "theirs"}}} {
		out, err := test.client.ListClusters(t.Context(), &eks.ListClustersInput{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, out.Clusters); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, err := w.client.DeletePodIdentityAssociation(t.Context(), &eks.DeletePodIdentityAssociationInput{
		ClusterName: aws.String("theirs"), AssociationId: own.Association.AssociationId,
	}); err != nil {
		t.Errorf("the management account deletes it: %v", err)
	}
	// The management account too gives a cluster roles of its account only.
	_, err = w.client.CreatePodIdentityAssociation(t.Context(), input(func(in *eks.CreatePodIdentityAssociationInput) { in.ClusterName = aws.String("theirs") }))
	if got := refused(err); got.Code != "InvalidParameterException" || !strings.Contains(got.Message, "account 444455556666") {
		t.Errorf("a role of the management account: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
