package iam

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // managed.json
	"encoding/base32"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
)

// awsAccount is the account in the ARNs of AWS's own managed policies.
const awsAccount identity.Account = "aws"

// managedJSON holds those of AWS's managed policies that nodes, operators and simple workloads attach, as AWS publishes them. The service could
// hold no list of all: there are over a thousand, changed weekly.
//
// Source: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
//
//go:embed managed.json
var managedJSON []byte

// managedPolicies reads the file once: policies by the resource of their ARN. They are those of the partition aws.
var managedPolicies = sync.OnceValue(mustReadManaged)

func mustReadManaged() map[string]*store.Policy {
	var entries []struct {
		Path, Name, Description, Version string
		Document                         json.RawMessage
	}
	dec := json.NewDecoder(bytes.NewReader(managedJSON))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&entries); err != nil {
		panic(err)
	}
	out := make(map[string]*store.Policy, len(entries))
	for _, e := range entries {
		// AWS's ids are its own; ours are stable and can't be taken for an account's.
		sum := sha256.Sum256([]byte(e.Name))
		p := &store.Policy{
			Account: awsAccount, Partition: defaultPartition, Path: e.Path, Name: e.Name,
			ID: identity.PrefixPolicy + base32.StdEncoding.EncodeToString(sum[:])[:17], Description: e.Description, Default: e.Version,
			Versions: []store.PolicyVersion{{ID: e.Version, Document: string(e.Document)}},
		}
		out[p.ARN().Resource()] = p
	}
	return out
}

// Managed is the document of an AWS-managed policy, by its ARN in any partition.
func Managed(arn string) (document string, ok bool) {
	p, ok := findManaged(arn)
	if !ok {
		return "", false
	}
	return p.Versions[0].Document, true
}

func findManaged(arn string) (*store.Policy, bool) {
	a, err := identity.ParseARN(arn)
	if err != nil || a.Account() != awsAccount || !identity.KnownPartition(a.Partition()) {
		return nil, false
	}
	p, ok := managedPolicies()[a.Resource()]
	if !ok || a.Service() != "iam" || a.Region() != "" {
		return nil, false
	}
	return inPartition(p, a.Partition()), true
}

// managedIn are AWS's policies in a partition, in the order of path and name.
func managedIn(partition string) []*store.Policy {
	var out []*store.Policy
	all := managedPolicies()
	for _, resource := range slices.Sorted(maps.Keys(all)) {
		out = append(out, inPartition(all[resource], partition))
	}
	return out
}

// inPartition is a policy with its ARN, and those in its document, in another partition.
func inPartition(p *store.Policy, partition string) *store.Policy {
	if partition == p.Partition {
		return p
	}
	moved := *p
	moved.Partition = partition
	moved.Versions = slices.Clone(p.Versions)
	moved.Versions[0].Document = strings.ReplaceAll(p.Versions[0].Document, `"arn:aws:`, `"arn:`+partition+`:`)
	return &moved
}
