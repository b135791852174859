package grant

import (
	"bytes"
	_ "embed" // wellknown.json
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/podpass/podpass/identity"
)

// WellKnownSet is what a usual controller needs, and where its own manifests put it.
type WellKnownSet struct {
	Name           string                     `json:"name"`
	About          string                     `json:"about"`
	Namespace      string                     `json:"namespace"`
	ServiceAccount string                     `json:"serviceAccount"`
	Managed        []string                   `json:"managed,omitempty"` // names of AWS's policies, with their path
	Inline         map[string]json.RawMessage `json:"inline,omitempty"`  // may hold {{partition}}, {{account}}, {{region}} and {{cluster}}
	Source         string                     `json:"source"`
}

//go:embed wellknown.json
var wellKnownJSON []byte

// WellKnownSets are all of them, in the order they are listed in.
var WellKnownSets = sync.OnceValue(mustReadWellKnown)

func mustReadWellKnown() (sets []WellKnownSet) {
	dec := json.NewDecoder(bytes.NewReader(wellKnownJSON))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&sets); err != nil {
		panic(err)
	}
	return sets
}

func findWellKnown(name string) (*WellKnownSet, error) {
	var names []string
	for _, set := range WellKnownSets() {
		if set.Name == name {
			return &set, nil
		}
		names = append(names, set.Name)
	}
	return nil, fmt.Errorf("there is no well-known set %q: there are %s", name, strings.Join(names, ", "))
}

// documents are the set's inline policies for one cluster.
func (s *WellKnownSet) documents(partition string, account identity.Account, region, cluster string) map[string]string {
	fill := strings.NewReplacer("{{partition}}", partition, "{{account}}", string(account), "{{region}}", region, "{{cluster}}", cluster)
	out := make(map[string]string, len(s.Inline))
	for name, raw := range s.Inline {
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			panic(err) // it was decoded
		}
		out[name] = fill.Replace(compact.String())
	}
	return out
}
