package accounttest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// model is AWS's description of an API, as it ships with aws-sdk-go, in as far as the wire depends on it.
type model struct {
	Metadata struct {
		APIVersion, Protocol, TargetPrefix, XMLNamespace string
	}
	Operations map[string]*operation
	Shapes     map[string]*shape
}

type operation struct {
	Name string
	HTTP struct {
		Method, RequestURI string
		ResponseCode       int
	}
	Input, Output struct{ Shape, ResultWrapper string }
	Errors        []ref
}

// shape is a type.
type shape struct {
	Type               string
	Required           []string
	Members            map[string]*ref
	Member, Key, Value ref // of a list, and of a map
	Enum               []string
	Min, Max           *float64
	Pattern            string
	Fault              bool // an error of the service's own
	Error              struct {
		Code           string
		HTTPStatusCode int
	}
}

// ref is the use of a type, with its name on the wire.
type ref struct{ Shape, Location, LocationName, QueryName string }

const (
	protocolQuery    = "query"
	protocolEC2      = "ec2"
	protocolRESTJSON = "rest-json"
	protocolJSON     = "json"
)

// later has what AWS answers and the last models of aws-sdk-go do not have, by service: what it added to EKS since, and quotas that
// GetAccountSummary had before they were in its model.
//
// Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_Cluster.html,
// https://docs.aws.amazon.com/eks/latest/APIReference/API_PodIdentityAssociation.html,
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html
//
//go:embed later.json
var later []byte

func readModel(name, dir, version string) (*model, error) {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go").Output()
	if err != nil {
		return nil, fmt.Errorf("where aws-sdk-go is: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), "models", "apis", dir, version, "api-2.json"))
	if err != nil {
		return nil, err
	}
	m := &model{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("model of %s: %w", name, err)
	}
	additions := map[string]map[string]*shape{}
	if err := json.Unmarshal(later, &additions); err != nil {
		return nil, fmt.Errorf("later.json: %w", err)
	}
	for name, added := range additions[name] {
		m.add(name, added)
	}
	switch m.Metadata.Protocol {
	case protocolQuery, protocolEC2, protocolRESTJSON, protocolJSON:
		return m, nil
	}
	return nil, fmt.Errorf("%s speaks %s, which nothing here does", name, m.Metadata.Protocol)
}

// add makes a shape, or gives one that is there more members and values.
func (m *model) add(name string, added *shape) {
	was := m.Shapes[name]
	if was == nil {
		m.Shapes[name] = added
		return
	}
	for member, of := range added.Members {
		was.Members[member] = of
	}
	was.Enum = append(was.Enum, added.Enum...)
}

// wire is a member's name in requests and answers of the JSON protocols, and in answers of the XML ones.
func (r *ref) wire(member string) string {
	if r.LocationName != "" {
		return r.LocationName
	}
	return member
}

// parameter is a member's name in requests of the query protocols. EC2 capitalises what its answers have in lower case.
//
// Source: https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
func (r *ref) parameter(protocol, member string) string {
	switch {
	case protocol == protocolEC2 && r.QueryName != "":
		return r.QueryName
	case protocol == protocolEC2 && r.LocationName != "":
		return strings.ToUpper(r.LocationName[:1]) + r.LocationName[1:]
	case protocol == protocolEC2:
		return strings.ToUpper(member[:1]) + member[1:]
	}
	return r.wire(member)
}
