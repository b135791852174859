// Package podpass holds the Helm chart of podpass, as the binary carries it.
//
// It owns what is installed in a cluster: the manifests of server, webhook and agent, and the values they are made from. It refuses, in
// values.schema.json and templates/checks.yaml, values that make no sense; it applies nothing. It imports nothing.
package podpass

import "embed"

// Files is the chart.
//
//go:embed Chart.yaml values.yaml values.schema.json all:templates
var Files embed.FS
