package webhook

import (
	"sort"
	"strings"
)

// The names of annotations, without their domain: those read from accounts, and those read from pods.
var (
	accountNames = []string{"role-arn", "audience", "sts-regional-endpoints", "token-expiration"}
	podNames     = []string{"token-expiration", "skip-containers"}
)

// nearMisses finds annotations that were meant for us and say nothing: eks.amazon.com/role-arn is the classic.
func (d *decider) nearMisses() {
	prefix := d.rules.settings.AnnotationPrefix
	account := d.facts.Account.Annotations
	var keys []string
	for key := range account {
		if !d.rules.keys.reads(key) && suspicious(key) {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	for _, key := range keys {
		if meant := nearMiss(key, prefix, accountNames, []string{ThroughAgent}); meant != "" && account[meant] == "" {
			d.find(NearMissAnnotation, "service account "+d.account()+": annotation "+quoted(key)+" is not read; "+meant+" is")
		}
	}
	for _, mark := range d.pod.Metadata.Annotations.Pairs {
		if !suspicious(mark.Key) {
			continue
		}
		if strings.HasPrefix(mark.Key, prefix) && (mark.Key == d.rules.keys.role || mark.Key == d.rules.keys.audience || mark.Key == d.rules.keys.regional) {
			d.find(MisplacedAnnotation, "annotation "+mark.Key+" is on the pod, where it is not read: put it on service account "+d.account())
			continue
		}
		meant := nearMiss(mark.Key, prefix, podNames, []string{IncludeContainers})
		if _, ok := d.pod.Metadata.Annotations.Get(meant); meant != "" && !ok {
			d.find(NearMissAnnotation, "annotation "+quoted(mark.Key)+" of the pod is not read; "+meant+" is")
		}
	}
}

// reads reports whether key is an annotation of accounts that is read, as it is on nearly every account that matters.
func (k *keys) reads(key string) bool {
	return key == k.role || key == k.audience || key == k.regional || key == k.expiration
}

// suspicious is a cheap look that lets nearly every annotation of others pass.
func suspicious(key string) bool {
	if len(key) > 80 {
		return false
	}
	domain, _, _ := strings.Cut(key, "/")
	return domain == key || containsFold(domain, "aws") || containsFold(domain, "amazon") || containsFold(domain, "eks") || containsFold(domain, "podpass")
}

func containsFold(s, lower string) bool {
	for i := 0; i+len(lower) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}

// nearMiss is the annotation that key was meant to be, or empty. names are under prefix, whole are whole keys.
func nearMiss(key, prefix string, names, whole []string) string {
	domain, name, slashed := strings.Cut(key, "/")
	domain, name = normal(domain), normal(name)
	if !slashed {
		// "role-arn" alone, or the separator mistyped: eks.amazonaws.com.role-arn
		name = strings.TrimLeft(strings.TrimPrefix(domain, prefix), ".:-")
		for _, want := range names {
			if name == want {
				return prefix + "/" + want
			}
		}
		return ""
	}
	for _, want := range names {
		if meant := prefix + "/" + want; key == meant {
			return ""
		} else if name == want || domain == prefix && near(name, want) {
			return meant
		}
	}
	if domain == prefix && (name == "role" || name == "iam-role" || name == "iam-role-arn") {
		return prefix + "/role-arn"
	}
	for _, want := range whole {
		if wantDomain, wantName, _ := strings.Cut(want, "/"); key != want && (name == wantName || domain == wantDomain && near(name, wantName)) {
			return want
		}
	}
	return ""
}

// normal undoes what is often mistyped: capitals and underscores.
func normal(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }

// near reports whether at most two characters are wrong, missing or too many.
func near(a, b string) bool {
	const most = 2
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return false
	}
	// Levenshtein's distance, a row at a time.
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			above := row[j]
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			row[j] = min(cost, above+1, row[j-1]+1)
			diagonal = above
		}
	}
	return row[len(b)] <= most
}
