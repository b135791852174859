package stsendpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/podpass/podpass/cluster"
)

// Expectation is what a new pod of an account would be given, "" being no value.
type Expectation struct {
	Values []string
	Exact  bool // a dry run said so; otherwise webhooks differ, and any of the values may be it
	Why    string
}

func (e Expectation) allows(value string) bool { return slices.Contains(e.Values, value) }

func (e Expectation) String() string {
	names := make([]string, len(e.Values))
	for i, v := range e.Values {
		names[i] = named(v)
	}
	return strings.Join(names, " or ")
}

func named(value string) string {
	if value == "" {
		return "no value"
	}
	return fmt.Sprintf("%q", value)
}

// Expect says what a new pod of an account would be given. It goes by the dry run where there is one, else by what webhooks are known to do.
func Expect(a *Account, s Setting) Expectation {
	if t := a.Trial; t != nil && t.Err == nil {
		if !t.Injected {
			return Expectation{[]string{t.Value}, true, "a dry run of a new pod was given no identity"}
		}
		return Expectation{[]string{t.Value}, true, "a dry run of a new pod was given " + named(t.Value)}
	}
	switch {
	case a.Seen != nil && s.Honoured:
		return Expectation{[]string{a.Seen.Value}, true, "pod " + a.Seen.Pod + ", made since the annotation was set, was given " + named(a.Seen.Value)}
	case !a.Exists:
		return Expectation{[]string{""}, false, "the service account does not exist"}
	case a.Role == "":
		return anything("the account has no role annotation: it gives no identity, unless by an association")
	case !s.Honoured:
		return Expectation{[]string{""}, false, s.Why}
	}
	return byAnnotation(OfAnnotation(a.Annotation), s)
}

// anything is what is expected where nothing is known.
func anything(why string) Expectation {
	return Expectation{[]string{"", valueRegional, valueLegacy, valueGlobal}, false, why}
}

// byAnnotation is what webhooks make of an annotation: podpass's gives "legacy" for false, Amazon's page says "global", and the code of Amazon's webhook
// leaves the variable out.
func byAnnotation(t Type, s Setting) Expectation {
	switch {
	case t == Regional:
		return Expectation{[]string{valueRegional}, false, "the annotation is true"}
	case t == Global:
		return Expectation{[]string{valueLegacy, valueGlobal, ""}, false, "the annotation is false"}
	case s.Default == Regional:
		return Expectation{[]string{valueRegional, ""}, false, "there is no annotation, and the cluster's default is regional"}
	}
	return Expectation{[]string{"", valueLegacy, valueGlobal}, false, "there is no annotation, and the cluster's default is global"}
}

// Standing is how what a container has compares with what a new one would be given.
type Standing string

// The standings.
const (
	Fits   Standing = "current" // it has what a new one would be given
	Stale  Standing = "stale"   // it has not: it was made before the setting, or without the webhook
	Own    Standing = "own"     // its workload sets it itself: the setting does not reach it
	Passed Standing = "skipped" // nothing is injected into it
)

// stand compares.
func stand(p *Pod, c *Container, e Expectation) (Standing, string) {
	switch reason := skips(p, c); {
	case c.ahead():
		return Stale, fmt.Sprintf("it has %s, and the %s sets %s: it is older than that", c.Env[Variable], origin(p), c.Own[Variable])
	case c.Own.has(Variable):
		return Own, "the " + origin(p) + " sets it: the annotation does not reach this container"
	case c.Env[Variable].Source != "" && !c.Env[Variable].From:
		return Own, "it takes it from " + c.Env[Variable].Source + ": the annotation does not reach this container"
	case c.Own.given() != "":
		return Own, "the " + origin(p) + " configures " + c.Own.given() + " itself, and webhooks differ in what they add to that: set " + Variable + " there"
	case reason != "":
		return Passed, reason
	case p.Workload.Way == cluster.Static:
		return Passed, "a static pod: admission does not reach it"
	case c.Added && !c.Env.has(Variable) && c.Env.given() == "":
		return Passed, "another webhook added it, after the one that injects identities"
	case p.Unreached && !c.Env.has(Variable) && c.Env.given() == "":
		return Passed, "a dry run of a pod with the labels of " + p.Workload.String() + " was given no identity: the webhook leaves it alone"
	case e.allows(c.Env.inEnv()):
		return Fits, ""
	}
	if e.Exact {
		return Stale, fmt.Sprintf("it has %s; %s", named(c.Env.inEnv()), e.Why)
	}
	return Stale, fmt.Sprintf("it has %s; a new pod would be given %s (%s)", named(c.Env.inEnv()), e, e.Why)
}

// origin is what a person would edit.
func origin(p *Pod) string {
	if p.Workload.Kind == "Pod" {
		return "pod's own manifest"
	}
	return "template of " + p.Workload.String()
}

// skips says why the webhook leaves a container alone, "" where it does not.
func skips(p *Pod, c *Container) string {
	if _, ok := p.Raw.Labels[skipLabel]; ok {
		return "the label " + skipLabel + " keeps the webhook away from the pod"
	}
	for name := range strings.SplitSeq(p.Raw.Annotations[skipNames], ",") {
		if strings.TrimSpace(name) == c.Name {
			return "the annotation " + skipNames + " keeps the webhook away from the container"
		}
	}
	return ""
}
