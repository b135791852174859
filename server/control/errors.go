package control

import (
	"fmt"
	"net/http"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/server/awserr"
)

// A message says what to do next. What the caller's account doesn't hold is not found, whether or not another account has it.

func invalid(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusBadRequest, api.CodeValidation, fmt.Sprintf(format, args...))
}

func notFound(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusNotFound, api.CodeNotFound, fmt.Sprintf(format, args...))
}

func conflict(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusConflict, api.CodeConflict, fmt.Sprintf(format, args...))
}

func noCluster(name string) *awserr.Error {
	return notFound("There is no cluster %s. List them with: podpass cluster list", name)
}

func noAccount(id string) *awserr.Error {
	return notFound("There is no account %s. List them with: podpass account list", id)
}
