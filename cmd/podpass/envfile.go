package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// setting is one line of an env file.
type setting struct{ name, value string }

// envFile is D/env: what a shell needs to speak to the authority of the data directory D as its administrator. Its lines are
// export NAME='value', so that ". D/env" works in every POSIX shell.
type envFile []setting

func (e envFile) get(name string) string {
	for _, s := range e {
		if s.name == name {
			return s.value
		}
	}
	return ""
}

// with is e with a variable set, in its old place if it had one.
func (e envFile) with(name, value string) envFile {
	out := append(envFile(nil), e...)
	for i := range out {
		if out[i].name == name {
			out[i].value = value
			return out
		}
	}
	return append(out, setting{name, value})
}

func (e envFile) marshal() []byte {
	var b bytes.Buffer
	for _, s := range e {
		fmt.Fprintf(&b, "export %s='%s'\n", s.name, strings.ReplaceAll(s.value, "'", `'\''`))
	}
	return b.Bytes()
}

// maxEnvFile caps what is read as an env file.
const maxEnvFile = 64 << 10

// parseEnvFile reads what marshal writes, and nothing else: it is no shell.
func parseEnvFile(text []byte) (envFile, error) {
	var out envFile
	for n, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		name, quoted, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		value, closed := unquote(quoted)
		if !ok || !closed || name == "" || !strings.HasPrefix(line, "export ") {
			return nil, fmt.Errorf("line %d is not export NAME='value'", n+1)
		}
		out = append(out, setting{name, value})
	}
	return out, nil
}

// unquote undoes single quotes and the '\” that stands for one of them.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != '\'' || s[len(s)-1] != '\'' {
		return "", false
	}
	parts := strings.Split(s[1:len(s)-1], `'\''`)
	for _, p := range parts {
		if strings.Contains(p, "'") {
			return "", false
		}
	}
	return strings.Join(parts, "'"), true
}

func readEnvFile(path string) (envFile, error) {
	text, err := readCapped(path, maxEnvFile)
	if err != nil {
		return nil, err
	}
	e, err := parseEnvFile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

// claimFile makes an empty file of mode 0600 that wasn't there, so that replaceFile will find its place free and its directory writable.
func claimFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// replaceFile writes a file of mode 0600 under its name in one step: a reader sees the old content or the new, never a part, also after
// a crash.
func replaceFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(content); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
