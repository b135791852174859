package stsendpoint

import (
	"fmt"
	"time"

	"github.com/podpass/podpass/identity"
)

// Judge says what a pod's containers have, and why. sdk is the one that the user says they are built with; nil where each image is to say it. It is pure.
func Judge(w *World, a *Account, p *Pod, sdk *SDK) PodReport {
	expect := Expect(a, w.Setting)
	out := PodReport{
		Namespace: p.Raw.Namespace, Name: p.Raw.Name, Node: p.Raw.Spec.NodeName, Region: p.Region, Account: a.Name,
		Kind: p.Workload.Kind, Workload: p.Workload.Name, Created: p.Raw.CreationTimestamp.Time,
	}
	for i := range p.Containers {
		j := judge{world: w, account: a, pod: p, container: &p.Containers[i], sdk: sdk, expect: expect}
		out.Containers = append(out.Containers, j.report())
	}
	if out.Region == "" {
		out.Findings = append(out.Findings, Finding{UnknownRegion, "neither the pod's node nor its environment says which region it is in"})
	}
	return out
}

// judge is about one container.
type judge struct {
	world     *World
	account   *Account
	pod       *Pod
	container *Container
	sdk       *SDK
	expect    Expectation
	findings  []Finding
}

func (j *judge) find(code Code, format string, args ...any) {
	j.findings = append(j.findings, Finding{code, fmt.Sprintf(format, args...)})
}

func (j *judge) report() ContainerReport {
	c, value := j.container, j.container.Env.variable()
	if known, ok := SDKOf(c.Image); ok && j.sdk == nil {
		j.sdk = &known
	}
	region := c.Env.region()
	if region == "" {
		region = j.pod.Region
	}
	call := callOf(c.Env, region, j.sdk)
	standing, why := stand(j.pod, c, j.expect)
	out := ContainerReport{
		Name: c.Name, Init: c.Init, Image: c.Image, Type: TypeOf(value.Value), Value: value.Value, Identity: c.Env.identity(),
		Endpoint: call.host, Called: call.why, Standing: standing, Why: j.because(standing),
	}
	if j.sdk != nil {
		out.SDK = j.sdk.Name
	}
	if value.Hidden {
		out.Type, out.perhaps = Unknown, value.From
		j.find(NotRead, "%s %s set from %s, which is not read", Variable, map[bool]string{true: "may be", false: "is"}[value.From], value.Source)
	}
	if name := c.Env.hidden(); name != "" {
		region = ""
		j.find(NotRead, "%s is set from %s, which is not read: which STS is called is not known", name, c.Env[name].Source)
	}
	j.ofStanding(standing, why)
	j.ofValue(value, call)
	j.ofRegion(region, value, call)
	out.Findings = j.findings
	return out
}

// because says where a value comes from, or what holds without one.
func (j *judge) because(standing Standing) string {
	c, value := j.container, j.container.Env[Variable]
	switch {
	case value.Source != "" && value.From && !value.Hidden:
		return "envFrom, from " + value.Source
	case value.Source != "":
		return "env, from " + value.Source
	case c.Own.has(Variable) && !c.ahead():
		return "env, set by the " + origin(j.pod)
	case c.Env.has(unreadSecrets) && !c.Env.has(Variable):
		return "no value, unless " + c.Env[unreadSecrets].Source + " sets it, which is not read"
	case c.Env.has(Variable) && c.Own == nil && c.Env.identity() == "":
		return "env"
	case c.Env.has(Variable) && standing == Stale:
		return "env, injected before the setting was what it is"
	case c.Env.has(Variable) && j.account.Annotated && OfAnnotation(j.account.Annotation) != Default:
		return fmt.Sprintf("env, injected: annotation %q of service account %s", j.account.Annotation, j.account.ServiceAccount)
	case c.Env.has(Variable):
		return "env, injected: the cluster's default, as service account " + j.account.String() + " has no annotation"
	}
	return "no value: the default (the cluster's is " + string(j.world.Setting.Default) + ", and each SDK has its own)"
}

func (j *judge) ofStanding(standing Standing, why string) {
	relevant := j.container.Env.identity() != "" || j.container.Env.has(Variable) || j.account.Annotated || j.account.Role != ""
	switch {
	case standing == Stale:
		j.find(OlderThanSetting, "%s%s", why, j.age())
	case standing == Own && relevant && j.account.Annotated:
		j.find(OwnVariable, "%s", why)
	case standing == Passed && relevant && j.account.Annotated:
		j.find(Skipped, "%s", why)
	}
	if j.container.Env.identity() == "Pod Identity" {
		j.find(AgentCredentials, "its credentials come through its node's agent: the type matters only for what the application itself asks of STS")
	}
}

// age says that a pod is older than the annotation, where that is known.
func (j *judge) age() string {
	made := j.pod.Raw.CreationTimestamp.Time
	if since := j.account.Since; j.account.Annotated && !since.IsZero() && made.Before(since) {
		return fmt.Sprintf(" (the pod is of %s, the annotation of %s)", made.UTC().Format(time.RFC3339), since.UTC().Format(time.RFC3339))
	}
	return ""
}

func (j *judge) ofValue(value setting, call called) {
	if v := value.Value; v != "" && v != valueRegional && v != valueLegacy {
		if j.sdk != nil && !j.sdk.Reads {
			j.find(RejectedValue, "SDKs refuse the value %q; %s does not read it", v, j.sdk.Title)
		} else {
			j.find(RejectedValue, "%s", rejection(v, j.sdk))
		}
	}
	if j.container.Env.endpoint() != "" && value.Value != "" && call.host != "" {
		j.find(OwnEndpoint, "%s: %s", call.host, call.why)
	}
}

func (j *judge) ofRegion(region string, value setting, call called) {
	if region == "" {
		return
	}
	if TypeOf(value.Value) == Global {
		if why := globalReach(region); why != "" {
			j.find(NoGlobalEndpoint, "%s", why)
		}
	}
	network := j.world.Network
	mayBeGlobal := call.host == globalHost || call.host == "" && value.Value == "" && identity.PartitionOf(region).ID == "aws" && globalRegions[region]
	switch {
	case j.container.Env.endpoint() != "" || j.container.Env.identity() == "Pod Identity" || network == nil || !network.Closed:
	case mayBeGlobal && call.host == globalHost:
		j.find(GlobalUnreachable, "%s: calls to %s time out", closed(network), globalHost)
	case mayBeGlobal && j.container.Env.identity() != "":
		j.find(GlobalUnreachable, "%s: calls to %s time out, if that is its SDK's default", closed(network), globalHost)
	case call.host == regionalHost(region) && !network.STS:
		j.find(RegionalUnreachable, "no subnet of the cluster has a default route, and VPC %s has no endpoint of STS: calls to %s time out", network.VPC, call.host)
	}
	switch state := j.world.OptIn[region]; {
	case state.OptIn && !state.In:
		j.find(RegionNotEnabled, "%s has to be opted into, and the account has not: no credentials are valid there", region)
	case state.OptIn && call.host == globalHost:
		j.find(OptInRegion, "%s has to be opted into: credentials of the global STS are not valid there by default, so use the region's", region)
	}
}

func closed(n *Network) string {
	return "no subnet of the cluster has a default route, and a VPC endpoint of STS (" + map[bool]string{true: "there is one", false: "there is none"}[n.STS] + ") is never the global STS"
}
