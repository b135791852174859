package conformance_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// podTrust lets EKS Pod Identity assume a role. tests is the operator Condition of the statement, nil for none.
func podTrust(tests object) string {
	statement := object{
		"Effect": "Allow", "Principal": object{"Service": "pods.eks.amazonaws.com"}, "Action": []string{"sts:AssumeRole", "sts:TagSession"},
	}
	if tests != nil {
		statement["Condition"] = tests
	}
	return object{"Version": "2012-10-17", "Statement": []object{statement}}.String()
}

// must is a call of the administrator that has to succeed.
func (a *authority) must(t *testing.T, c client, action string, in object) reply {
	t.Helper()
	r := execute(t, a.operator(), c.argv(action, in.String(), a.endpoint()))
	if r.Error != "" {
		t.Fatalf("%s: %s: %s %v %s", c.name, action, r.Error, r.Output, r.Stderr)
	}
	return r
}

// associating are the clients that know associations.
func associating(all []client) (some []client) {
	for _, c := range all {
		if c.associations {
			some = append(some, c)
		}
	}
	return some
}

// role makes a role with that trust policy and returns its ARN.
func (a *authority) role(t *testing.T, name, trust string) string {
	t.Helper()
	return a.must(t, clients(t)[0], "CreateRole", object{"RoleName": name, "AssumeRolePolicyDocument": trust}).text("Role", "Arn")
}

var associationID = regexp.MustCompile(`^a-[a-z0-9]{17}$`)

// Every SDK that knows associations makes, changes and deletes one, and all the others read each state of it.
func TestAssociations(t *testing.T) {
	a := up(t)
	operators := associating(clients(t))
	reader, writer := a.role(t, "reader", podTrust(nil)), a.role(t, "writer", podTrust(nil))
	for _, c := range operators {
		t.Run(c.name, func(t *testing.T) {
			made := a.must(t, c, "CreatePodIdentityAssociation", object{
				"clusterName": "local", "namespace": c.name, "serviceAccount": "web", "roleArn": reader, "tags": object{"Team": "a b+c/ü"},
			})
			id, arn := made.text("association", "associationId"), made.text("association", "associationArn")
			if !associationID.MatchString(id) || arn != "arn:aws:eks:us-west-2:"+account+":podidentityassociation/local/"+id {
				t.Fatalf("id %q, ARN %q", id, arn)
			}
			one := object{"clusterName": "local", "associationId": id}
			// everyone reads the association with that role, and those tags of it
			everyone := func(role string, tags map[string]any) {
				t.Helper()
				for _, other := range operators {
					got := a.must(t, other, "DescribePodIdentityAssociation", one)
					want := []any{"local", c.name, "web", role, arn, id}
					have := []any{}
					for _, member := range []string{"clusterName", "namespace", "serviceAccount", "roleArn", "associationArn", "associationId"} {
						have = append(have, got.get("association", member))
					}
					if diff := cmp.Diff(want, have); diff != "" {
						t.Errorf("%s: %s", other.name, diff)
					}
					if diff := cmp.Diff(any(tags), got.get("association", "tags")); diff != "" {
						t.Errorf("%s: tags: %s", other.name, diff)
					}
					if got.text("association", "createdAt") == "" || got.text("association", "modifiedAt") == "" {
						t.Errorf("%s: no times in %v", other.name, got.Output)
					}
				}
			}
			everyone(reader, map[string]any{"Team": "a b+c/ü"})
			a.must(t, c, "UpdatePodIdentityAssociation", object{"clusterName": "local", "associationId": id, "roleArn": writer})
			a.must(t, c, "TagResource", object{"resourceArn": arn, "tags": object{"Stage": "test"}})
			a.must(t, c, "UntagResource", object{"resourceArn": arn, "tagKeys": []string{"Team", "None"}})
			everyone(writer, map[string]any{"Stage": "test"})
			for _, other := range clients(t) {
				tags := a.must(t, other, "ListTagsForResource", object{"resourceArn": arn})
				if diff := cmp.Diff(any(map[string]any{"Stage": "test"}), tags.get("tags")); diff != "" {
					t.Errorf("%s: ListTagsForResource: %s", other.name, diff)
				}
			}

			for _, refused := range []struct {
				action string
				in     object
				code   string
			}{
				{"CreatePodIdentityAssociation", object{"clusterName": "local", "namespace": c.name, "serviceAccount": "web", "roleArn": reader}, "ResourceInUseException"},
				{"CreatePodIdentityAssociation", object{"clusterName": "none", "namespace": "n", "serviceAccount": "s", "roleArn": reader}, "ResourceNotFoundException"},
				{"CreatePodIdentityAssociation", object{"clusterName": "local", "namespace": "n", "serviceAccount": "s", "roleArn": reader + "x"}, "InvalidParameterException"},
				{"DescribePodIdentityAssociation", object{"clusterName": "local", "associationId": "a-00000000000000000"}, "ResourceNotFoundException"},
				{"UpdatePodIdentityAssociation", object{"clusterName": "local", "associationId": id, "roleArn": reader + "x"}, "InvalidParameterException"},
				{"TagResource", object{"resourceArn": reader, "tags": object{"k": "v"}}, "BadRequestException"},
				{"ListTagsForResource", object{"resourceArn": arn[:len(arn)-17] + "00000000000000000"}, "NotFoundException"},
			} {
				r := execute(t, a.operator(), c.argv(refused.action, refused.in.String(), a.endpoint()))
				if r.Error != refused.code || r.message() == "" {
					t.Errorf("%s %v: got %q (%v) %s, want %s", refused.action, refused.in, r.Error, r.Output, r.Stderr, refused.code)
				}
			}

			gone := a.must(t, c, "DeletePodIdentityAssociation", one)
			if gone.text("association", "associationId") != id {
				t.Errorf("deleted %v", gone.Output)
			}
			if r := execute(t, a.operator(), c.argv("DeletePodIdentityAssociation", one.String(), a.endpoint())); r.Error != "ResourceNotFoundException" {
				t.Errorf("deleted twice: %q %v", r.Error, r.Output)
			}
		})
	}
}

// Pages and filters, followed by every SDK as its own users do: with the token it was given.
func TestListAssociations(t *testing.T) {
	a := up(t)
	role := a.role(t, "reader", podTrust(nil))
	operators := associating(clients(t))
	want := map[string]bool{}
	for i := range 7 {
		made := a.must(t, operators[i%len(operators)], "CreatePodIdentityAssociation", object{
			"clusterName": "local", "namespace": fmt.Sprintf("n%d", i%2), "serviceAccount": fmt.Sprintf("web-%d", i), "roleArn": role,
		})
		want[made.text("association", "associationId")] = true
	}
	for _, c := range operators {
		t.Run(c.name, func(t *testing.T) {
			list := func(in object) (summaries []any, next string) {
				t.Helper()
				in["clusterName"] = "local"
				r := a.must(t, c, "ListPodIdentityAssociations", in)
				summaries, _ = r.get("associations").([]any)
				return summaries, r.text("nextToken")
			}
			got, pages, next := map[string]bool{}, 0, ""
			for more := true; more; more = next != "" {
				in := object{"maxResults": 3}
				if next != "" {
					in["nextToken"] = next
				}
				var page []any
				page, next = list(in)
				for _, s := range page {
					got[reply{Output: s.(map[string]any)}.text("associationId")] = true
				}
				if pages++; len(page) > 3 || pages > 3 {
					t.Fatalf("page %d has %d", pages, len(page))
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if page, _ := list(object{"namespace": "n1"}); len(page) != 3 {
				t.Errorf("namespace n1 has %v", page)
			}
			if page, _ := list(object{"namespace": "n0", "serviceAccount": "web-2"}); len(page) != 1 {
				t.Errorf("n0/web-2 has %v", page)
			}
			r := execute(t, a.operator(), c.argv("ListPodIdentityAssociations", object{"clusterName": "local", "nextToken": "none"}.String(), a.endpoint()))
			if r.Error != "InvalidParameterException" {
				t.Errorf("a token of nobody's: %q %v", r.Error, r.Output)
			}
		})
	}
}

// What the models had when an SDK was made is what it can send: the target role, session tags and the session policy are newer than Go v1.
func TestNewerMembersOfAssociations(t *testing.T) {
	a := up(t)
	first, target := a.role(t, "first", podTrust(nil)), a.role(t, "target", podTrust(nil))
	all := clients(t)
	policy := allow("iam:GetRole", "*")
	for _, c := range []client{all[0], all[1]} {
		t.Run(c.name, func(t *testing.T) {
			in := object{"clusterName": "local", "namespace": c.name, "serviceAccount": "web", "roleArn": first, "targetRoleArn": target, "policy": policy}
			if r := execute(t, a.operator(), c.argv("CreatePodIdentityAssociation", in.String(), a.endpoint())); r.Error != "InvalidRequestException" {
				t.Errorf("a session policy beside session tags: got %q (%v), want InvalidRequestException", r.Error, r.Output)
			}
			in["disableSessionTags"] = true
			id := a.must(t, c, "CreatePodIdentityAssociation", in).text("association", "associationId")
			for _, other := range []client{all[0], all[1]} {
				got := a.must(t, other, "DescribePodIdentityAssociation", object{"clusterName": "local", "associationId": id})
				want := []any{target, true, policy, "us-west-2/" + account + "/local/" + c.name + "/web"}
				have := []any{}
				for _, member := range []string{"targetRoleArn", "disableSessionTags", "policy", "externalId"} {
					have = append(have, got.get("association", member))
				}
				if diff := cmp.Diff(want, have); diff != "" {
					t.Errorf("%s: %s", other.name, diff)
				}
			}
		})
	}
}

func TestClusters(t *testing.T) {
	a := up(t)
	for _, c := range clients(t) {
		t.Run(c.name, func(t *testing.T) {
			if r := a.must(t, c, "ListClusters", object{}); !cmp.Equal(r.get("clusters"), any([]any{"local"})) {
				t.Errorf("clusters: %v", r.Output)
			}
			r := a.must(t, c, "DescribeCluster", object{"name": "local"})
			want := []any{"arn:aws:eks:us-west-2:" + account + ":cluster/local", "ACTIVE", a.issuer()}
			have := []any{r.get("cluster", "arn"), r.get("cluster", "status"), r.get("cluster", "identity", "oidc", "issuer")}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Error(diff)
			}
			none := execute(t, a.operator(), c.argv("DescribeCluster", object{"name": "none"}.String(), a.endpoint()))
			if none.Error != "ResourceNotFoundException" || !strings.Contains(none.message(), "No cluster found for name: none.") {
				t.Errorf("none: %q %v", none.Error, none.Output)
			}
			forged := execute(t, a.operator("AWS_SECRET_ACCESS_KEY="+strings.Repeat("x", 40)), c.argv("ListClusters", "{}", a.endpoint()))
			if forged.Error != "InvalidSignatureException" {
				t.Errorf("forged: got %q, want InvalidSignatureException", forged.Error)
			}
		})
	}
}
