package sts_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/podpasstest"
)

// refusal is an error as an SDK sees it.
type refusal struct {
	Code    string
	Status  int
	Message string
}

func refusalOf(t *testing.T, err error) refusal {
	t.Helper()
	if err == nil {
		return refusal{}
	}
	var api smithy.APIError
	var http *awshttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &http) {
		t.Fatalf("not an error of the API: %v", err)
	}
	return refusal{api.ErrorCode(), http.HTTPStatusCode(), api.ErrorMessage()}
}

func accessDenied(message string) refusal { return refusal{"AccessDenied", 403, message} }
func invalidToken(message string) refusal { return refusal{"InvalidIdentityToken", 400, message} }
func validation(message string) refusal   { return refusal{"ValidationError", 400, message} }

// notAuthorised is the one answer to any token that a role doesn't let in, and to any that asks for a role that isn't there.
func notAuthorised() refusal {
	return accessDenied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
}

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// identityOf asks who credentials are.
func identityOf(t *testing.T, s *podpasstest.Server, c *types.Credentials) string {
	t.Helper()
	out, err := s.STS(podpasstest.Issued(c)).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatalf("GetCallerIdentity: %v", err)
	}
	return aws.ToString(out.Arn)
}

// refusedEvent checks what every refusal leaves behind: one event, with its code and a reason, and without the token.
func refusedEvent(t *testing.T, events []audit.Event, code, reason, token string) {
	t.Helper()
	if len(events) != 1 {
		t.Fatalf("%d audit events were recorded, want 1", len(events))
	}
	e := events[0]
	if e.Outcome != audit.Refused || e.Code != code || !strings.Contains(e.Reason, reason) {
		t.Errorf("audit event says %s %s %q, want refused %s with a reason of %q", e.Outcome, e.Code, e.Reason, code, reason)
	}
	if e.AccessKeyID != "" || e.SessionID != "" {
		t.Errorf("the event of a refusal names an access key %q, session %q", e.AccessKeyID, e.SessionID)
	}
	if token != "" && strings.Contains(e.Reason, token) {
		t.Error("the event's reason holds the token")
	}
}

// document is a policy of statements.
func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// packed is the answer's PackedPolicySize: deprecated by AWS, and still what older clients read.
func packed(out *sts.AssumeRoleWithWebIdentityOutput) *int32 {
	return out.PackedPolicySize //lint:ignore SA1019 see above
}
