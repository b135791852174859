package identity

import (
	"fmt"
	"strings"
)

// ServiceAccount names a Kubernetes service account.
type ServiceAccount struct {
	Namespace, Name string
}

const subjectPrefix = "system:serviceaccount:"

// ParseServiceAccount checks a namespace (DNS label, at most 63 characters) and a service account's name (DNS
// subdomain, at most 253), as the Kubernetes API server does.
func ParseServiceAccount(namespace, name string) (ServiceAccount, error) {
	if !dnsLabel(namespace) {
		return ServiceAccount{}, fmt.Errorf("namespace %q is not a DNS label (lower-case letters, digits and hyphens, at most 63)", namespace)
	}
	if len(name) > 253 {
		return ServiceAccount{}, fmt.Errorf("service account name is longer than 253 characters")
	}
	for _, label := range strings.Split(name, ".") {
		if len(label) > 253 || !dnsWord(label) {
			return ServiceAccount{}, fmt.Errorf("service account %q is not a DNS name (lower-case letters, digits, hyphens and dots)", name)
		}
	}
	return ServiceAccount{namespace, name}, nil
}

// ParseSubject reads a token's sub claim, system:serviceaccount:NAMESPACE:NAME.
func ParseSubject(sub string) (ServiceAccount, error) {
	rest, ok := strings.CutPrefix(sub, subjectPrefix)
	namespace, name, two := strings.Cut(rest, ":")
	if !ok || !two {
		return ServiceAccount{}, fmt.Errorf("subject %q is not %sNAMESPACE:NAME", sub, subjectPrefix)
	}
	return ParseServiceAccount(namespace, name)
}

// Subject is the sub claim of the account's tokens.
func (s ServiceAccount) Subject() string { return subjectPrefix + s.Namespace + ":" + s.Name }

func (s ServiceAccount) String() string { return s.Namespace + "/" + s.Name }

func dnsLabel(s string) bool { return len(s) <= 63 && dnsWord(s) }

func dnsWord(s string) bool {
	if s == "" || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
