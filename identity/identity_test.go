package identity_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/identity"
)

func TestParseARN(t *testing.T) {
	for text, want := range map[string][5]string{
		"arn:aws:iam::111122223333:role/team/reader":           {"aws", "iam", "", "111122223333", "role/team/reader"},
		"arn:aws-cn:eks:cn-north-1:111122223333:cluster/demo":  {"aws-cn", "eks", "cn-north-1", "111122223333", "cluster/demo"},
		"arn:aws:s3:::bucket/a:b":                              {"aws", "s3", "", "", "bucket/a:b"},
		"arn:aws:iam::aws:policy/AdministratorAccess":          {"aws", "iam", "", "aws", "policy/AdministratorAccess"},
		"arn:aws:sts::111122223333:assumed-role/reader/pod-1x": {"aws", "sts", "", "111122223333", "assumed-role/reader/pod-1x"},
	} {
		a, err := identity.ParseARN(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := [5]string{a.Partition(), a.Service(), a.Region(), string(a.Account()), a.Resource()}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	for _, text := range []string{
		"", "arn", "arn:aws:iam", "arn:aws:iam::111122223333", "arn:aws:iam::111122223333:", "arn::iam::1:role/x", "arn:aws:::1:x",
		"urn:aws:iam::1:role/x", "arn:aws:iam::1:role/x y", "arn:aws:iam::1:role/é", "arn:aws:s3:::" + strings.Repeat("x", 2048),
	} {
		if a, err := identity.ParseARN(text); err == nil {
			t.Errorf("%q was read as %v", text, a)
		}
	}
	var zero identity.ARN
	if got := zero.Partition() + zero.Service() + zero.Region() + string(zero.Account()) + zero.Resource(); got != "" || !zero.IsZero() {
		t.Errorf("the zero ARN has segments %q", got)
	}
}

func TestRoleName(t *testing.T) {
	for text, want := range map[string][2]string{
		"arn:aws:iam::111122223333:role/reader":     {"/", "reader"},
		"arn:aws:iam::111122223333:role/a/b/reader": {"/a/b/", "reader"},
		"arn:aws:iam::111122223333:role/a/":         {},
		"arn:aws:iam::111122223333:user/reader":     {},
		"arn:aws:iam::aws:role/reader":              {},
		"arn:aws:sts::111122223333:role/reader":     {},
	} {
		path, name, ok := identity.RoleName(identity.MustARN(text))
		if got := [2]string{path, name}; got != want || ok != (want != [2]string{}) {
			t.Errorf("%s: %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestARNJSON(t *testing.T) {
	type doc struct{ A, B identity.ARN }
	want := doc{A: identity.MustARN("arn:aws:iam::111122223333:role/reader")}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got doc
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("%s came back as %v, %v", text, got, err)
	}
	if err := json.Unmarshal([]byte(`{"A":"nonsense"}`), &got); err == nil {
		t.Error("a malformed ARN was read")
	}
}

func TestPartitionOf(t *testing.T) {
	for region, want := range map[string]string{
		"us-west-2": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "eusc-de-east-1": "aws-eusc", "us-iso-east-1": "aws-iso",
		"us-isob-east-1": "aws-iso-b", "eu-isoe-west-1": "aws-iso-e", "us-isof-south-1": "aws-iso-f", "home-lab-1": "aws", "eu-west-1": "aws",
	} {
		if got := identity.PartitionOf(region).ID; got != want {
			t.Errorf("%s is in %s, want %s", region, got, want)
		}
		if !identity.ValidRegion(region) {
			t.Errorf("%s is not a valid region", region)
		}
	}
	for _, bad := range []string{"", "us", "US-west-2", "us_west_2", "-us-1", "us-1-", "us-west-2.evil", strings.Repeat("a-", 30)} {
		if identity.ValidRegion(bad) {
			t.Errorf("%q is a valid region", bad)
		}
	}
}

func TestParseSubject(t *testing.T) {
	got, err := identity.ParseSubject("system:serviceaccount:shop:web.v2")
	if want := (identity.ServiceAccount{Namespace: "shop", Name: "web.v2"}); err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
	if got.Subject() != "system:serviceaccount:shop:web.v2" {
		t.Errorf("Subject = %s", got.Subject())
	}
	for _, bad := range []string{
		"", "system:serviceaccount:", "system:serviceaccount:shop", "system:serviceaccount:shop:", "system:serviceaccount::web", "system:node:a",
		"system:serviceaccount:Shop:web", "system:serviceaccount:a.b:web", "system:serviceaccount:shop:web:x", "system:serviceaccount:shop:-web",
		"system:serviceaccount:shop:web..x", "system:serviceaccount:" + strings.Repeat("a", 64) + ":web", "system:serviceaccount:shop:" + strings.Repeat("a", 254),
	} {
		if sa, err := identity.ParseSubject(bad); err == nil {
			t.Errorf("%q was read as %v", bad, sa)
		}
	}
}

func TestParseIssuer(t *testing.T) {
	all := identity.IssuerRules{Port: true, HTTP: true}
	for text, rules := range map[string]identity.IssuerRules{
		"https://oidc.eks.us-west-2.amazonaws.com/id/0123": {},
		"https://kubernetes.default.svc":                   {},
		"https://kubernetes.default.svc.cluster.local/":    {},
		"https://issuer.example:8443/x":                    {Port: true},
		"http://127.0.0.1:8600/oidc/local":                 all,
	} {
		i, err := identity.ParseIssuer(text, rules)
		if err != nil || i.String() != text {
			t.Errorf("%s: %v, %v", text, i, err)
		}
	}
	for _, text := range []string{
		"", "https://", "https:///path", "ftp://x", "https:x", "HTTPS://x/", "https://X.example", "https://u@x", "https://u:p@x", "https://x?q", "https://x#f",
		"https://x/ ", " https://x", "https://x\n", "https://x\\y", "https://х.example", "https://x:", "https://" + strings.Repeat("x", 250),
	} {
		if i, err := identity.ParseIssuer(text, all); err == nil {
			t.Errorf("%q was read as %v", text, i)
		}
	}
	for _, text := range []string{"http://x", "https://x:443", "http://127.0.0.1:8600"} {
		if _, err := identity.ParseIssuer(text, identity.IssuerRules{}); err == nil {
			t.Errorf("%q passes AWS's own rule", text)
		}
	}
	i := identity.MustIssuer("http://127.0.0.1:8600/oidc/local")
	if want := "arn:aws:iam::111122223333:oidc-provider/127.0.0.1:8600/oidc/local"; i.ProviderARN("aws", "111122223333").String() != want {
		t.Errorf("ProviderARN = %s, want %s", i.ProviderARN("aws", "111122223333"), want)
	}
}

func TestTagsCompareKeysWithoutCase(t *testing.T) {
	role := identity.Tags{{Key: "Team", Value: "a"}, {Key: "Stage", Value: "dev"}}
	got := role.With(identity.Tags{{Key: "TEAM", Value: "b"}, {Key: "New", Value: "c"}})
	want := identity.Tags{{Key: "Stage", Value: "dev"}, {Key: "TEAM", Value: "b"}, {Key: "New", Value: "c"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if v, ok := got.Get("team"); !ok || v != "b" {
		t.Errorf("Get(team) = %q, %v", v, ok)
	}
	if diff := cmp.Diff(identity.Tags{{Key: "New", Value: "c"}}, got.Without([]string{"team", "stage"})); diff != "" {
		t.Error(diff)
	}
	if v, _ := role.Get("Team"); v != "a" {
		t.Error("With changed its receiver")
	}
}

func TestUniqueIDsCarryTheirAccount(t *testing.T) {
	for _, account := range []identity.Account{"000000000000", "000000000001", "111122223333", "999999999999", "123456789012"} {
		for _, prefix := range []string{identity.PrefixRole, identity.PrefixTemporary, identity.PrefixLongTerm} {
			id, err := identity.NewUniqueID(rand.Reader, prefix, account)
			if err != nil {
				t.Fatal(err)
			}
			if want := 21; prefix == identity.PrefixRole && len(id) != want || prefix != identity.PrefixRole && len(id) != 20 {
				t.Errorf("%s has %d characters", id, len(id))
			}
			if got, ok := identity.AccountOfID(id); !ok || got != account || !strings.HasPrefix(id, prefix) {
				t.Errorf("%s carries %s, %v; want %s", id, got, ok, account)
			}
		}
	}
	for _, bad := range []string{"", "ASIA", "ASIA1111111111111111", "ASIAAAAAAAAAAAAAAAAA"} {
		if a, ok := identity.AccountOfID(bad); ok {
			t.Errorf("%q carries %s", bad, a)
		}
	}
	if _, err := identity.NewUniqueID(bytes.NewReader(nil), identity.PrefixRole, "111122223333"); err == nil {
		t.Error("an id was made without randomness")
	}
}

func FuzzParseIssuer(f *testing.F) {
	f.Add("https://oidc.example/id/1")
	f.Add("http://127.0.0.1:1/x")
	f.Fuzz(func(t *testing.T, text string) {
		i, err := identity.ParseIssuer(text, identity.IssuerRules{Port: true, HTTP: true})
		if err != nil {
			return
		}
		if i.String() != text || strings.ContainsAny(text, "?#@ ") || i.HostPath() == "" {
			t.Errorf("%q was read as %v", text, i)
		}
		i.ProviderARN("aws", "111122223333") // must not panic
	})
}

func FuzzParseARN(f *testing.F) {
	f.Add("arn:aws:iam::111122223333:role/reader")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := identity.ParseARN(text)
		if err != nil {
			return
		}
		rebuilt := strings.Join([]string{"arn", a.Partition(), a.Service(), a.Region(), string(a.Account()), a.Resource()}, ":")
		if rebuilt != text {
			t.Errorf("%q came back as %q", text, rebuilt)
		}
		identity.RoleName(a)
	})
}
