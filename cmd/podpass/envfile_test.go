package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEnvFileInAShell(t *testing.T) {
	hard := `a'b "c" $HOME \ ''`
	file := envFile{{"PLAIN", "http://127.0.0.1:8600"}, {"HARD", hard}, {"EMPTY", ""}}
	path := filepath.Join(t.TempDir(), "env")
	if err := replaceFile(path, file.marshal()); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", "-c", `. "$0" && sh -c 'printf "%s\n" "$PLAIN" "$HARD" "$EMPTY"'`, path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("http://127.0.0.1:8600\n"+hard+"\n\n", string(out)); diff != "" {
		t.Error(diff)
	}
	read, err := readEnvFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(file, read, cmp.AllowUnexported(setting{})); diff != "" {
		t.Error(diff)
	}
}

func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "env")
	for _, content := range []string{"first", "second"} {
		if err := replaceFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != content {
			t.Errorf("read %q, want %q", got, content)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := replaceFile(filepath.Join(dir, "none", "env"), nil); err == nil {
		t.Error("wrote into a directory that does not exist")
	}
	// A directory cannot be replaced by a file; the attempt leaves nothing behind.
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(filepath.Join(dir, "taken"), []byte("x")); err == nil {
		t.Error("replaced a directory")
	}
	names, _ := filepath.Glob(filepath.Join(dir, ".*-*"))
	if len(names) > 0 {
		t.Errorf("left %q behind", names)
	}
}

func TestParseEnvFileRefuses(t *testing.T) {
	for _, text := range []string{
		"", "A='b'\n", "export A=b\n", "export A='b\n", "export ='b'\n", "export A='b'c'\n", "export A='b'; rm -r /\n", "export A='b'\n\n", "export A='\n",
	} {
		if got, err := parseEnvFile([]byte(text)); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func FuzzEnvFile(f *testing.F) {
	f.Add("export A='b'\n")
	f.Add("export A='it'\\''s'\nexport B=''\n")
	f.Add("export A='b'c'\n")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseEnvFile([]byte(text))
		if err != nil {
			return
		}
		again, err := parseEnvFile(parsed.marshal())
		if err != nil {
			t.Fatalf("%q was read and not read again: %v", text, err)
		}
		if diff := cmp.Diff(parsed, again, cmp.AllowUnexported(setting{})); diff != "" {
			t.Error(diff)
		}
	})
}
