package config

import "testing"

// Both syntaxes at once: whatever a text holds, what is read of it can be asked, and a mistake leaves nothing behind that looks like success.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[]", "null", `{"identities":[{"namespace":"shop","serviceAccount":"web"},null]}`, `{"identities":[{"namespace":"*","serviceAccount":"?"}]}`,
		`{"shop/web":{"RoleARN":"arn:aws:iam::111122223333:role/a","UseRegionalSTS":true,"TokenExpiration":600}}`, `{"*/*":{},"a/b/c":{},"/":null}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		mappings, err := parseMappings([]byte(text))
		if err == nil {
			mappings.find("shop", "web")
			for name := range mappings.entries() {
				if name == "" || mappings.len() == 0 {
					t.Errorf("an entry %q of %d", name, mappings.len())
				}
			}
		}
		identities, err := parseIdentities([]byte(text))
		if err == nil {
			identities.find("shop", "web")
		}
	})
}
