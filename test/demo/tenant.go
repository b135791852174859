package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// tenants is a role for Pod Identity, which the agent's session tags make another one in each namespace; and two roles to look at.
const tenants = `apiVersion: podpass.io/v1alpha1
kind: Role
metadata:
  name: tenant
spec:
  trustPolicy:
    Version: "2012-10-17"
    Statement:
      - Effect: Allow
        Principal:
          Service: pods.eks.amazonaws.com
        Action: [sts:AssumeRole, sts:TagSession]
  inlinePolicies:
    own-namespace:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Action: iam:GetRole
          Resource: arn:aws:iam::111122223333:role/${aws:PrincipalTag/kubernetes-namespace}-*
---
apiVersion: podpass.io/v1alpha1
kind: Role
metadata:
  name: shop-orders
spec:
  trust:
    namespace: shop
    serviceAccount: orders
---
apiVersion: podpass.io/v1alpha1
kind: Role
metadata:
  name: bank-orders
spec:
  trust:
    namespace: bank
    serviceAccount: orders
`

// podIdentity shows the path without annotations.
func (s *stage) podIdentity(ctx context.Context) error {
	step(5, "The same without annotations: Pod Identity. One association gives every service account of the namespace shop the role tenant.")
	file := filepath.Join(s.dir, "tenants.yaml")
	if err := os.WriteFile(file, []byte(tenants), 0o600); err != nil {
		return err
	}
	command("podpass apply -f tenants.yaml   # what changes is not shown again")
	var out, diff bytes.Buffer
	if err := s.podpassTo(ctx, &out, &diff, "apply", "-f", file); err != nil {
		return fmt.Errorf("podpass apply: %w: %s", err, &diff)
	}
	said(out.String())
	command("podpass association create -n shop '*' --role tenant")
	if _, err := s.podpassRun(ctx, "association", "create", "-n", "shop", "*", "--role", "tenant"); err != nil {
		return err
	}

	step(6, "An agent hands out the credentials. The session has the pod's tags, and the role's policy, with ${aws:PrincipalTag/kubernetes-namespace},\n"+
		"   lets it see the roles of its own namespace only.")
	run := []string{"run", "-n", "shop", "orders", "--mechanism", "pod-identity", "--", s.self, "tenant"}
	command("podpass run -n shop orders --mechanism pod-identity -- ./tenant")
	granted, err := s.podpassRun(ctx, run...)
	if err != nil {
		return err
	}
	if !strings.Contains(granted, ":assumed-role/tenant/eks-local-orders-") {
		return errors.New("the workload did not get the role tenant")
	}

	step(7, "Take the association away, and run it again: it is not even started.")
	command("podpass association delete -n shop '*'")
	if _, err := s.podpassRun(ctx, "association", "delete", "-n", "shop", "*"); err != nil {
		return err
	}
	command("podpass run -n shop orders --mechanism pod-identity -- ./tenant")
	refused, err := s.podpassRun(ctx, run...)
	if err == nil || !strings.Contains(refused, "has no association") {
		return fmt.Errorf("shop/orders was not refused: %w", err)
	}
	return nil
}

// tenant is an application of which many namespaces run the same, with one role: what it may see is decided by its session tags. Nothing here
// knows of podpass.
func tenant(ctx context.Context) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	fmt.Println("agent:         ", os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"))
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Println("I am:          ", aws.ToString(who.Arn))
	roles := iam.NewFromConfig(cfg)
	if _, err := roles.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("shop-orders")}); err != nil {
		return err
	}
	fmt.Println("I may see:     ", "the role shop-orders, because my tag kubernetes-namespace is shop")
	_, err = roles.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("bank-orders")})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "AccessDenied" {
		return fmt.Errorf("the role of another namespace should have been refused: %w", err)
	}
	fmt.Println("But not:       ", "the role bank-orders,", refused.ErrorCode())
	return nil
}
