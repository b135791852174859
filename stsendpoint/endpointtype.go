package stsendpoint

import (
	"fmt"
	"strconv"
)

// Type is which STS is called, as Amazon's page has it.
type Type string

// The types. The zero value is none of them.
const (
	Regional Type = "regional"
	Global   Type = "global"
	Default  Type = "default" // nothing says which: the SDK's own
	Invalid  Type = "invalid" // a value that nothing understands
	Unknown  Type = "unknown" // set from something that is not read
)

// ParseType reads one of the three that can be asked for.
func ParseType(text string) (Type, error) {
	switch t := Type(text); t {
	case Regional, Global, Default:
		return t, nil
	}
	return "", fmt.Errorf("endpoint type %q: it is regional, global or default", text)
}

// Names of what decides.
const (
	Variable   = "AWS_STS_REGIONAL_ENDPOINTS"
	Annotation = "eks.amazonaws.com/sts-regional-endpoints" // of service accounts
	roleARN    = "eks.amazonaws.com/role-arn"
	skipLabel  = "eks.amazonaws.com/skip-pod-identity-webhook"
	skipNames  = "eks.amazonaws.com/skip-containers"
)

// Values of the variable. SDKs know the first two alone.
const (
	valueRegional = "regional"
	valueLegacy   = "legacy"
	valueGlobal   = "global" // what Amazon's page says is injected for "false"
)

// TypeOf is what a value of the variable asks for, "" being that it is not set.
func TypeOf(value string) Type {
	switch value {
	case "":
		return Default
	case valueRegional:
		return Regional
	case valueLegacy, valueGlobal:
		return Global
	}
	return Invalid
}

// annotation is the value of the annotation that asks for a type; "" is none.
func (t Type) annotation() string {
	switch t {
	case Regional:
		return "true"
	case Global:
		return "false"
	}
	return ""
}

// OfAnnotation is the type an annotation asks for. What webhooks cannot read they ignore.
func OfAnnotation(text string) Type {
	regional, err := strconv.ParseBool(text)
	switch {
	case err != nil:
		return Default
	case regional:
		return Regional
	}
	return Global
}
