package eksauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/upstream"
)

// decideUpstream finds that the role's account is registered for the cluster's. Whether the role trusts anyone is decided where it lives, so asking
// is left to the issue of the credentials.
func (s *service) decideUpstream(x *exchange, account *store.Account, target identity.ARN) (issue, error) {
	if !s.serves(account, x.cluster) {
		return nil, untrusted(hintAccount, fmt.Errorf("upstream account %s is not registered for clusters of account %s", account.ID, x.cluster.Account))
	}
	if s.Upstream == nil {
		return nil, untrusted(hintAccount, errNoUpstream)
	}
	if !target.IsZero() && target.Account() != account.ID {
		other, known := s.Store.Accounts.Get(string(target.Account()))
		if !known || !s.serves(other, x.cluster) {
			return nil, untrusted(hintAccount, fmt.Errorf("account %s of target role %s is not registered as upstream for clusters of account %s",
				target.Account(), target, x.cluster.Account))
		}
	}
	return func(ctx context.Context) (*issued, error) { return s.askUpstream(ctx, x, account.Upstream) }, nil
}

// askUpstream obtains the credentials at the STS of the role's account.
func (s *service) askUpstream(ctx context.Context, x *exchange, at *store.Upstream) (*issued, error) {
	final := x.association.RoleARN
	if x.association.TargetRoleARN != "" {
		final = x.association.TargetRoleARN
	}
	arn, err := identity.ParseRoleARN(final)
	if err != nil {
		return nil, untrusted(hintNoTarget, err)
	}
	x.event.Role, x.event.Account = final, string(arn.Account())
	made, err := s.Upstream.Assume(ctx, upstream.AssumeRequest{
		Mode: upstream.Mode(at.Mode), Endpoints: at.Endpoints, InsecureHTTP: at.InsecureHTTP, Region: x.cluster.Region,
		RoleARN: x.association.RoleARN, TargetRoleARN: x.association.TargetRoleARN, SessionName: x.sessionName, Token: x.pod.raw,
		Tags: x.tags, TransitiveKeys: x.tagKeys, ExternalID: x.cluster.ExternalID(x.pod.account), Policy: x.association.Policy, Duration: targetRole,
	})
	if err != nil {
		return nil, x.upstreamRefused(at, err)
	}
	x.event.Endpoint, x.event.AccessKeyID, x.event.Expires = made.Endpoint, made.Credentials.AccessKeyID, made.Credentials.Expiration
	if !made.Tagged && len(x.tags) > 0 {
		x.event.Reason = "no session tags: the account is upstream in mode " + string(at.Mode)
	}
	out := &issued{
		made.Credentials.AccessKeyID, made.Credentials.SecretAccessKey, made.Credentials.SessionToken, made.Credentials.Expiration,
		made.AssumedRoleARN, made.AssumedRoleID,
	}
	if out.arn == "" { // an STS that isn't AWS's may not say; the answer's model has both
		out.arn = arn.Account().AssumedRole(arn.Partition(), arn.ResourceName(), x.sessionName).String()
	}
	if out.id == "" {
		out.id = x.sessionName
	}
	return out, nil
}

// upstreamRefused makes of the upstream's words those of EKS Auth. What the upstream says of this server's own credentials, or doesn't say, is no
// word about the pod: it is a failure, on which an agent keeps what it has.
func (x *exchange) upstreamRefused(at *store.Upstream, err error) error {
	var answer *upstream.Error
	var nobody *upstream.Unavailable
	if errors.As(err, &nobody) {
		if n := len(nobody.Attempts); n > 0 {
			x.event.Endpoint = nobody.Attempts[n-1].Endpoint.URL
		}
		answer = nobody.Last()
	} else {
		errors.As(err, &answer)
	}
	if answer == nil {
		return unavailable(hintNoUpstream, err)
	}
	x.event.Endpoint = answer.Endpoint
	switch code := answer.Code; {
	case answer.Status == http.StatusTooManyRequests || code == "Throttling" || code == "ThrottlingException":
		return awserr.New(http.StatusTooManyRequests, "ThrottlingException", "Rate exceeded").Hinting(hintNoUpstream).Because(err)
	case answer.Temporary(), at.Mode == store.UpstreamAssumeRole && ownCredentials[code]:
		return unavailable(hintNoUpstream, err)
	case at.Mode == store.UpstreamWebIdentity && code == "ExpiredTokenException":
		return awserr.New(http.StatusBadRequest, "ExpiredTokenException", textExpiredUpstream).Hinting(hintExpired).Because(err)
	}
	return untrusted(hintUpstream, err)
}

// ownCredentials are STS's codes for what is wrong with whoever signed.
var ownCredentials = map[string]bool{
	"ExpiredToken": true, "ExpiredTokenException": true, "InvalidClientTokenId": true, "UnrecognizedClientException": true,
	"SignatureDoesNotMatch": true, "MissingAuthenticationToken": true, "IncompleteSignature": true, "RequestExpired": true,
}
