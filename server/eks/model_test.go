package eks_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/eks"

	"github.com/podpass/podpass/podpasstest"
)

// model is AWS's description of the API, as it ships with aws-sdk-go.
type model struct {
	Operations map[string]struct {
		HTTP   struct{ Method, RequestURI string }
		Input  struct{ Shape string }
		Output struct{ Shape string }
		Errors []struct{ Shape string }
	}
	Shapes map[string]*shape
}

type shape struct {
	Type     string
	Required []string
	Members  map[string]*member
	Member   struct{ Shape string } // of a list
	Max, Min int
	Error    struct{ HTTPStatusCode int }
}

type member struct{ Shape, Location, LocationName string }

func eksModel(t *testing.T) *model {
	t.Helper()
	m := new(model)
	podpasstest.Model(t, "eks/2017-11-01", m)
	// What AWS added in 2025 and 2026, after that module's last model.
	association := m.Shapes["PodIdentityAssociation"].Members
	for name, kind := range map[string]string{"disableSessionTags": "Boolean", "targetRoleArn": "String", "externalId": "String", "policy": "String"} {
		association[name] = &member{Shape: kind}
	}
	return m
}

// unknown are the members of the model that nothing here has a value for.
var unknown = map[string]string{
	"PodIdentityAssociation":        "ownerArn",
	"PodIdentityAssociationSummary": "ownerArn",
	"VpcConfigResponse":             "clusterSecurityGroupId vpcId",
	"Cluster": "version roleArn kubernetesNetworkConfig logging clientRequestToken platformVersion encryptionConfig connectorConfig id health " +
		"outpostConfig accessConfig upgradePolicy",
}

// Every operation is served where the model says, and its answer has exactly the members of the model, in their types.
func TestAnswersFollowTheModel(t *testing.T) {
	m := eksModel(t)
	w := start(t)
	w.fill(t, 3, "paged")
	ca := "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
	w.AddCluster(t, "aaa", "https://aaa.example.test", []byte(`{"keys":[]}`))
	w.setKubeconfig(t, "aaa", kubeconfig(ca))
	made := w.create(t, func(in *eks.CreatePodIdentityAssociationInput) { in.ServiceAccount = new("described") })
	arn := url.PathEscape(*made.AssociationArn)
	rich, err := json.Marshal(map[string]any{
		"namespace": "shop", "serviceAccount": "web", "roleArn": pods, "targetRoleArn": podpasstest.RoleARN("target"), "disableSessionTags": true,
		"policy": podpasstest.Allow("s3:*"), "tags": map[string]string{"a": "b"}, "clientRequestToken": "token",
	})
	if err != nil {
		t.Fatal(err)
	}
	limits, err := json.Marshal(map[string]any{
		"targetRoleArn": podpasstest.RoleARN("target"), "disableSessionTags": true, "policy": podpasstest.Allow("s3:*"), "clientRequestToken": "token",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ action, label, rest, body string }{
		{"ListClusters", "", "?maxResults=1", ""},
		{"DescribeCluster", "aaa", "", ""},
		{"CreatePodIdentityAssociation", local, "", string(rich)},
		{"ListPodIdentityAssociations", local, "?maxResults=1", ""},
		{"UpdatePodIdentityAssociation", local, "", string(limits)},
		{"DescribePodIdentityAssociation", local, "", ""},
		{"TagResource", arn, "", `{"tags":{"a":"b"}}`},
		{"ListTagsForResource", arn, "", ""},
		{"UntagResource", arn, "?tagKeys=a", ""},
		{"DeletePodIdentityAssociation", local, "", ""},
	} {
		t.Run(test.action, func(t *testing.T) {
			op := m.Operations[test.action]
			path := strings.NewReplacer("{name}", test.label, "{resourceArn}", test.label, "{associationId}", *made.AssociationId).Replace(op.HTTP.RequestURI)
			a := w.call(t, op.HTTP.Method, path+test.rest, test.body)
			if a.status != 200 || a.header.Get("Content-Type") != "application/json" || a.header.Get("X-Amzn-Requestid") == "" {
				t.Fatalf("%d %v %s", a.status, a.header, a.body)
			}
			m.check(t, test.action, a.member(t), op.Output.Shape)
			if got := w.Audit.Last(t).Action; got != test.action {
				t.Errorf("recorded as %s", got)
			}
		})
	}
}

func (m *model) check(t *testing.T, at string, v any, name string) {
	t.Helper()
	sh := m.Shapes[name]
	ok := true
	switch sh.Type {
	case "structure":
		object, isObject := v.(map[string]any)
		if ok = isObject; !ok {
			break
		}
		for key, value := range object {
			if of, known := sh.Members[key]; known {
				m.check(t, at+"."+key, value, of.Shape)
			} else {
				t.Errorf("%s: %s has no member %s", at, name, key)
			}
		}
		absent := strings.Fields(unknown[name])
		for key := range sh.Members {
			if _, has := object[key]; has == slices.Contains(absent, key) {
				t.Errorf("%s: %s: present is %v", at, key, has)
			}
		}
	case "list":
		list, isList := v.([]any)
		ok = isList
		for i, item := range list {
			m.check(t, fmt.Sprintf("%s[%d]", at, i), item, sh.Member.Shape)
		}
	case "map":
		_, ok = v.(map[string]any)
	case "string":
		_, ok = v.(string)
	case "boolean":
		_, ok = v.(bool)
	case "timestamp", "integer":
		_, ok = v.(float64)
	default:
		t.Errorf("%s is a %s, which no answer here has", at, sh.Type)
	}
	if !ok {
		t.Errorf("%s is %v, not a %s", at, v, sh.Type)
	}
}

// Every error of these actions has the status that the model gives it, where the model has one.
func TestErrorsFollowTheModel(t *testing.T) {
	m := eksModel(t)
	w := start(t)
	made := w.create(t)
	cluster := url.PathEscape(clusterARN)
	for code, test := range map[string]struct{ action, method, path, body string }{
		"ResourceInUseException":    {"CreatePodIdentityAssociation", "POST", associations, `{"namespace":"shop","serviceAccount":"web","roleArn":"` + pods + `"}`},
		"InvalidParameterException": {"CreatePodIdentityAssociation", "POST", associations, `{}`},
		"InvalidRequestException":   {"UpdatePodIdentityAssociation", "POST", associations + "/" + *made.AssociationId, `{"policy":"{}"}`},
		"ResourceNotFoundException": {"DescribeCluster", "GET", "/clusters/none", ""},
		"BadRequestException":       {"TagResource", "POST", "/tags/" + cluster, `{"tags":{}}`},
		"NotFoundException":         {"ListTagsForResource", "GET", "/tags/" + cluster + "x", ""},
	} {
		a := w.call(t, test.method, test.path, test.body)
		if a.status != m.Shapes[code].Error.HTTPStatusCode || a.header.Get("X-Amzn-Errortype") != code || a.member(t, "__type") != code {
			t.Errorf("%s: answered with %d %s", code, a.status, a.body)
		}
		var declared []string
		for _, e := range m.Operations[test.action].Errors {
			declared = append(declared, e.Shape)
		}
		if !slices.Contains(declared, code) {
			t.Errorf("%s is no error of %s, which has %v", code, test.action, declared)
		}
	}
	if got := m.Shapes["ServerException"].Error.HTTPStatusCode; got != 500 {
		t.Errorf("ServerException is a %d", got)
	}
}

// Every required member of an input is required here.
func TestRequiredMembersFollowTheModel(t *testing.T) {
	m := eksModel(t)
	w := start(t)
	in := map[string]any{"namespace": "shop", "serviceAccount": "web", "roleArn": pods}
	for _, name := range m.Shapes[m.Operations["CreatePodIdentityAssociation"].Input.Shape].Required {
		if name == "clusterName" { // a label: the route has it
			continue
		}
		short := maps.Clone(in)
		delete(short, name)
		body, err := json.Marshal(short)
		if err != nil {
			t.Fatal(err)
		}
		if a := w.call(t, "POST", associations, string(body)); len(short) != 2 || a.header.Get("X-Amzn-Errortype") != "InvalidParameterException" {
			t.Errorf("without %s: %d %s", name, a.status, a.body)
		}
	}
}
