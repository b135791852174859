package install

import (
	"fmt"
	"io/fs"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"

	podpass "github.com/podpass/podpass/charts/podpass"
)

// The release's name, and the namespace of everything podpass makes that has one: the roles of agent and webhook trust service accounts
// of that namespace alone.
const (
	Release   = "podpass"
	Namespace = "podpass-system"
)

// embedded is the chart the binary carries. version is the binary's, and is what the release's history shows; "" for a binary that has none.
func embedded(version string) (*chartv2.Chart, error) {
	var files []*archive.BufferedFile
	err := fs.WalkDir(podpass.Files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(podpass.Files, path)
		files = append(files, &archive.BufferedFile{Name: path, Data: text})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the chart in this binary: %w", err)
	}
	chart, err := loader.LoadFiles(files)
	if err != nil {
		return nil, fmt.Errorf("the chart in this binary: %w", err)
	}
	chart.Metadata.AppVersion = version
	return chart, nil
}
