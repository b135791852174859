package webhook

import "strings"

// Affinity is spec.affinity, as far as it says which operating system the pod is for.
type Affinity struct {
	NodeAffinity struct {
		Required struct {
			Terms []NodeSelectorTerm `json:"nodeSelectorTerms"`
		} `json:"requiredDuringSchedulingIgnoredDuringExecution"`
	} `json:"nodeAffinity"`
}

// NodeSelectorTerm holds requirements all of which must hold; of several terms one must.
type NodeSelectorTerm struct {
	MatchExpressions []NodeSelectorRequirement `json:"matchExpressions"`
}

// NodeSelectorRequirement is one of a term.
type NodeSelectorRequirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

const windows = "windows"

// Windows reports whether the pod can only run on Windows: by its node selector, which is all the EKS webhook looks at, by spec.os, or by
// a required node affinity.
func (p *Pod) Windows() bool {
	if p.Spec.OS.Name != "" {
		return p.Spec.OS.Name == windows
	}
	for i := range p.Spec.NodeSelector.Pairs {
		if mark := &p.Spec.NodeSelector.Pairs[i]; osLabel(mark.Key) && mark.Value == windows {
			return true
		}
	}
	terms := p.Spec.Affinity.NodeAffinity.Required.Terms
	for i := range terms {
		if !terms[i].onlyWindows() {
			return false
		}
	}
	return len(terms) > 0
}

func (t *NodeSelectorTerm) onlyWindows() bool {
	for i := range t.MatchExpressions {
		e := &t.MatchExpressions[i]
		if osLabel(e.Key) && e.Operator == "In" && len(e.Values) == 1 && e.Values[0] == windows {
			return true
		}
	}
	return false
}

func osLabel(key string) bool { return key == "kubernetes.io/os" || key == "beta.kubernetes.io/os" }

// windowsPath is how programs in a Windows container open what is mounted at path.
func windowsPath(path string) string { return "C:" + strings.ReplaceAll(path, "/", `\`) }
