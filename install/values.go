package install

import (
	"errors"
	"fmt"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"
)

// Values are what the chart is rendered with, on top of its own.
type Values map[string]any

// A ValuesError is what is wrong with the values, a mistake each.
type ValuesError struct{ Mistakes []string }

func (e *ValuesError) Error() string { return strings.Join(e.Mistakes, "\n") }

// Merge lays a YAML document over the values.
func (v Values) Merge(text []byte) error {
	var more map[string]any
	if err := yaml.UnmarshalStrict(text, &more); err != nil {
		return err
	}
	for key, value := range loader.MergeMaps(v, more) {
		v[key] = value
	}
	return nil
}

// Set lays KEY=VALUE over the values, as helm's --set has it: a.b=c, list={a,b}, list[0]=a; true, false, null and numbers are what they look like.
func (v Values) Set(text string) error {
	if err := strvals.ParseInto(text, v); err != nil {
		return fmt.Errorf("%q is not KEY=VALUE: %w", text, err)
	}
	return nil
}

// Put sets one value, where it is not empty, whatever it looks like: an account is text and has digits only. The path is separated by dots.
func (v Values) Put(path, value string) {
	if value == "" {
		return
	}
	keys := strings.Split(path, ".")
	at := map[string]any(v)
	for _, key := range keys[:len(keys)-1] {
		inner, ok := at[key].(map[string]any)
		if !ok {
			inner = map[string]any{}
			at[key] = inner
		}
		at = inner
	}
	at[keys[len(keys)-1]] = value
}

// explainValues turns what Helm says about values into a sentence for each mistake.
func explainValues(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	// fail of a template: execution error at (podpass/templates/checks.yaml:3:4): what it says
	if at, said, ok := strings.Cut(text, "): "); ok && strings.HasPrefix(at, "execution error at (") {
		return &ValuesError{[]string{said}}
	}
	if !strings.HasPrefix(text, "values don't meet the specifications of the schema") {
		return err
	}
	var mistakes []string
	for _, line := range strings.Split(text, "\n") {
		if said, ok := strings.CutPrefix(strings.TrimSpace(line), "- at '"); ok {
			where, what, _ := strings.Cut(said, "': ")
			if where = strings.ReplaceAll(strings.TrimPrefix(where, "/"), "/", "."); where != "" {
				what = where + ": " + what
			}
			mistakes = append(mistakes, what)
		}
	}
	if len(mistakes) == 0 {
		return errors.New(text)
	}
	return &ValuesError{mistakes}
}

// Text is the text at a path that is separated by dots, "" if there is none.
func (v Values) Text(path string) string {
	at := map[string]any(v)
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		at, _ = at[key].(map[string]any)
	}
	text, _ := at[keys[len(keys)-1]].(string)
	return text
}
