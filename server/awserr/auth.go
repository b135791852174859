package awserr

import "net/http"

// The errors of authentication and authorisation, with AWS's texts. One text covers every way in which a key or a session can be wrong, so
// that an answer tells nobody which keys, users or roles exist.

// MissingAuthenticationToken: a signed action was asked without a signature.
func MissingAuthenticationToken() *Error {
	return New(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
}

// IncompleteSignature: the signature could not be read.
func IncompleteSignature(message string) *Error {
	return New(http.StatusBadRequest, "IncompleteSignature", message)
}

// InvalidClientTokenID: the access key or session token is not one of ours, or no longer.
func InvalidClientTokenID() *Error {
	return New(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.")
}

// ExpiredToken: the session is over. AWS's text has no full stop.
func ExpiredToken() *Error {
	return New(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
}

// SignatureDoesNotMatch: the signature is wrong, too old, too new, or scoped to something else.
func SignatureDoesNotMatch(message string) *Error {
	return New(http.StatusForbidden, "SignatureDoesNotMatch", message)
}

// AccessDenied: the caller's or the resource's policies say no.
func AccessDenied(message string) *Error { return New(http.StatusForbidden, "AccessDenied", message) }

// Throttling: the caller asks too often.
func Throttling() *Error { return New(http.StatusBadRequest, codeThrottling, "Rate exceeded") }

const codeThrottling = "Throttling"
