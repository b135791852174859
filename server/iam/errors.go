package iam

import (
	"fmt"
	"net/http"

	"github.com/podpass/podpass/server/awserr"
)

// The codes are those of the API model's error traits; LimitExceeded is never LimitExceededException, which SDKs take for throttling and retry.
// The texts are AWS's where they are known (Terraform and other tools match some of them).

func noSuchEntity(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusNotFound, "NoSuchEntity", fmt.Sprintf(format, args...))
}

func alreadyExists(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusConflict, "EntityAlreadyExists", fmt.Sprintf(format, args...))
}

func limitExceeded(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusConflict, "LimitExceeded", fmt.Sprintf(format, args...))
}

func deleteConflict(message string) *awserr.Error {
	return awserr.New(http.StatusConflict, "DeleteConflict", message)
}

func invalidInput(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "InvalidInput", fmt.Sprintf(format, args...))
}

func unmodifiable(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "UnmodifiableEntity", fmt.Sprintf(format, args...))
}

func malformedPolicy(message string) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "MalformedPolicyDocument", message)
}

// invalidARN has two spaces, as AWS's has.
func invalidARN() *awserr.Error { return awserr.Validation("Invalid ARN:  Could not be parsed!") }

// notAttachable calls a permissions boundary its scope, as AWS does.
func notAttachable(as attachment, arn string) *awserr.Error {
	return noSuchEntity("%s %s does not exist or is not attachable.", as, arn)
}

func policyNotFound(arn string) *awserr.Error { return noSuchEntity("Policy %s was not found.", arn) }

func versionNotFound(arn, version string) *awserr.Error {
	return noSuchEntity("Policy %s version %s does not exist or is not attachable.", arn, version)
}

// sameName refuses to take one role or policy for another: its name is unique whatever path and case, permissions know it by its ARN.
func sameName(kind, path, name, wantPath, wantName string) error {
	if path == wantPath && name == wantName {
		return nil
	}
	return unmodifiable("There is a %s %s%s: its path and the case of its name cannot be changed. Delete it first, or leave them.", kind, path, name)
}

func policyExists(name string) *awserr.Error {
	return alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", name)
}
