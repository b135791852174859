package api

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Error is a refusal by the server.
type Error struct {
	Status    int    // HTTP status
	Code      string // "AccessDeniedException", "ConflictException", "ResourceNotFoundException", "ValidationException", …
	Message   string // says what to do next
	RequestID string // names the audit event
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The codes a caller may want to tell apart.
const (
	CodeAccessDenied = "AccessDeniedException"
	CodeNotFound     = "ResourceNotFoundException"
	CodeConflict     = "ConflictException"
	CodeValidation   = "ValidationException"
)

// readError makes an Error of an answer that is not a success. Something else than Podpass may have written it (a proxy, another server on
// the port), so nothing about its body is taken for granted.
func readError(res *http.Response, body []byte) *Error {
	e := &Error{Status: res.StatusCode, Code: res.Header.Get("X-Amzn-Errortype"), RequestID: res.Header.Get("X-Amzn-Requestid")}
	var doc struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &doc) == nil {
		e.Message = doc.Message
		if e.Code == "" {
			e.Code = doc.Type
		}
	}
	if e.Code == "" {
		e.Code = "UnexpectedAnswer"
		e.Message = fmt.Sprintf("the endpoint answered %s, not as a Podpass server would: check AWS_ENDPOINT_URL", res.Status)
	}
	return e
}
