package sts_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/podpass/podpass/podpasstest"
)

// model is AWS's description of an API, as it ships with aws-sdk-go.
type model struct {
	Operations map[string]struct {
		Input  struct{ Shape string }
		Output struct{ Shape, ResultWrapper string }
	}
	Shapes map[string]shape
}

type shape struct {
	Type     string
	Required []string
	Members  map[string]struct{ Shape string }
	Member   struct{ Shape string } // of a list
	Min, Max *int
	Pattern  string
}

// sample is a good request of every operation, with every element of its answer.
func sample(t *testing.T, s *podpasstest.Server) map[string]form {
	t.Helper()
	s.AddRole(t, podpasstest.Role{Name: "r", Trust: document(
		`{"Effect":"Allow","Principal":{"Federated":"`+s.ProviderARN()+`"},"Action":"sts:*"}`,
		`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:*"}`)})
	raw := s.Token(t, "shop", "web", podpasstest.SourceIdentity("alice"))
	return map[string]form{
		"AssumeRoleWithWebIdentity": {"RoleArn": podpasstest.RoleARN("r"), "RoleSessionName": "web", "WebIdentityToken": raw, "Policy": podpasstest.Allow("s3:*")},
		"AssumeRole":                {"RoleArn": podpasstest.RoleARN("r"), "RoleSessionName": "web", "Policy": podpasstest.Allow("s3:*"), "SourceIdentity": "alice"},
		"GetCallerIdentity":         {},
		"GetSessionToken":           {},
		"GetAccessKeyInfo":          {"AccessKeyId": s.Admin.AccessKeyID},
	}
}

// newer are the members that AWS added in September 2026, after aws-sdk-go's last model.
func newer() map[string]string {
	return map[string]string{"SessionTokenSize": "integer", "SessionTokenUtilization": "integer"}
}

// Every answer has exactly the members of the model, in their types.
func TestAnswersFollowTheModel(t *testing.T) {
	var m model
	podpasstest.Model(t, "sts/2011-06-15", &m)
	s := podpasstest.Start(t)
	for action, in := range sample(t, s) {
		t.Run(action, func(t *testing.T) {
			in["Action"] = action
			out := signed(t, s, s.Admin, in)
			if out.status != 200 {
				t.Fatalf("%d %s", out.status, out.body)
			}
			root := parseXML(t, out.body)
			op := m.Operations[action]
			if root.name != action+"Response" || len(root.children) != 2 || root.children[0].name != op.Output.ResultWrapper {
				t.Fatalf("answer is not %sResponse with %s and ResponseMetadata: %s", action, op.Output.ResultWrapper, out.body)
			}
			m.check(t, root.children[0], op.Output.Shape)
		})
	}
}

func (m model) check(t *testing.T, n *node, name string) {
	t.Helper()
	sh := m.Shapes[name]
	switch sh.Type {
	case "structure":
		extra := newer()
		for _, child := range n.children {
			switch member, known := sh.Members[child.name]; {
			case known:
				m.check(t, child, member.Shape)
			case extra[child.name] != "":
				if _, err := strconv.Atoi(child.text); err != nil {
					t.Errorf("%s is %q, not a number", child.name, child.text)
				}
			default:
				t.Errorf("%s has no member %s", name, child.name)
			}
		}
		for member := range sh.Members {
			if !slices.ContainsFunc(n.children, func(c *node) bool { return c.name == member }) {
				t.Errorf("%s lacks %s", name, member)
			}
		}
	case "timestamp":
		if _, err := time.Parse("2006-01-02T15:04:05Z", n.text); err != nil {
			t.Errorf("%s is %q, not a time", n.name, n.text)
		}
	case "integer":
		if _, err := strconv.Atoi(n.text); err != nil {
			t.Errorf("%s is %q, not a number", n.name, n.text)
		}
	case "string":
		if sh.Min != nil && len(n.text) < *sh.Min || sh.Max != nil && len(n.text) > *sh.Max {
			t.Errorf("%s has %d characters, outside the model's range", n.name, len(n.text))
		}
	default:
		t.Errorf("%s is a %s, which no answer here has", name, sh.Type)
	}
}

// Every limit of the model on a parameter is enforced: one above and one below it is a ValidationError that names the parameter.
func TestParametersFollowTheModel(t *testing.T) {
	var m model
	podpasstest.Model(t, "sts/2011-06-15", &m)
	s := podpasstest.Start(t)
	for action, in := range sample(t, s) {
		shapes := m.Shapes[m.Operations[action].Input.Shape]
		for member, ref := range shapes.Members {
			sh := m.Shapes[ref.Shape]
			for name, value := range sh.violations() {
				t.Run(action+" "+member+" "+name, func(t *testing.T) {
					bad := form{"Action": action}
					for k, v := range in {
						bad[k] = v
					}
					bad[member] = value
					out := signed(t, s, s.Admin, bad)
					want := "at '" + strings.ToLower(member[:1]) + member[1:] + "' failed to satisfy constraint"
					if out.status != 400 || element(out.body, "Code") != "ValidationError" || !strings.Contains(strings.ReplaceAll(out.body, "&#39;", "'"), want) {
						t.Errorf("answered with %d %s %s", out.status, element(out.body, "Code"), element(out.body, "Message"))
					}
				})
			}
		}
		for _, member := range shapes.Required {
			t.Run(action+" without "+member, func(t *testing.T) {
				bad := form{"Action": action}
				for k, v := range in {
					if k != member {
						bad[k] = v
					}
				}
				out := signed(t, s, s.Admin, bad)
				if out.status != 400 || element(out.body, "Code") != "ValidationError" {
					t.Errorf("answered with %d %s", out.status, out.body)
				}
			})
		}
	}
}

func (sh shape) violations() map[string]string {
	out := map[string]string{}
	switch sh.Type {
	case "string":
		if sh.Max != nil {
			out["too long"] = strings.Repeat("1", *sh.Max+1)
		}
		if sh.Min != nil && *sh.Min > 1 {
			out["too short"] = strings.Repeat("1", *sh.Min-1)
		}
		if strings.HasPrefix(sh.Pattern, `[\w`) || strings.HasPrefix(sh.Pattern, `[\d`) {
			out["out of pattern"] = "arn:(x):aaaaaaaaaaaaaaaa"[:max(6, min(24, deref(sh.Max, 24)))]
		}
	case "integer":
		out["too many"], out["too few"] = strconv.Itoa(deref(sh.Max, 0)+1), strconv.Itoa(deref(sh.Min, 0)-1)
	}
	return out
}

func deref(n *int, absent int) int {
	if n == nil {
		return absent
	}
	return *n
}

// node is one XML element.
type node struct {
	name, text string
	children   []*node
}

func parseXML(t *testing.T, text string) *node {
	t.Helper()
	top := &node{}
	open := []*node{top}
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if err == io.EOF && len(top.children) == 1 {
			return top.children[0]
		}
		if err != nil {
			t.Fatal(fmt.Errorf("answer %q: %w", text, err))
		}
		last := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			n := &node{name: token.Name.Local}
			last.children = append(last.children, n)
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			last.text += string(token)
		}
	}
}
