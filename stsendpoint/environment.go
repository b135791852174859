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
	From   bool   // it is of envFrom, which whatever is injected beats
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
			env.mayBeSet(from.Prefix, "Secret "+namespace+"/"+from.SecretRef.Name)
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

// mayBeSet says that something nobody reads may set variables, those of an earlier envFrom included.
func (e environment) mayBeSet(prefix, source string) {
	if !slices.ContainsFunc(variables, func(name string) bool { return strings.HasPrefix(name, prefix) }) {
		return
	}
	for name, has := range e {
		has.Hidden, has.Source = true, has.Source+", unless "+source+" sets it"
		e[name] = has
	}
	e[unreadSecrets] = setting{Source: source, Hidden: true, From: true}
}

func (e environment) addAll(ctx context.Context, namespace, name, prefix string, maps configMaps) {
	source := "ConfigMap " + namespace + "/" + name
	found, err := maps(ctx, namespace, name)
	if err != nil {
		e.mayBeSet(prefix, source+" ("+err.Error()+")")
		return
	}
	if found == nil {
		return
	}
	for _, variable := range variables {
		key, ok := strings.CutPrefix(variable, prefix)
		if value, has := found.Data[key]; ok && has {
			e[variable] = setting{Value: value, Source: source, From: true}
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

// given is the identity that stands in env itself, where webhooks put it; they look at nothing else, and keys keep none of them away.
func (e environment) given() string {
	own := func(name string) bool { s, ok := e[name]; return ok && !s.From }
	switch {
	case own(varRole) && own(varToken):
		return "IRSA"
	case own(varCredentials):
		return "Pod Identity"
	}
	return ""
}

// variable is the variable, which is hidden where a Secret of envFrom may set it.
func (e environment) variable() setting {
	if v, ok := e[Variable]; ok {
		return v
	}
	return e[unreadSecrets]
}

// inEnv is the variable's value as far as it stands in env: there webhooks put it, and there it beats envFrom.
func (e environment) inEnv() string {
	if v := e[Variable]; !v.From {
		return v.Value
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

// hidden is the first variable that would say which STS is called, and whose value is not read; "" where there is none.
func (e environment) hidden() string {
	names := []string{varRegion}
	if !e.has(varRegion) {
		names[0] = varDefaultRegion
	}
	if !e.isTrue(varIgnoreURLs) {
		names = append(names, varSTSEndpoint)
		if !e.has(varSTSEndpoint) {
			names = append(names, varEndpoint)
		}
	}
	for _, name := range names {
		if e[name].Hidden {
			return name
		}
	}
	return ""
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
