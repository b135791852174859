package eks

import (
	"fmt"
	"net/http"

	"github.com/podpass/podpass/server/awserr"
)

// Texts AWS's EKS answers with, as users of it have quoted them: Terraform and other tools look for them. What to do next follows behind them.
const (
	NoRole       = "Role provided in the request does not exist"
	trustInvalid = "Trust policy of the role provided is invalid"
)

// invalidParameter is a parameter that is wrong whatever the state of the cluster.
func invalidParameter(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "InvalidParameterException", fmt.Sprintf(format, args...))
}

// invalidRequest is one whose parts do not go together, or not with what is there.
func invalidRequest(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "InvalidRequestException", fmt.Sprintf(format, args...))
}

func noCluster(name string) *awserr.Error {
	return awserr.New(http.StatusNotFound, "ResourceNotFoundException", "No cluster found for name: "+name+".")
}

func noAssociation(id string) *awserr.Error {
	return awserr.New(http.StatusNotFound, "ResourceNotFoundException", "No association found for ID: "+id+".")
}

func alreadyAssociated(id string) *awserr.Error {
	return awserr.New(http.StatusConflict, "ResourceInUseException", "Association already exists: "+id)
}

// The actions on tags have a family of errors of their own.

func badRequest(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "BadRequestException", fmt.Sprintf(format, args...))
}

func noResource(arn string) *awserr.Error {
	return awserr.New(http.StatusNotFound, "NotFoundException", "The resource "+arn+" does not exist.")
}
