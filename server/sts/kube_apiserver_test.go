package sts_test

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/podpasstest"
)

// What a real kube-apiserver 1.36 wrote: its JWKS and tokens that are valid until 2036.
func TestKubeAPIServerTokens(t *testing.T) {
	const issuer = "https://oidc.podpass.test/id/demo"
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("testdata", "kube-apiserver-1.36", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	s := podpasstest.Start(t)
	s.AddCluster(t, "demo", issuer, []byte(read("jwks.json")))
	s.AddCluster(t, "demo2", issuer+"2", []byte(read("jwks.json")))
	s.AddProvider(t, podpasstest.Account, issuer, "sts.amazonaws.com")
	s.AddProvider(t, podpasstest.Account, issuer+"2", "sts.amazonaws.com")
	trust := func(issuer, audience, subject string) string {
		host := strings.TrimPrefix(issuer, "https://")
		return document(`{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/` + host + `"},"Action":"sts:AssumeRoleWithWebIdentity",` +
			`"Condition":{"StringEquals":{"` + host + `:aud":"` + audience + `","` + host + `:sub":"` + subject + `"}}}`)
	}
	const sa = "system:serviceaccount:default:my-sa"
	s.AddRole(t, podpasstest.Role{Name: "my-sa", Trust: trust(issuer, "sts.amazonaws.com", sa)})
	s.AddRole(t, podpasstest.Role{Name: "other-audience", Trust: trust(issuer, "other", sa)})
	s.AddRole(t, podpasstest.Role{Name: "other-subject", Trust: trust(issuer, "sts.amazonaws.com", sa+"2")})
	s.AddRole(t, podpasstest.Role{Name: "other-cluster", Trust: trust(issuer+"2", "sts.amazonaws.com", sa)})

	raw := read("my-sa.sts.jwt")
	parts := strings.Split(raw, ".")
	changed := func(part, at int) string {
		b := []byte(parts[part])
		if b[at] ^= 1; b[at] == '@' || b[at] == '`' || b[at] == '[' || b[at] == '/' || b[at] == ':' || b[at] == ',' || b[at] == '.' {
			b[at] ^= 3
		}
		out := append([]string(nil), parts...)
		out[part] = string(b)
		return strings.Join(out, ".")
	}
	otherIssuer := func() string {
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		swapped := strings.Replace(string(payload), issuer, issuer+"2", 1)
		return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(swapped)) + "." + parts[2]
	}

	for _, tc := range []struct {
		name, role, token string
		want              string // code; "" accepted
	}{
		{"as it is", "my-sa", raw, ""},
		{"one byte of the header changed", "my-sa", changed(0, 12), "InvalidIdentityToken"},
		{"one byte of the claims changed", "my-sa", changed(1, 200), "InvalidIdentityToken"},
		{"one byte of the signature changed", "my-sa", changed(2, 100), "InvalidIdentityToken"},
		{"its last character changed", "my-sa", changed(2, len(parts[2])-1), "InvalidIdentityToken"},
		{"a newline behind", "my-sa", raw + "\n", "InvalidIdentityToken"},
		{"the other cluster's issuer written in", "other-cluster", otherIssuer(), "InvalidIdentityToken"},
		{"a token for pods.eks.amazonaws.com", "my-sa", read("default.pods.pod-bound.jwt"), "InvalidIdentityToken"},
		{"a role that wants another audience", "other-audience", raw, "AccessDenied"},
		{"a role that wants another subject", "other-subject", raw, "AccessDenied"},
		{"a role of the other cluster", "other-cluster", raw, "AccessDenied"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := s.Audit.Len()
			out, err := s.STS(aws.Credentials{}).AssumeRoleWithWebIdentity(context.Background(), &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: aws.String(podpasstest.RoleARN(tc.role)), RoleSessionName: aws.String("my-sa"), WebIdentityToken: &tc.token,
			})
			diff(t, "code", tc.want, refusalOf(t, err).Code)
			if err != nil {
				refusedEvent(t, s.Audit.Since(before), tc.want, "", tc.token)
				return
			}
			e := s.Audit.Last(t)
			diff(t, "who, in the audit event", []string{"demo", issuer, sa, "default", "my-sa", ""}, []string{e.Cluster, e.Issuer, e.Subject, e.Namespace, e.ServiceAccount, e.Pod})
			diff(t, "caller", "arn:aws:sts::111122223333:assumed-role/my-sa/my-sa", identityOf(t, s, out.Credentials))
		})
	}
}
