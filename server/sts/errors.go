package sts

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/token"
)

// Texts AWS's STS answers with, as users of it have quoted them; SDKs and people match on them. The two spaces in
// textNoKey are AWS's.
const (
	textNoKey = "Couldn't retrieve verification key from your identity provider,  please reference " +
		"AssumeRoleWithWebIdentity documentation for requirements"
	textNoProvider         = "No OpenIDConnect provider found in your account for "
	textWrongAudience      = "Incorrect token audience"
	textNotJWT             = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	textMaxSession         = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
	textChaining           = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
	textSessionCredentials = "Cannot call GetSessionToken with session credentials"
	textMFA                = "MultiFactorAuthentication failed with invalid MFA one time pass code."
)

// Texts of our own, where AWS's are not known from any public source.
const (
	textBadSignature = "The web identity token's signature is not valid."
	textUnreachable  = "The identity provider that was asked to verify the token could not be reached."
	textRevoked      = "The web identity token is no longer accepted by the cluster that issued it."
	textProviderID   = "ProviderId is for OAuth 2.0 access tokens and must be absent with an OpenID Connect token."
	textContexts     = "ProvidedContexts are not supported."
)

func invalidToken(message string) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "InvalidIdentityToken", message)
}

func invalidParameter(message string) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "InvalidParameterValue", message)
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
		return awserr.New(http.StatusBadRequest, "ExpiredTokenException", message).Because(err)
	case token.NotYetValid:
		return invalidToken("Token not yet valid: current date/time " + epoch(refused.Now) +
			" must not be before the not-before date/time " + epoch(refused.Limit)).Because(err)
	case token.UnknownKey:
		return invalidToken(textNoKey).Because(err)
	case token.Revoked:
		return invalidToken(textRevoked).Because(err)
	case token.KeysUnavailable, token.ReviewUnavailable:
		// The one refusal SDKs try again by themselves.
		return awserr.New(http.StatusBadRequest, "IDPCommunicationError", textUnreachable).Because(err)
	case token.BadSignature:
		return invalidToken(textBadSignature).Because(err)
	default:
		return invalidToken(textNotJWT).Because(err)
	}
}

func epoch(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
