package identity_test

import (
	"strings"
	"testing"

	"github.com/podpass/podpass/identity"
)

func TestGlob(t *testing.T) {
	for _, tc := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"**", "shop", true},
		{"shop", "shop", true},
		{"shop", "shops", false},
		{"shop-*", "shop-", true},
		{"shop-*", "shop", false},
		{"*-web", "shop-web", true},
		{"*-web", "shop-web-1", false},
		{"a*b*c", "aXbXbc", true},
		{"a*b*c", "aXbXb", false},
		{"?", "", false},
		{"we?", "web", true},
		{"*?", "a", true},
		{strings.Repeat("*a", 100) + "b", strings.Repeat("a", 5000), false}, // ends in time
	} {
		if got := identity.Glob(tc.pattern, tc.text); got != tc.want {
			t.Errorf("Glob(%q, %q) = %v", tc.pattern, tc.text, got)
		}
	}
}

func TestParseGlobs(t *testing.T) {
	for _, good := range []string{"shop/web", "shop/*", "*/*", "team-*/web", "*-prod/?", "shop/web.*.v?", "a?/*-x*"} {
		namespace, name, _ := strings.Cut(good, "/")
		if err := identity.ParseGlobs(namespace, name); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"/web", "shop/", "Shop/*", "sh op/*", "*.shop/web", "-*/web", "*/web-", "*/[a]", strings.Repeat("a", 63) + "?/web"} {
		namespace, name, _ := strings.Cut(bad, "/")
		if err := identity.ParseGlobs(namespace, name); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestMatchesAll(t *testing.T) {
	for glob, want := range map[string]bool{"*": true, "**": true, "?*": true, "*?": true, "??*": false, "?": false, "a*": false, "": false} {
		if got := identity.MatchesAll(glob); got != want {
			t.Errorf("MatchesAll(%q) = %v", glob, got)
		}
	}
}
