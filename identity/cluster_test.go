package identity_test

import (
	"strings"
	"testing"

	"github.com/podpass/podpass/identity"
)

func TestValidClusterName(t *testing.T) {
	for name, want := range map[string]bool{
		"local": true, "0-_Z": true, strings.Repeat("a", 100): true,
		"": false, "-a": false, "_a": false, "a.b": false, "a/b": false, "ä": false, "a\n": false, strings.Repeat("a", 101): false,
	} {
		if got := identity.ValidClusterName(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestParseRoleARN(t *testing.T) {
	for text, want := range map[string]bool{
		"arn:aws:iam::111122223333:role/web": true, "arn:aws:iam::111122223333:role/team/web": true,
		"": false, "web": false, "arn:aws:iam::111122223333:user/web": false, "arn:aws:iam::111122223333:role/": false,
		"arn:aws:sts::111122223333:assumed-role/web/s": false, "arn:aws:iam::1:role/web": false,
	} {
		if arn, err := identity.ParseRoleARN(text); (err == nil) != want || want && arn.String() != text {
			t.Errorf("%q: %q, %v", text, arn, err)
		}
	}
}
