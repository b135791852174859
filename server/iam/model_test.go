package iam_test

import (
	"encoding/xml"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/podpass/podpass/podpasstest"
	"github.com/podpass/podpass/server/iam"
)

// model is what is needed of AWS's API model of IAM.
type model struct {
	Operations map[string]struct {
		Output struct{ Shape, ResultWrapper string }
		Errors []struct{ Shape string }
	}
	Shapes map[string]shape
}

type shape struct {
	Type     string
	Members  map[string]struct{ Shape string }
	Required []string
	Member   struct{ Shape string }
	Key      struct{ Shape string }
	Value    struct{ Shape string }
	Enum     []string
	Error    struct {
		Code           string
		HTTPStatusCode int `json:"httpStatusCode"`
	}
}

// element is any XML element.
type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

var (
	timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)

	// Members that the model requires and AWS leaves out too.
	leftOut = []string{"AccessKeyLastUsed.LastUsedDate"} // of a key never used

	// Values that the model's enumerations do not have and AWS sends all the same.
	unlisted = map[string]string{"PolicySourceType": "IAM Policy", "PermissionsBoundaryAttachmentType": "Policy"}
)

// check compares an element with a shape: nothing that the model does not have, and everything that it requires.
func (m model) check(t *testing.T, at, name string, e element) {
	t.Helper()
	s := m.Shapes[name]
	switch s.Type {
	case "structure":
		seen := map[string]bool{}
		for _, child := range e.Children {
			member, ok := s.Members[child.XMLName.Local]
			if !ok || seen[child.XMLName.Local] {
				t.Errorf("%s.%s is not in the model, or twice in the answer", at, child.XMLName.Local)
				continue
			}
			seen[child.XMLName.Local] = true
			m.check(t, at+"."+child.XMLName.Local, member.Shape, child)
		}
		for _, member := range s.Required {
			if !seen[member] && !slices.Contains(leftOut, name+"."+member) {
				t.Errorf("%s lacks %s", at, member)
			}
		}
	case "list":
		for i, child := range e.Children {
			if child.XMLName.Local != "member" {
				t.Errorf("%s holds %s", at, child.XMLName.Local)
			}
			m.check(t, at+"["+strconv.Itoa(i)+"]", s.Member.Shape, child)
		}
	case "map":
		for _, child := range e.Children {
			if child.XMLName.Local != "entry" || len(child.Children) != 2 || child.Children[0].XMLName.Local != "key" {
				t.Errorf("%s holds %+v", at, child)
				continue
			}
			m.check(t, at+".key", s.Key.Shape, child.Children[0])
			m.check(t, at+".value", s.Value.Shape, child.Children[1])
		}
	case "string":
		if s.Enum != nil && !slices.Contains(s.Enum, e.Text) && unlisted[name] != e.Text {
			t.Errorf("%s is %q, which is not one of %v", at, e.Text, s.Enum)
		}
	case "boolean":
		if e.Text != "true" && e.Text != "false" {
			t.Errorf("%s is %q", at, e.Text)
		}
	case "integer":
		if _, err := strconv.Atoi(e.Text); err != nil {
			t.Errorf("%s is %q", at, e.Text)
		}
	case "timestamp":
		if !timestamp.MatchString(e.Text) {
			t.Errorf("%s is %q", at, e.Text)
		}
	default:
		t.Errorf("%s has the shape %s of type %q", at, name, s.Type)
	}
}

// scenario calls every action once or more, in an order in which all succeed. KEY stands for the id of the access key just made.
func scenario() [][]string {
	const (
		account  = "arn:aws:iam::111122223333:"
		role     = "RoleName=r"
		user     = "UserName=u"
		policy   = "PolicyArn=" + account + "policy/team/p"
		provider = "OpenIDConnectProviderArn=" + account + "oidc-provider/oidc.example.test/id/C1"
		s3       = "PolicyArn=arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
		key      = "AccessKeyId=KEY"
	)
	bound := "PermissionsBoundary=" + account + "policy/team/p"
	document := "PolicyDocument=" + `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*","Condition":{"Bool":{"a:b":"true"}}}]}`
	tags := []string{"Tags.member.1.Key=team", "Tags.member.1.Value=red = blue", "Tags.member.2.Key=empty", "Tags.member.2.Value="}
	with := func(action string, more ...string) []string { return append([]string{action}, more...) }
	tagged := func(action string, more ...string) []string { return append(with(action, more...), tags...) }
	untag := []string{"TagKeys.member.1=Team"}
	return [][]string{
		tagged("CreatePolicy", "PolicyName=p", "Path=/team/", "Description=d", document),
		with("CreatePolicyVersion", policy, document),
		with("SetDefaultPolicyVersion", policy, "VersionId=v2"),
		with("GetPolicyVersion", policy, "VersionId=v1"), with("ListPolicyVersions", policy),
		tagged("CreateRole", role, "Path=/team/", "Description=d", bound, "AssumeRolePolicyDocument="+trusting("111122223333")),
		with("UpdateRole", role, "MaxSessionDuration=7200"), with("UpdateRoleDescription", role, "Description=reads & <writes>"),
		with("UpdateAssumeRolePolicy", role, "PolicyDocument="+trusting("arn:aws:iam::111122223333:user/admin")),
		with("PutRolePolicy", role, "PolicyName=i", document), with("GetRolePolicy", role, "PolicyName=i"), with("ListRolePolicies", role),
		with("AttachRolePolicy", role, s3), with("AttachRolePolicy", role, policy), with("ListAttachedRolePolicies", role),
		tagged("TagRole", role), with("ListRoleTags", role), with("GetRole", role), with("ListRoles", "PathPrefix=/team/"),
		with("ListInstanceProfilesForRole", role),
		tagged("CreateUser", user, "Path=/ops/", bound), with("GetUser", user), with("GetUser"), with("ListUsers"), with("ListGroupsForUser", user),
		with("PutUserPolicy", user, "PolicyName=i", document), with("GetUserPolicy", user, "PolicyName=i"), with("ListUserPolicies", user),
		with("AttachUserPolicy", user, policy), with("ListAttachedUserPolicies", user), tagged("TagUser", user), with("ListUserTags", user),
		with("CreateAccessKey", user), with("UpdateAccessKey", user, key, "Status=Inactive"), with("ListAccessKeys", user),
		with("GetAccessKeyLastUsed", key),
		with("ListEntitiesForPolicy", policy), with("GetPolicy", policy), with("GetPolicy", s3), with("ListPolicies"), with("ListPolicies", "Scope=Local"),
		tagged("TagPolicy", policy), with("ListPolicyTags", policy),
		with("SimulatePrincipalPolicy", "PolicySourceArn="+account+"role/team/r", "ActionNames.member.1=s3:GetObject", "ActionNames.member.2=s3:PutObject"),
		with("SimulateCustomPolicy", "PolicyInputList.member.1="+allowing("s3:*"), "ActionNames.member.1=s3:GetObject"),
		with("GetContextKeysForPrincipalPolicy", "PolicySourceArn="+account+"user/ops/u"),
		with("GetContextKeysForCustomPolicy", "PolicyInputList.member.1="+strings.TrimPrefix(document, "PolicyDocument=")),
		with("GetAccountSummary"), with("ListAccountAliases"),
		tagged("CreateOpenIDConnectProvider", "Url=https://oidc.example.test/id/C1", "ClientIDList.member.1=sts.amazonaws.com", "ThumbprintList="),
		with("AddClientIDToOpenIDConnectProvider", provider, "ClientID=x"),
		with("UpdateOpenIDConnectProviderThumbprint", provider, "ThumbprintList.member.1="+strings.Repeat("0a", 20)),
		tagged("TagOpenIDConnectProvider", provider), with("ListOpenIDConnectProviderTags", provider), with("GetOpenIDConnectProvider", provider),
		with("ListOpenIDConnectProviders"),
		with("RemoveClientIDFromOpenIDConnectProvider", provider, "ClientID=x"), with("UntagOpenIDConnectProvider", append(untag, provider)...),
		with("DeleteOpenIDConnectProvider", provider),
		with("UntagUser", append(untag, user)...), with("UntagRole", append(untag, role)...), with("UntagPolicy", append(untag, policy)...),
		with("DeleteAccessKey", user, key), with("DetachUserPolicy", user, policy), with("DeleteUserPolicy", user, "PolicyName=i"),
		with("DeleteUserPermissionsBoundary", user), with("PutUserPermissionsBoundary", user, bound), with("DeleteUserPermissionsBoundary", user),
		with("UpdateUser", user, "NewUserName=v"), with("DeleteUser", "UserName=v"),
		with("DetachRolePolicy", role, policy), with("DetachRolePolicy", role, s3), with("DeleteRolePolicy", role, "PolicyName=i"),
		with("DeleteRolePermissionsBoundary", role), with("PutRolePermissionsBoundary", role, bound), with("DeleteRole", role),
		with("DeletePolicyVersion", policy, "VersionId=v1"), with("DeletePolicy", policy),
	}
}

var keyID = regexp.MustCompile(`AKIA[A-Z2-7]{16}`)

// Every action's answer has the members of AWS's API model and no other, with its types and enumerations.
func TestAnswersFitTheModel(t *testing.T) {
	a := start(t)
	var m model
	podpasstest.Model(t, "iam/2010-05-08", &m)
	called := map[string]bool{}
	key := ""
	for _, step := range scenario() {
		action := step[0]
		for i := range step {
			step[i] = strings.ReplaceAll(step[i], "KEY", key)
		}
		got := a.call(t, a.admin, action, step[1:]...)
		if got.status != 200 {
			t.Fatalf("%s: %d %s", action, got.status, got.body)
		}
		called[action] = true
		if action == "CreateAccessKey" {
			key = keyID.FindString(got.body)
		}
		var root element
		if err := xml.Unmarshal([]byte(got.body), &root); err != nil {
			t.Fatalf("%s: %v in %s", action, err, got.body)
		}
		if root.XMLName.Local != action+"Response" || root.XMLName.Space != "https://iam.amazonaws.com/doc/2010-05-08/" {
			t.Errorf("%s is answered by %v", action, root.XMLName)
		}
		operation, known := m.Operations[action]
		if !known {
			t.Errorf("%s is not in the model", action)
		}
		want := []string{"ResponseMetadata"}
		if operation.Output.Shape != "" {
			want = []string{action + "Result", "ResponseMetadata"}
		}
		if !slices.EqualFunc(root.Children, want, func(e element, name string) bool { return e.XMLName.Local == name }) {
			t.Errorf("%s is answered by %s, want %v", action, got.body, want)
		} else if operation.Output.Shape != "" {
			m.check(t, action, operation.Output.Shape, root.Children[0])
		}
	}
	for _, action := range iam.New(iam.Config{Store: a.store}).Actions {
		if !called[action.Name] {
			t.Errorf("%s is never called here", action.Name)
		}
	}
}

// Every error has the status of its code, and its operation's model or what all operations share knows it.
func TestErrorsFitTheModel(t *testing.T) {
	var m model
	podpasstest.Model(t, "iam/2010-05-08", &m)
	shared := map[string]int{"ValidationError": 400, "AccessDenied": 403, "InvalidAction": 400}
	besides := map[string]string{"CreateRole": "NoSuchEntity"} // of a boundary: AWS answers so though the model has it not
	for _, test := range refusals() {
		if status, ok := shared[test.code]; ok {
			if status != test.status {
				t.Errorf("%s: %s has status %d", test.action, test.code, test.status)
			}
			continue
		}
		ok := besides[test.action] == test.code
		for _, e := range m.Operations[test.action].Errors {
			known := m.Shapes[e.Shape].Error
			ok = ok || known.Code == test.code && known.HTTPStatusCode == test.status
		}
		if !ok {
			t.Errorf("%s answers %d %s, which its model does not have", test.action, test.status, test.code)
		}
	}
}
