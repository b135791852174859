package eks_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/podpass/podpass/podpasstest"
)

// Every way in which a request can be wrong, by the answer it gets.
func TestRefusals(t *testing.T) {
	w := start(t)
	w.addTenant(t)
	w.AddRole(t, podpasstest.Role{Name: "web-identity", Trusts: []string{"shop/web"}})
	w.AddRole(t, podpasstest.Role{Name: "tag-only", Trust: strings.Replace(trust, `"sts:AssumeRole",`, "", 1)})
	const partition = "arn:aws-cn:iam::111122223333:role/pods"
	long := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::` + strings.Repeat("x", 2048) + `"}}`
	many := map[string]string{}
	for i := range 51 {
		many["k"+strings.Repeat("x", i)] = ""
	}
	type members map[string]any
	const (
		parameter = "InvalidParameterException"
		request   = "InvalidRequestException"
	)
	for name, test := range map[string]struct {
		change  members
		code    string
		message string // a part
	}{
		"no namespace":                 {members{"namespace": nil}, parameter, "namespace"},
		"no service account":           {members{"serviceAccount": nil}, parameter, "service account"},
		"no role":                      {members{"roleArn": nil}, parameter, "roleArn"},
		"a namespace in capitals":      {members{"namespace": "Shop"}, parameter, "namespace"},
		"a namespace with a slash":     {members{"namespace": "a/b"}, parameter, "namespace"},
		"a namespace with a dot":       {members{"namespace": "a.b"}, parameter, "namespace"},
		"a namespace too long":         {members{"namespace": strings.Repeat("a", 64)}, parameter, "namespace"},
		"a hyphen before a glob":       {members{"namespace": "-*"}, parameter, "namespace"},
		"a class is no glob":           {members{"serviceAccount": "[a-z]"}, parameter, "service account"},
		"a service account too long":   {members{"serviceAccount": strings.Repeat("a", 254)}, parameter, "service account"},
		"not an ARN":                   {members{"roleArn": "pods"}, parameter, "roleArn"},
		"not a role":                   {members{"roleArn": "arn:aws:iam::111122223333:user/pods"}, parameter, "roleArn"},
		"another partition":            {members{"roleArn": partition}, parameter, "partition aws-cn"},
		"no such role":                 {members{"roleArn": podpasstest.RoleARN("nobody")}, parameter, "Role provided in the request does not exist"},
		"the role of another path":     {members{"roleArn": podpasstest.RoleARN("pods")}, parameter, "Role provided in the request does not exist"},
		"the role's name in capitals":  {members{"roleArn": podpasstest.RoleARN("team/PODS")}, parameter, "Role provided in the request does not exist"},
		"a role of another account":    {members{"roleArn": "arn:aws:iam::444455556666:role/pods"}, parameter, "must be of account 111122223333"},
		"a role of no account":         {members{"roleArn": "arn:aws:iam::777777777777:role/pods"}, parameter, "must be of account 111122223333"},
		"trusts web identities":        {members{"roleArn": podpasstest.RoleARN("web-identity")}, parameter, "Trust policy of the role provided is invalid"},
		"trusts tags alone":            {members{"roleArn": podpasstest.RoleARN("tag-only")}, parameter, "Trust policy of the role provided is invalid"},
		"target is no role":            {members{"targetRoleArn": "arn:aws:s3:::bucket"}, parameter, "targetRoleArn"},
		"target of another partition":  {members{"targetRoleArn": partition}, parameter, "targetRoleArn"},
		"a policy with session tags":   {members{"policy": podpasstest.Allow("s3:*")}, request, "disableSessionTags"},
		"a malformed policy":           {members{"policy": "{", "disableSessionTags": true}, parameter, "policy"},
		"a policy with a principal":    {members{"policy": trust, "disableSessionTags": true}, parameter, "policy"},
		"a policy too long":            {members{"policy": long, "disableSessionTags": true}, parameter, "2048"},
		"too many tags":                {members{"tags": many}, parameter, "50 tags"},
		"a reserved tag":               {members{"tags": members{"AWS:x": ""}}, parameter, "reserved"},
		"a tag twice":                  {members{"tags": members{"a": "", "A": ""}}, parameter, "Duplicate tag keys"},
		"an empty tag key":             {members{"tags": members{"": ""}}, parameter, "key"},
		"a tag key too long":           {members{"tags": members{strings.Repeat("k", 129): ""}}, parameter, "key"},
		"a tag value too long":         {members{"tags": members{"k": strings.Repeat("v", 257)}}, parameter, "value"},
		"a tag of odd characters":      {members{"tags": members{"k": "a;b"}}, parameter, "value"},
		"a client token too long":      {members{"clientRequestToken": strings.Repeat("x", 65)}, parameter, "clientRequestToken"},
		"a namespace that is a number": {members{"namespace": 5}, "SerializationException", ""},
		"tags as AWS's IAM has them":   {members{"tags": []members{{"Key": "a", "Value": "b"}}}, "SerializationException", ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := members{"namespace": "shop", "serviceAccount": "web", "roleArn": pods}
			maps.Copy(in, test.change)
			body, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			a := w.call(t, "POST", associations, string(body))
			message, _ := a.member(t, "message").(string)
			if a.status != 400 || a.header.Get("X-Amzn-Errortype") != test.code || !strings.Contains(message, test.message) {
				t.Errorf("answered with %d %s, want %s with %q", a.status, a.body, test.code, test.message)
			}
		})
	}
	if n := w.Store.Associations.Len(); n != 0 {
		t.Errorf("%d associations were made", n)
	}
}

// Conditions and the lack of sts:TagSession are the exchange's to judge.
func TestRolesThatPass(t *testing.T) {
	w := start(t)
	const deny = `{"Effect":"Deny","Principal":"*","Action":"sts:*"}`
	for name, text := range map[string]string{
		"condition":      strings.Replace(trust, `"Action"`, `"Condition":{"StringEquals":{"aws:SourceAccount":"000000000000"}},"Action"`, 1),
		"no-tag-session": strings.Replace(trust, `,"sts:TagSession"`, "", 1),
		"one-of-several": strings.Replace(strings.TrimSuffix(trust, "}")+"]}", `"Statement":`, `"Statement":[`+deny+`,`, 1),
	} {
		w.AddRole(t, podpasstest.Role{Name: name, Trust: text})
		body := `{"namespace":"shop","serviceAccount":"` + name + `","roleArn":"` + podpasstest.RoleARN(name) + `"}`
		if a := w.call(t, "POST", associations, body); a.status != 200 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// Update holds the same rules, of what the association would be.
func TestUpdateRefusals(t *testing.T) {
	w := start(t)
	made := w.create(t)
	path := associations + "/" + *made.AssociationId
	policy, err := json.Marshal(podpasstest.Allow("s3:*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ body, code string }{
		{`{"roleArn":""}`, "InvalidParameterException"},
		{`{"roleArn":"` + podpasstest.RoleARN("nobody") + `"}`, "InvalidParameterException"},
		{`{"targetRoleArn":"x"}`, "InvalidParameterException"},
		{`{"policy":` + string(policy) + `}`, "InvalidRequestException"},
		{`{"policy":` + string(policy) + `,"disableSessionTags":true}`, ""},
		{`{"disableSessionTags":false}`, "InvalidRequestException"},
		{`{"policy":null}`, ""},
		{`{"disableSessionTags":false}`, "InvalidRequestException"},
		{`{"policy":"","disableSessionTags":false}`, ""},
		{`{"namespace":"other"}`, ""}, // not a member of the API: as on AWS, it says nothing
	} {
		a := w.call(t, "POST", path, step.body)
		if a.header.Get("X-Amzn-Errortype") != step.code {
			t.Errorf("%s: %d %s, want %q", step.body, a.status, a.body, step.code)
		}
	}
	if now, err := w.describe(made.AssociationId); err != nil || *now.Namespace != "shop" || now.Policy != nil {
		t.Errorf("%+v %v", now, err)
	}
}

func TestNotFound(t *testing.T) {
	w := start(t)
	w.addTenant(t)
	made := w.create(t)
	const code = "ResourceNotFoundException"
	for name, test := range map[string]struct{ method, path, code, message string }{
		"no cluster":              {"GET", "/clusters/none", code, "No cluster found for name: none."},
		"associations of none":    {"GET", "/clusters/none/pod-identity-associations", code, "No cluster found for name: none."},
		"creating in none":        {"POST", "/clusters/none/pod-identity-associations", code, "No cluster found for name: none."},
		"no association":          {"GET", associations + "/a-00000000000000000", code, "a-00000000000000000"},
		"updating none":           {"POST", associations + "/a-00000000000000000", code, "a-00000000000000000"},
		"deleting none":           {"DELETE", associations + "/a-00000000000000000", code, "a-00000000000000000"},
		"no id":                   {"GET", associations + "/a-%20%C3%BC%2F..", code, ""},
		"by another cluster":      {"GET", "/clusters/theirs/pod-identity-associations/" + *made.AssociationId, code, *made.AssociationId},
		"no such operation":       {"GET", "/clusters/local/addons", "UnknownOperationException", ""},
		"no such method":          {"PUT", associations, "UnknownOperationException", ""},
		"an ARN with bare slash":  {"GET", "/tags/arn:aws:eks:us-west-2:111122223333:cluster/local", "UnknownOperationException", ""},
		"a trailing slash":        {"GET", "/clusters/", "UnknownOperationException", ""},
		"a cluster with a slash":  {"GET", "/clusters/local%2F", code, "No cluster found for name: local/."},
		"a name beginning as one": {"GET", "/clusters/loca/pod-identity-associations", code, "No cluster found for name: loca."},
	} {
		t.Run(name, func(t *testing.T) {
			body := ""
			if test.method == "POST" {
				body = `{"namespace":"shop","serviceAccount":"web","roleArn":"` + pods + `"}`
			}
			a := w.call(t, test.method, test.path, body)
			message, _ := a.member(t, "message").(string)
			if a.status != 404 || a.header.Get("X-Amzn-Errortype") != test.code || !strings.Contains(message, test.message) {
				t.Errorf("answered with %d %s, want %s with %q", a.status, a.body, test.code, test.message)
			}
		})
	}
}

// The signed service must be the route's.
func TestAnotherServicesSignature(t *testing.T) {
	w := start(t)
	for _, service := range []string{"sts", "iam", "podpass", "eks-auth"} {
		if a := w.signed(t, service, "GET", "/clusters", ""); a.status != 403 || a.header.Get("X-Amzn-Errortype") != "InvalidSignatureException" {
			t.Errorf("signed for %s: %d %s", service, a.status, a.body)
		}
	}
}
