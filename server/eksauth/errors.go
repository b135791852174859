package eksauth

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/session"
	"github.com/podpass/podpass/token"
)

// What a client is told. The first is AWS's, as users of it have quoted it; of the others no public source has AWS's words.
const (
	textUntrusted       = "Unauthorized Exception! EKS does not have permissions to assume the associated role."
	textBadToken        = "The provided token is not a valid service account token."
	textBearer          = `The token begins with "Bearer ". Send the raw token.`
	textWrongIssuer     = "The provided token was not issued by the cluster."
	textBadKey          = "The provided token's signature cannot be verified with the keys of the cluster."
	textAudience        = "The provided token is not for the audience " + identity.PodIdentity + "."
	textNoPod           = "The provided token is not bound to a pod."
	textRevoked         = "The provided token is no longer accepted by the cluster that issued it."
	textUnavailable     = "The request has failed due to a temporary failure of the server."
	textExpiredUpstream = "The provided token has expired."
	textNoToken         = "The token must not be empty."
	textClusterName     = "The cluster name must be 1 to 100 letters, digits, hyphens or underscores, beginning with a letter or digit."
)

// What a pod is told beyond that: which kind of mistake it is, and nothing of any policy.
const (
	hintCaller      = "the agent's role does not allow eks-auth:AssumeRoleForPodIdentity on this cluster"
	hintCluster     = "the agent's account has no cluster of this name"
	hintBearer      = `send the raw token, without "Bearer " in front`
	hintMalformed   = "the token is not a well-formed service account token"
	hintIssuer      = "the token is of another cluster"
	hintKey         = "the token is not signed by a key of the cluster"
	hintExpired     = "the token has expired"
	hintEarly       = "the token is not valid yet"
	hintAudience    = "the token is not for the audience " + identity.PodIdentity
	hintSubject     = "the token's subject and its kubernetes.io claim disagree"
	hintNoPod       = "the token has no pod"
	hintRevoked     = "the cluster no longer stands by the token: its pod or service account is gone"
	hintUnreachable = "the cluster cannot be asked about the token at the moment"
	hintTooLarge    = "session tags and session policy are too large together: disable the association's session tags"
	hintNoRole      = "the association's role does not exist"
	hintAccount     = "the association's role is in an account that this cluster may not use"
	hintTrust       = "the role's trust policy does not allow " // an action
	hintNoTarget    = "the association's target role does not exist"
	hintTarget      = "the target role's trust policy, or the role's own policies, do not allow " // an action
	hintUpstream    = "the STS of the role's account refused"
	hintNoUpstream  = "the STS of the role's account gave no credentials: it cannot be reached, or not with this server's own"
)

func invalidToken(message, hint string) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "InvalidTokenException", message).Hinting(hint)
}

func invalidParameter(message string) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "InvalidParameterException", message)
}

// untrusted is the one answer for a role that is missing, elsewhere, or doesn't trust the cluster. Its status is 400, unlike that of a caller who
// may not ask: it is the pod's business, not the agent's.
func untrusted(hint string, cause error) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "AccessDeniedException", textUntrusted).Hinting(hint).Because(cause)
}

func unavailable(hint string, cause error) *awserr.Error {
	return awserr.New(http.StatusServiceUnavailable, "ServiceUnavailableException", textUnavailable).Hinting(hint).Because(cause)
}

func noCluster(name string) *awserr.Error {
	return awserr.New(http.StatusNotFound, "ResourceNotFoundException", "No cluster found for name: "+name+".").Hinting(hintCluster)
}

func noAssociation(cluster string, sa identity.ServiceAccount) *awserr.Error {
	return awserr.New(http.StatusNotFound, "ResourceNotFoundException",
		"No association found for service account "+sa.Name+" in namespace "+sa.Namespace+" of cluster "+cluster+".").
		Hinting("no association names " + sa.String())
}

// callerRefused is the gate's refusal, with what it means to the pod behind the agent.
func callerRefused(err error) error {
	var wire *awserr.Error
	if errors.As(err, &wire) && wire.Code == "AccessDenied" {
		return wire.Hinting(hintCaller)
	}
	return err
}

// tokenRefused translates what the token package says. Its detail stays private: it is in the audit event.
func tokenRefused(err error) error {
	var refused *token.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Reason {
	case token.Expired:
		message := "Token expired: current date/time " + epoch(refused.Now) + " must be before the expiration date/time " + epoch(refused.Limit)
		return awserr.New(http.StatusBadRequest, "ExpiredTokenException", message).Hinting(hintExpired).Because(err)
	case token.NotYetValid:
		return invalidToken("Token not yet valid: current date/time "+epoch(refused.Now)+
			" must not be before the not-before date/time "+epoch(refused.Limit), hintEarly).Because(err)
	case token.UnknownKey, token.BadSignature:
		return invalidToken(textBadKey, hintKey).Because(err)
	case token.Revoked:
		return invalidToken(textRevoked, hintRevoked).Because(err)
	case token.KeysUnavailable, token.ReviewUnavailable:
		// Not a word about the token: an agent keeps what it has and asks again.
		return unavailable(hintUnreachable, err)
	default:
		return invalidToken(textBadToken, hintMalformed).Because(err)
	}
}

func epoch(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// tooLarge is the refusal of a session that fits no session token.
func tooLarge(err error) error {
	var size *session.TooLargeError
	if !errors.As(err, &size) {
		return err
	}
	return awserr.New(http.StatusBadRequest, "InvalidRequestException", size.Error()).Hinting(hintTooLarge).Because(err)
}
