package stsendpoint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"
)

// environment is what a container's variables are, as far as they matter here.
type environment map[string]setting

// setting is one variable.
type setting struct {
	Value  string
	Source string // where it comes from, "" where the container itself has it
	Hidden bool   // the value stands where it is not read
}

// The variables that matter.
const (
	varRegion        = "AWS_REGION"
	varDefaultRegion = "AWS_DEFAULT_REGION"
	varEndpoint      = "AWS_ENDPOINT_URL"
	varSTSEndpoint   = "AWS_ENDPOINT_URL_STS"
	varIgnoreURLs    = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
	varFIPS          = "AWS_USE_FIPS_ENDPOINT"
	varDualStack     = "AWS_USE_DUALSTACK_ENDPOINT"
	varRole          = "AWS_ROLE_ARN"
	varToken         = "AWS_WEB_IDENTITY_TOKEN_FILE"
	varCredentials   = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
	varKey           = "AWS_ACCESS_KEY_ID"
)

var variables = []string{
	Variable, varRegion, varDefaultRegion, varEndpoint, varSTSEndpoint, varIgnoreURLs, varFIPS, varDualStack, varRole, varToken, varCredentials, varKey,
}

// unreadSecrets is the name under which an environment says that Secrets nobody read may set any of its variables.
const unreadSecrets = "(secrets)"

// configMaps is where ConfigMaps come from; one that does not exist is nil.
type configMaps func(ctx context.Context, namespace, name string) (*core.ConfigMap, error)

// environmentOf reads a container's variables as the kubelet would: those of envFrom first, then its own, of which the last one counts. ConfigMaps are
// read, Secrets never.
func environmentOf(ctx context.Context, namespace string, c *core.Container, maps configMaps) environment {
	env := environment{}
	for _, from := range c.EnvFrom {
		switch {
		case from.SecretRef != nil:
			env[unreadSecrets] = setting{Source: "Secret " + namespace + "/" + from.SecretRef.Name, Hidden: true}
		case from.ConfigMapRef != nil:
			env.addAll(ctx, namespace, from.ConfigMapRef.Name, from.Prefix, maps)
		}
	}
	for _, v := range c.Env {
		if slices.Contains(variables, v.Name) {
			env[v.Name] = valueOf(ctx, namespace, v, maps)
		}
	}
	return env
}

func (e environment) addAll(ctx context.Context, namespace, name, prefix string, maps configMaps) {
	source := "ConfigMap " + namespace + "/" + name
	found, err := maps(ctx, namespace, name)
	if err != nil {
		e[unreadSecrets] = setting{Source: source + " (" + err.Error() + ")", Hidden: true}
		return
	}
	if found == nil {
		return
	}
	for _, variable := range variables {
		key, ok := strings.CutPrefix(variable, prefix)
		if value, has := found.Data[key]; ok && has {
			e[variable] = setting{Value: value, Source: source}
		}
	}
}

func valueOf(ctx context.Context, namespace string, v core.EnvVar, maps configMaps) setting {
	from := v.ValueFrom
	switch {
	case from == nil:
		return setting{Value: v.Value}
	case from.SecretKeyRef != nil:
		return setting{Source: "Secret " + namespace + "/" + from.SecretKeyRef.Name, Hidden: true}
	case from.ConfigMapKeyRef != nil:
		source := "ConfigMap " + namespace + "/" + from.ConfigMapKeyRef.Name
		found, err := maps(ctx, namespace, from.ConfigMapKeyRef.Name)
		if err != nil {
			return setting{Source: source + " (" + err.Error() + ")", Hidden: true}
		}
		if found == nil {
			return setting{Source: source + ", which does not exist"}
		}
		return setting{Value: found.Data[from.ConfigMapKeyRef.Key], Source: source}
	}
	return setting{Source: "a field that only the kubelet knows", Hidden: true}
}

// identity is the way to credentials that the environment has; "" for none.
func (e environment) identity() string {
	_, role := e[varRole]
	_, token := e[varToken]
	_, agent := e[varCredentials]
	_, key := e[varKey]
	switch {
	case key:
		return "static keys"
	case role && token:
		return "IRSA"
	case agent:
		return "Pod Identity"
	}
	return ""
}

func (e environment) has(name string) bool {
	_, ok := e[name]
	return ok
}

func (e environment) isTrue(name string) bool { return strings.EqualFold(e[name].Value, "true") }

// region is the one the container's SDK signs for; "" where the environment has none.
func (e environment) region() string {
	if r := e[varRegion].Value; r != "" {
		return r
	}
	return e[varDefaultRegion].Value
}

// endpoint is the STS that the environment names, "" for none.
func (e environment) endpoint() string {
	if e.isTrue(varIgnoreURLs) {
		return ""
	}
	if u := e[varSTSEndpoint].Value; u != "" {
		return u
	}
	return e[varEndpoint].Value
}

func (s setting) String() string {
	value := fmt.Sprintf("%q", s.Value)
	if s.Hidden {
		value = "a value that is not read"
	}
	if s.Source != "" {
		value += " from " + s.Source
	}
	return value
}
