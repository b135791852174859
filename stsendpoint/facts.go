package stsendpoint

import (
	"slices"
	"time"

	core "k8s.io/api/core/v1"

	"github.com/podpass/podpass/cluster"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/webhook"
)

// World is what is known of the cluster and where it is.
type World struct {
	Host       string // of the API server
	GitVersion string
	Version    webhook.Version
	Setting    Setting
	Platform   string                // of EKS, "eks.9"; "" where there is none, or none is known
	Region     string                // the cluster's, as its account knows it; "" where that was not asked
	Network    *Network              // nil where it was not looked at
	OptIn      map[string]OptInState // of regions; those that were not looked at are not in it
	Unseen     []string              // what could not be looked at, each with why
}

// Network is where the cluster's pods are.
type Network struct {
	Cluster string // its name in the account
	VPC     string
	Closed  bool // none of the cluster's subnets has a default route
	STS     bool // the VPC has an endpoint of its region's STS
}

// OptInState is whether a region has to be opted into, and whether the account has.
type OptInState struct{ OptIn, In bool }

// Account is a service account.
type Account struct {
	identity.ServiceAccount
	Exists     bool
	Role       string // the role annotation
	Annotated  bool
	Annotation string
	Since      time.Time // when the annotation was written last; zero where that is not known
	Managed    string    // the tool that keeps the account as its own source has it; "" for none
	Trial      *Trial    // nil where none was made
	Seen       *Seen     // what a pod made since was given; nil where none was, or a dry run tells
	Given      bool      // one of its running pods has an identity that was injected into it
}

// Trial is what a dry run gave to a new pod of an account.
type Trial struct {
	Injected bool   // a way to credentials
	Value    string // of the variable, "" for none
	Err      error  // no dry run could be had
}

// Pod is a pod that runs, or is about to.
type Pod struct {
	Raw        *core.Pod
	Workload   *cluster.Workload
	Region     string // of its node; "" where it is not known
	Containers []Container
	Unreached  bool // a dry run with its template's labels was given no identity, although its account gives one
}

func (p *Pod) account() identity.ServiceAccount {
	return accountName(p.Raw.Namespace, cluster.AccountOf(&p.Raw.Spec))
}

func accountName(namespace, name string) identity.ServiceAccount {
	return identity.ServiceAccount{Namespace: namespace, Name: name}
}

// Container is one of a pod's, init containers included.
type Container struct {
	Name, Image string
	Init        bool
	Env         environment
	Own         environment // what its workload's template has in env without admission; nil where that is not known
	Added       bool        // the template is known, and has no such container: some webhook has added it
}

// injected is the identity that a webhook has given to a container, "" where it has none, or has it from its template.
func (c *Container) injected() string {
	if c.Own.given() != "" {
		return ""
	}
	return c.Env.given()
}

// ahead reports whether the template sets the variable to something else than the container has: the container is of an older one.
func (c *Container) ahead() bool {
	return c.Own.has(Variable) && c.Own[Variable] != c.Env[Variable]
}

// behind reports whether a pod has a container of an older template.
func (p *Pod) behind() bool {
	return slices.ContainsFunc(p.Containers, func(c Container) bool { return c.ahead() })
}

// Finished reports whether a pod has ended, or is about to: nothing it has counts any more.
func Finished(pod *core.Pod) bool {
	return pod.DeletionTimestamp != nil || pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed
}
