package awserr

import "net/http"

// CodeInternalServer is what most JSON services call a failure of their own. EKS has another name.
const CodeInternalServer = "InternalServerException"

// JSON is the error as REST-JSON services name it. The Query services and the JSON services agree on reasons and differ in names: the
// reasons every service has are translated here, and errors of a service's own pass unchanged.
func (e *Error) JSON() *Error {
	as := func(status int, code, message string) *Error {
		return New(status, code, message).Because(e.Cause).Hinting(e.Hint)
	}
	switch e.Code {
	case "MissingAuthenticationToken":
		return as(http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
	case "IncompleteSignature":
		return as(http.StatusForbidden, "IncompleteSignatureException", e.Message)
	case "InvalidClientTokenId":
		return as(http.StatusForbidden, "UnrecognizedClientException", e.Message)
	case "ExpiredToken":
		return as(http.StatusForbidden, "ExpiredTokenException", e.Message)
	case "SignatureDoesNotMatch":
		return as(http.StatusForbidden, "InvalidSignatureException", e.Message)
	case "AccessDenied":
		return as(http.StatusForbidden, "AccessDeniedException", e.Message)
	case codeThrottling:
		return as(http.StatusTooManyRequests, "ThrottlingException", e.Message)
	case "InternalFailure":
		return as(http.StatusInternalServerError, CodeInternalServer, e.Message)
	case "ServiceUnavailable":
		return as(http.StatusServiceUnavailable, "ServiceUnavailableException", e.Message)
	case "RequestEntityTooLarge", "RequestTimeout":
		return as(e.Status, e.Code+"Exception", e.Message)
	}
	return e
}
