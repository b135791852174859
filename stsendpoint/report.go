package stsendpoint

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/podpass/podpass/identity"
)

// Report is what "podpass sts-endpoint get -o json" prints. docs/sts-endpoint.md describes it; members are added, never renamed.
type Report struct {
	Cluster      ClusterReport   `json:"cluster"`
	Accounts     []AccountReport `json:"serviceAccounts"`
	Pods         []PodReport     `json:"pods"`
	Presigned    []Presigned     `json:"presignedURLs"`
	CouldNotLook []string        `json:"couldNotLook,omitempty"` // each with why
}

// ClusterReport is what the cluster makes of the annotation, and where it is.
type ClusterReport struct {
	Host     string    `json:"host"`
	Version  string    `json:"version"`
	Platform string    `json:"platformVersion,omitempty"`
	Default  Type      `json:"default"`
	Honoured bool      `json:"annotationHonoured"`
	Why      string    `json:"why"`
	Region   string    `json:"region,omitempty"`
	VPC      string    `json:"vpc,omitempty"`
	Private  *bool     `json:"private,omitempty"`     // none of its subnets has a default route; absent where that was not looked at
	STS      *bool     `json:"stsEndpoint,omitempty"` // its VPC has an endpoint of STS
	Findings []Finding `json:"findings,omitempty"`
}

// AccountReport is a service account's setting.
type AccountReport struct {
	Namespace  string    `json:"namespace"`
	Name       string    `json:"name"`
	Role       string    `json:"roleArn,omitempty"`
	Annotation *string   `json:"annotation,omitempty"`
	Since      time.Time `json:"annotatedAt,omitzero"`
	Type       Type      `json:"type"`    // that the annotation asks for
	NewPods    []string  `json:"newPods"` // the values a new pod may be given, "" being none; exactly one where a dry run said so
	Exact      bool      `json:"dryRun"`  // it did
	Why        string    `json:"why"`     // of NewPods
	Managed    string    `json:"managedBy,omitempty"`
	Findings   []Finding `json:"findings,omitempty"`
}

// PodReport is a pod's: node and region are the first step of Amazon's page, the containers' values its second.
type PodReport struct {
	Namespace  string            `json:"namespace"`
	Name       string            `json:"name"`
	Node       string            `json:"node,omitempty"`
	Region     string            `json:"region,omitempty"`
	Account    string            `json:"serviceAccount"`
	Kind       string            `json:"workloadKind"`
	Workload   string            `json:"workloadName"`
	Created    time.Time         `json:"createdAt"`
	Containers []ContainerReport `json:"containers"`
	Findings   []Finding         `json:"findings,omitempty"`
}

// ContainerReport is one container's.
type ContainerReport struct {
	Name     string    `json:"name"`
	Init     bool      `json:"init,omitempty"`
	Image    string    `json:"image"`
	Type     Type      `json:"type"`
	Value    string    `json:"value,omitempty"` // of the variable
	Why      string    `json:"why"`             // where the value comes from, or what holds without one
	Identity string    `json:"identity,omitempty"`
	Endpoint string    `json:"endpoint,omitempty"` // the host that is called; absent where only the SDK knows
	Called   string    `json:"endpointWhy,omitempty"`
	SDK      string    `json:"sdk,omitempty"`
	Standing Standing  `json:"standing"`
	Findings []Finding `json:"findings,omitempty"`

	perhaps bool // the type is unknown only because something that is not read might set it
}

// Relevant reports whether a pod has anything to do with AWS, as far as can be seen.
func (p PodReport) Relevant() bool {
	for _, c := range p.Containers {
		if c.Identity != "" || c.Value != "" || c.Type != Default && !c.perhaps || c.Standing == Stale {
			return true
		}
	}
	return false
}

// Type is the one of all its containers, "" where they differ.
func (p PodReport) Type() Type {
	var t Type
	for i, c := range p.Containers {
		if i > 0 && c.Type != t {
			return ""
		}
		t = c.Type
	}
	return t
}

// Report judges a snapshot. Without all, pods that have nothing to do with AWS are left out, and so are accounts.
func (s *Snapshot) Report(sdk *SDK, all bool) *Report {
	out := &Report{Cluster: JudgeCluster(s.World), Accounts: []AccountReport{}, Pods: []PodReport{}, Presigned: []Presigned{}, CouldNotLook: s.World.Unseen}
	used, regions := map[identity.ServiceAccount]bool{}, map[string]bool{"": true}
	for _, pod := range s.Pods {
		p := Judge(s.World, s.Accounts[pod.account()], pod, sdk)
		if !all && !p.Relevant() {
			continue
		}
		out.Pods = append(out.Pods, p)
		used[pod.account()] = true
		if !regions[p.Region] {
			regions[p.Region] = true
			out.Presigned = append(out.Presigned, PresignedURLs(p.Region))
		}
	}
	for _, a := range s.accountsInOrder() {
		if used[a.ServiceAccount] || a.Annotated || a.Role != "" {
			out.Accounts = append(out.Accounts, JudgeAccount(s.World, a))
		}
	}
	if len(out.Presigned) == 0 && s.World.Region != "" {
		out.Presigned = append(out.Presigned, PresignedURLs(s.World.Region))
	}
	return out
}

func (s *Snapshot) accountsInOrder() []*Account {
	all := slices.Collect(maps.Values(s.Accounts))
	slices.SortFunc(all, func(a, b *Account) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return all
}
