package policy_test

import (
	"testing"

	"github.com/podpass/podpass/policy"
)

func TestGrants(t *testing.T) {
	const pods = "pods.eks.amazonaws.com"
	statement := func(effect, principal, action, more string) string {
		return `{"Effect":"` + effect + `","Principal":` + principal + `,"Action":` + action + more + `}`
	}
	document := func(statements string) string { return `{"Version":"2012-10-17","Statement":[` + statements + `]}` }
	service, both := `{"Service":"`+pods+`"}`, `["sts:AssumeRole","sts:TagSession"]`
	for name, test := range map[string]struct {
		statements string
		want       bool
	}{
		"as AWS documents it":     {statement("Allow", service, both, ""), true},
		"conditions":              {statement("Allow", service, both, `,"Condition":{"StringEquals":{"aws:SourceAccount":"1"}}`), true},
		"without TagSession":      {statement("Allow", service, `"sts:AssumeRole"`, ""), true},
		"any action":              {statement("Allow", service, `"STS:*"`, ""), true},
		"anyone":                  {statement("Allow", `"*"`, `"sts:AssumeRole"`, ""), true},
		"among other statements":  {statement("Allow", `{"AWS":"111122223333"}`, `"sts:AssumeRole"`, "") + "," + statement("Allow", service, both, ""), true},
		"denied elsewhere":        {statement("Allow", service, both, "") + "," + statement("Deny", `"*"`, `"sts:*"`, ""), true},
		"another service":         {statement("Allow", `{"Service":"ec2.amazonaws.com"}`, both, ""), false},
		"its name as a provider":  {statement("Allow", `{"Federated":"`+pods+`"}`, `"sts:AssumeRole"`, ""), false},
		"TagSession alone":        {statement("Allow", service, `"sts:TagSession"`, ""), false},
		"web identity":            {statement("Allow", service, `"sts:AssumeRoleWithWebIdentity"`, ""), false},
		"a Deny alone":            {statement("Deny", service, both, ""), false},
		"the two not in one":      {statement("Allow", service, `"sts:TagSession"`, "") + "," + statement("Allow", `{"AWS":"111122223333"}`, `"sts:AssumeRole"`, ""), false},
		"every action but":        {`{"Effect":"Allow","Principal":` + service + `,"NotAction":"sts:AssumeRole"}`, false},
		"every action but others": {`{"Effect":"Allow","Principal":` + service + `,"NotAction":"sts:TagSession"}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := policy.Parse(document(test.statements), policy.Trust)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Grants(policy.Requester{Service: pods}, "sts:AssumeRole"); got != test.want {
				t.Errorf("Grants = %v, want %v", got, test.want)
			}
		})
	}
}
