package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"
)

// environ is the environment of the process, passed in rather than read.
type environ []string

// get is the value of a variable, "" where it is not set; the last assignment counts, as in execve.
func (e environ) get(name string) string {
	for i := len(e) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(e[i], name+"="); ok {
			return value
		}
	}
	return ""
}

// xdg is a base directory of one of the XDG kinds: the variable if it is absolute, else a path below the home directory, "" without one:
// the current directory would be no place for keys.
//
// Source: https://specifications.freedesktop.org/basedir-spec/latest/
func (e environ) xdg(variable, belowHome string) string {
	if dir := e.get(variable); filepath.IsAbs(dir) {
		return dir
	}
	if home := e.get("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, belowHome)
	}
	return ""
}

// dataDir is where podpass up keeps its state unless told otherwise, "" where there is no home directory.
func (e environ) dataDir() string {
	if base := e.xdg("XDG_STATE_HOME", ".local/state"); base != "" {
		return filepath.Join(base, "podpass")
	}
	return ""
}

// variable is the environment variable that stands in for a flag: --data-dir is PODPASS_DATA_DIR.
func variable(flag string) string {
	return "PODPASS_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// The flags no variable and no file may give: they confirm what a person decides at the moment, or are not settings.
var onlyOnCommandLine = map[string]bool{"help": true, "config": true, "yes": true, "dry-run": true, "schema": true, "filename": true, "delete-pods": true, "anyway": true}

// fill gives each flag that is not on the command line the value of its variable, else of the configuration file, and returns every
// mistake it met rather than the first.
func fill(cmd *cobra.Command, env environ) []error {
	path, asked := env.get("PODPASS_CONFIG"), true
	if f := cmd.Flags().Lookup("config"); f != nil && f.Changed {
		path = f.Value.String()
	}
	if base := env.xdg("XDG_CONFIG_HOME", ".config"); path == "" && base != "" {
		path, asked = filepath.Join(base, "podpass", "config.yaml"), false
	}
	var section map[string]string
	var problems []error
	if path != "" {
		section, problems = readConfig(path, asked, strings.TrimPrefix(cmd.CommandPath(), cmd.Root().DisplayName()+" "))
	}
	used := map[string]bool{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if onlyOnCommandLine[f.Name] {
			return
		}
		value, inFile := section[f.Name]
		used[f.Name] = true
		if f.Changed {
			return
		}
		if v := env.get(variable(f.Name)); v != "" {
			if err := cmd.Flags().Set(f.Name, v); err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", variable(f.Name), err))
			}
		} else if inFile {
			if err := cmd.Flags().Set(f.Name, value); err != nil {
				problems = append(problems, fmt.Errorf("%s: %s: %w", path, f.Name, err))
			}
		}
	})
	for _, name := range sortedKeys(section) {
		if !used[name] {
			problems = append(problems, fmt.Errorf("%s: %s has no setting %q", path, cmd.CommandPath(), name))
		}
	}
	return problems
}

// maxConfig caps the configuration file; it holds a few lines.
const maxConfig = 1 << 20

// readConfig reads one command's section of the configuration file: a YAML mapping of command to a mapping of flag to value.
func readConfig(path string, asked bool, command string) (map[string]string, []error) {
	text, err := readCapped(path, maxConfig)
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return nil, nil
	}
	if err != nil {
		return nil, []error{fmt.Errorf("configuration: %w", err)}
	}
	section, err := parseConfig(text, command)
	if err != nil {
		return nil, []error{fmt.Errorf("configuration %s: %w", path, err)}
	}
	return section, nil
}

func parseConfig(text []byte, command string) (map[string]string, error) {
	var file map[string]map[string]any
	if err := yaml.UnmarshalStrict(text, &file); err != nil {
		return nil, err
	}
	section := map[string]string{}
	for name, value := range file[command] {
		switch v := value.(type) {
		case string:
			section[name] = v
		case bool, float64, int64:
			section[name] = fmt.Sprint(v)
		case []any:
			parts := make([]string, len(v))
			for i := range v {
				parts[i] = fmt.Sprint(v[i])
			}
			section[name] = strings.Join(parts, ",")
		default:
			return nil, fmt.Errorf("%s: %s is neither a text, a number, a list nor true or false", command, name)
		}
	}
	return section, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// readCapped reads a file of at most limit bytes.
func readCapped(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAllCapped(f, path, limit)
}
