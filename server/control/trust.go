package control

import (
	"encoding/json"

	"github.com/podpass/podpass/identity"
)

// irsaTrust is the canonical trust policy of IRSA: this issuer, this audience, this service account.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
func irsaTrust(provider identity.ARN, issuer identity.Issuer, sa identity.ServiceAccount) string {
	return document(map[string]any{
		"Effect": "Allow", "Principal": map[string]string{"Federated": provider.String()}, "Action": "sts:AssumeRoleWithWebIdentity",
		"Condition": map[string]any{"StringEquals": map[string]string{
			issuer.HostPath() + ":aud": audience, issuer.HostPath() + ":sub": sa.Subject(),
		}},
	})
}

// podIdentityTrust is the canonical trust policy of Pod Identity, narrowed to one service account.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
func podIdentityTrust(cluster string, sa identity.ServiceAccount) string {
	return document(map[string]any{
		"Effect": "Allow", "Principal": map[string]string{"Service": identity.PodIdentity}, "Action": []string{"sts:AssumeRole", "sts:TagSession"},
		"Condition": map[string]any{"StringEquals": map[string]string{
			"aws:RequestTag/eks-cluster-name": cluster, "aws:RequestTag/kubernetes-namespace": sa.Namespace,
			"aws:RequestTag/kubernetes-service-account": sa.Name,
		}},
	})
}

// document is a policy of one statement.
func document(statement map[string]any) string {
	text, err := json.Marshal(struct {
		Version   string
		Statement []map[string]any
	}{"2012-10-17", []map[string]any{statement}})
	if err != nil { // strings always marshal
		return ""
	}
	return string(text)
}

func policyText(raw json.RawMessage) string {
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	return string(raw)
}
