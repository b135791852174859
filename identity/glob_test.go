package identity_test

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"github.com/podpass/podpass/identity"
)

func TestGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "a.b-c", true},
		{"?", "", false},
		{"?", "a", true},
		{"?", "ab", false},
		{"shop", "shop", true},
		{"shop", "shops", false},
		{"shop", "Shop", false},
		{"team-*", "team-", true},
		{"team-*", "team-a-b", true},
		{"team-*", "ateam-b", false},
		{"*-dev", "shop-dev", true},
		{"*-dev", "shop-dev-2", false},
		{"a*b*c", "abc", true},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "acb", false},
		{"*a", "aaab", false},
		{"*aab", "aaaab", true},
		{"a**?", "a", false},
		{"a**?", "ab", true},
		{"**", "", true},
		{"a", "*", false}, // a glob is no text of another glob
		{"[ab]", "a", false},
		{`\*`, "*", false},
	} {
		if got := identity.Glob(test.pattern, test.text); got != test.want {
			t.Errorf("Glob(%q, %q) = %v", test.pattern, test.text, got)
		}
	}
}

// Each goes before all below it.
func TestGlobsCompare(t *testing.T) {
	var list []identity.Globs
	for _, text := range []string{
		"team-a/web-1", "team-a/web-?", "team-a/*", "team-?/web-1", "team-?/web-*", "t*-a/web-1", "*a/*eb-1", "*a/web-*", "?*/*",
	} {
		namespace, account, _ := strings.Cut(text, "/")
		list = append(list, identity.Globs{Namespace: namespace, ServiceAccount: account})
	}
	for i, a := range list {
		for j, b := range list {
			if got := a.Compare(b); got != cmp.Compare(i, j) {
				t.Errorf("%s and %s: %d", a, b, got)
			}
		}
	}
}

// A pattern of many stars takes no longer than its length times the text's: a backtracking matcher would not end.
func TestGlobTakesNoTime(t *testing.T) {
	done := make(chan bool)
	go func() { done <- identity.Glob(strings.Repeat("a*", 100)+"b", strings.Repeat("a", 10_000)) }()
	select {
	case matched := <-done:
		if matched {
			t.Error("it matched")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("still at it after 10 s")
	}
}

func TestCheckGlobs(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, good := range [][2]string{
		{"shop", "web"},
		{"*", "*"},
		{"team-*", "web-?"},
		{"?-*-?", "a.*.b"},
		{long, long + "." + long + "." + long},
		{"**", "w?*"},
	} {
		if err := identity.CheckGlobs(good[0], good[1]); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range [][2]string{
		{"", "web"},
		{"shop", ""},
		{"Shop*", "web"},
		{"-*", "web"},
		{"*-", "web"},
		{"a.*", "web"},
		{"a/*", "web"},
		{"shop", "a/*"},
		{"shop", ".*"},
		{"shop", "*."},
		{"shop", "a..*"},
		{"shop", "[a-z]*"},
		{"shop", "a b"},
		{"shop", "ü*"},
		{"shop", "web\n"},
		{long + "*", "web"},
		{"shop", strings.Repeat("*", 254)},
	} {
		if err := identity.CheckGlobs(bad[0], bad[1]); err == nil {
			t.Errorf("%q is admitted", bad)
		}
	}
}

// naive is a matcher that tries everything.
func naive(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return naive(pattern[1:], text) || text != "" && naive(pattern, text[1:])
	case text == "":
		return false
	}
	return (pattern[0] == '?' || pattern[0] == text[0]) && naive(pattern[1:], text[1:])
}

func FuzzGlob(f *testing.F) {
	for _, seed := range [][2]string{{"a*b", "aXb"}, {"*a*", "bab"}, {"?*?", "ab"}, {"a*a?b", "aaacb"}, {"", ""}, {"\xff*", "\xff"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 12 || len(text) > 16 {
			return
		}
		if got, want := identity.Glob(pattern, text), naive(pattern, text); got != want {
			t.Errorf("Glob(%q, %q) = %v, want %v", pattern, text, got, want)
		}
		// What is no glob matches itself and nothing else.
		if !identity.IsGlob(pattern) && identity.Glob(pattern, text) != (pattern == text) {
			t.Errorf("%q is no glob and matches %q", pattern, text)
		}
	})
}
