package iam

import (
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/podpass/podpass/policy"
)

// contextEntry is a condition key of a simulated request.
type contextEntry struct {
	ContextKeyName   string
	ContextKeyValues []string
	ContextKeyType   string
}

var contextKeyTypes = [...]string{
	"string", "stringList", "numeric", "numericList", "boolean", "booleanList", "ip", "ipList", "binary", "binaryList", "date", "dateList",
}

// set puts an entry over what is known of the principal.
func (e contextEntry) set(k *policy.Context) error {
	kind, list := strings.CutSuffix(e.ContextKeyType, "List")
	for _, value := range e.ContextKeyValues {
		if !ofType(kind, value) {
			return invalidInput("The value %s of context key %s is not of type %s.", value, e.ContextKeyName, e.ContextKeyType)
		}
	}
	if list {
		k.SetMany(e.ContextKeyName, e.ContextKeyValues)
		return nil
	}
	if len(e.ContextKeyValues) != 1 {
		return invalidInput("Context key %s of type %s must have one value; use %sList for several.", e.ContextKeyName, kind, kind)
	}
	k.Set(e.ContextKeyName, e.ContextKeyValues[0])
	return nil
}

func ofType(kind, value string) bool {
	var err error
	switch kind {
	case "string":
	case "numeric":
		_, err = strconv.ParseFloat(value, 64)
	case "boolean":
		return strings.EqualFold(value, "true") || strings.EqualFold(value, "false")
	case "ip":
		if _, err = netip.ParsePrefix(value); err != nil {
			_, err = netip.ParseAddr(value)
		}
	case "binary":
		_, err = base64.StdEncoding.DecodeString(value)
	case "date":
		if _, err = time.Parse(time.RFC3339, value); err != nil {
			_, err = strconv.ParseInt(value, 10, 64)
		}
		if err != nil {
			_, err = time.Parse(time.DateOnly, value)
		}
	default:
		return false
	}
	return err == nil
}
