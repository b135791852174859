package agent

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/token"
	"github.com/podpass/podpass/upstream"
)

// stsSession is the life asked of an STS: what every role allows.
const stsSession = time.Hour

// STS is a Backend that gives the pod's own token to an STS, for the role that the pod names, else for the one in roles. Whose role it is,
// its trust policy says, exactly as where pods ask STS themselves.
func STS(client *upstream.STS, roles Roles) Backend { return stsBackend{client, roles} }

type stsBackend struct {
	client *upstream.STS
	roles  Roles
}

func (b stsBackend) Obtain(ctx context.Context, r Request) (*Credentials, error) {
	account, err := identity.ParseSubject(r.Claims.Subject)
	if err != nil {
		return nil, &Error{Status: http.StatusBadRequest, Code: "InvalidTokenException", Message: "The token is of no service account.", Reason: err.Error()}
	}
	role, ok := r.Role, !r.Role.IsZero()
	if !ok {
		role, ok = b.roles.Role(account)
	}
	if !ok {
		return nil, &Error{
			Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "No role is mapped to service account " + account.String() + ".",
			Reason: "the agent's role map has no entry for " + account.String(),
		}
	}
	out, err := b.client.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(role.String()), RoleSessionName: aws.String(sessionName(&r.Claims.Kubernetes, account)), WebIdentityToken: aws.String(r.Token),
		DurationSeconds: aws.Int32(int32(stsSession / time.Second)),
	})
	if err != nil {
		return nil, likeEKSAuth(answerOf(err))
	}
	assumed := out.AssumedRoleARN
	if assumed == "" { // MinIO does not say
		assumed = role.String()
	}
	return credentialsOf(out.Credentials, assumed, "", out.Endpoint), nil
}

// likeEKSAuth gives an STS's refusals the codes and the status SDKs and the cache know of EKS Auth. Any other answer keeps its own, and is not
// final.
func likeEKSAuth(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case "AccessDenied":
		e.Status, e.Code = http.StatusBadRequest, "AccessDeniedException"
	case "InvalidIdentityToken", "IDPRejectedClaim":
		e.Status, e.Code = http.StatusBadRequest, "InvalidTokenException"
	}
	return e
}

// sessionName is the pod's, in what STS takes for one: 2 to 64 characters.
//
// Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func sessionName(k *token.Kubernetes, account identity.ServiceAccount) string {
	const shortest, longest = 2, 64
	name := k.Pod
	if len(name) < shortest {
		name = account.Namespace + "." + account.Name
	}
	// The end of a pod's name tells it from its siblings.
	return name[max(0, len(name)-longest):]
}
