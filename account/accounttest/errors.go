package accounttest

import (
	"net/http"
	"slices"
)

// Error is a service's refusal. A handler that returns one has it said as the service's protocol says it.
type Error struct {
	Code, Message string
	Status        int // 0 is what the operation's model, or AWS's common errors, give the code
}

// Error is what the code and the message are.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// common are the errors that every operation may answer, its model's list or not.
//
// Source: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html, https://docs.aws.amazon.com/eks/latest/APIReference/CommonErrors.html
var common = map[string]int{
	"AccessDenied": http.StatusForbidden, "AccessDeniedException": http.StatusForbidden, "UnauthorizedOperation": http.StatusForbidden,
	"NotAuthorized": http.StatusBadRequest, "OptInRequired": http.StatusForbidden,
	"AuthFailure": http.StatusUnauthorized, "ExpiredToken": http.StatusForbidden, "ExpiredTokenException": http.StatusForbidden,
	"IncompleteSignature": http.StatusBadRequest, "InvalidSignatureException": http.StatusForbidden, "SignatureDoesNotMatch": http.StatusForbidden,
	"InvalidClientTokenId": http.StatusForbidden, "UnrecognizedClientException": http.StatusForbidden,
	"MissingAuthenticationToken": http.StatusForbidden, "MissingAuthenticationTokenException": http.StatusForbidden,
	"RequestExpired": http.StatusBadRequest, "RequestTimeout": http.StatusBadRequest,
	"Throttling": http.StatusBadRequest, "ThrottlingException": http.StatusTooManyRequests, "TooManyRequestsException": http.StatusTooManyRequests,
	"RequestLimitExceeded": http.StatusServiceUnavailable,
	"ServiceUnavailable":   http.StatusServiceUnavailable, "ServiceUnavailableException": http.StatusServiceUnavailable,
	"Unavailable":   http.StatusServiceUnavailable,
	"InternalError": http.StatusInternalServerError, "InternalFailure": http.StatusInternalServerError,
	"InternalServerException": http.StatusInternalServerError,
	"ValidationError":         http.StatusBadRequest, "ValidationException": http.StatusBadRequest, "InvalidParameterException": http.StatusBadRequest,
	"MissingParameter": http.StatusBadRequest, "InvalidParameterValue": http.StatusBadRequest, "InvalidParameterCombination": http.StatusBadRequest,
	"InvalidAction": http.StatusBadRequest, "MissingAction": http.StatusBadRequest, "UnknownOperationException": http.StatusNotFound,
	"MalformedQueryString": http.StatusNotFound,
}

// resolve gives an error its status. It reports whether the operation can answer it at all; EC2's model lists no errors.
func (m *model) resolve(op *operation, e Error) (Error, bool) {
	status, known := common[e.Code]
	if !known {
		status, known = http.StatusBadRequest, m.Metadata.Protocol == protocolEC2
	}
	if op != nil {
		at := slices.IndexFunc(op.Errors, func(one ref) bool { return one.Shape == e.Code || m.Shapes[one.Shape].Error.Code == e.Code })
		if at >= 0 {
			status, known = m.Shapes[op.Errors[at].Shape].status(), true
		}
	}
	if m.Metadata.Protocol == protocolJSON && status < http.StatusInternalServerError {
		status = http.StatusBadRequest // the protocol has no other for the client's part
	}
	if e.Status == 0 {
		e.Status = status
	}
	return e, known
}

// status of an error's shape.
func (s *shape) status() int {
	switch {
	case s.Error.HTTPStatusCode != 0:
		return s.Error.HTTPStatusCode
	case s.Fault:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// unknownOperation is how a protocol answers for what it does not have.
func (m *model) unknownOperation(name string) *Error {
	switch m.Metadata.Protocol {
	case protocolEC2:
		return &Error{Code: "InvalidAction", Message: "The action " + name + " is not valid for this web service."}
	case protocolQuery:
		return &Error{Code: "InvalidAction", Message: "Could not find operation " + name + " for version " + m.Metadata.APIVersion}
	}
	return &Error{Code: "UnknownOperationException"}
}
