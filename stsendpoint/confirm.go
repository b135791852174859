package stsendpoint

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// Confirmation is one pod, looked at again: the last step of Amazon's page.
type Confirmation struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Node      string   `json:"node,omitempty"`
	Kind      string   `json:"workloadKind"`
	Workload  string   `json:"workloadName"`
	Values    []string `json:"values"` // of its containers, "" being none; without those that the webhook is kept away from
	Confirmed bool     `json:"confirmed"`
	Why       string   `json:"why,omitempty"` // where it is not
}

// Confirm looks whether every pod of a snapshot has what is wished for. Pods that nothing is injected into are left out. It is pure.
func Confirm(s *Snapshot, wish Wish) []Confirmation { return confirmAll(s, wish, nil) }

// containerOf is a container of a workload, whichever pod it is in.
type containerOf struct {
	workload types.UID
	name     string
}

// confirmAll also wants containers to have the kind of identity that those before them had.
func confirmAll(s *Snapshot, wish Wish, had map[containerOf]string) []Confirmation {
	out := []Confirmation{}
	for _, pod := range s.Pods {
		account := s.Accounts[pod.account()]
		if account == nil || Finished(pod.Raw) {
			continue
		}
		expect := Expect(account, s.World.Setting)
		c := Confirmation{
			Namespace: pod.Raw.Namespace, Name: pod.Raw.Name, Node: pod.Raw.Spec.NodeName, Kind: pod.Workload.Kind, Workload: pod.Workload.Name, Confirmed: true,
		}
		for i := range pod.Containers {
			counts, why := confirm(pod, &pod.Containers[i], account, expect, wish.Type)
			if way := had[containerOf{pod.Workload.UID, pod.Containers[i].Name}]; way != "" && pod.Containers[i].Env.identity() == "" {
				counts, why = true, "it has no identity, and those before it had one ("+way+")"
			}
			if !counts {
				continue
			}
			c.Values = append(c.Values, pod.Containers[i].Env.variable().Value)
			if why != "" {
				c.Confirmed, c.Why = false, "container "+pod.Containers[i].Name+": "+why
			}
		}
		if len(c.Values) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// confirm says of one container whether it counts, and why it does not have what is wished for.
func confirm(pod *Pod, c *Container, a *Account, expect Expectation, wanted Type) (counts bool, why string) {
	value := c.Env.variable().Value
	standing, reason := stand(pod, c, expect)
	tried := a.Trial != nil && a.Trial.Err == nil
	noIdentity := a.Role == "" && !(tried && a.Trial.Injected) && c.Env.identity() == ""
	switch {
	case standing == Passed, noIdentity && value == "":
		return false, ""
	case standing == Stale:
		return true, reason
	case wanted == Default && (standing == Fits || value == ""):
		return true, ""
	case wanted != Default && TypeOf(value) == wanted:
		return true, ""
	case wanted == Global && value == "" && standing == Fits && expect.Exact:
		return true, "" // as the cluster's webhook has it: GlobalNotInjected says what comes of it
	case standing == Own:
		return true, fmt.Sprintf("it has %s: %s", named(value), reason)
	}
	return true, fmt.Sprintf("it has %s, which is not %s", named(value), wanted)
}

// Shown is the values as a person reads them.
func (c Confirmation) Shown() string {
	var out []string
	for i, v := range c.Values {
		if v == "" {
			v = "(none)"
		}
		if i == 0 || out[len(out)-1] != v {
			out = append(out, v)
		}
	}
	return strings.Join(out, ",")
}

// Confirm notes what the pods of a snapshot have.
func (r *Result) Confirm(s *Snapshot, wish Wish) {
	r.seeNew(s)
	had := map[containerOf]string{}
	for _, o := range r.Steps {
		for _, pod := range o.pods {
			for i := range pod.Containers {
				if way := pod.Containers[i].injected(); way != "" {
					had[containerOf{o.workload.UID, pod.Containers[i].Name}] = way
				}
			}
		}
	}
	r.Pods, r.Confirmed = confirmAll(s, wish, had), 0
	for _, c := range r.Pods {
		if c.Confirmed {
			r.Confirmed++
		}
	}
}
