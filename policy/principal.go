package policy

import "strings"

// principal is one compiled value of a Principal or NotPrincipal element.
type principal struct {
	kind  principalKind
	value string // as written
	of    string // of an account: its digits; of its root ARN also the partition's prefix in value
}

type principalKind uint8

const (
	_             principalKind = iota // unknown: refused
	anyone                             // "*"
	account                            // 12 digits or the root ARN
	iamIdentity                        // role or user ARN
	uniqueID                           // AROA…, AIDA…
	stsSession                         // assumed-role or federated-user ARN
	federated                          // OIDC or SAML provider ARN, or one of the public providers' names
	service                            // service principal
	canonicalUser                      // S3's other name of an account: accepted, and matches nobody here
)

// grant is how far an Allow of a resource policy carries by itself in the requester's own account.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html ("Evaluating identity-based
// policies with resource-based policies") and …/access_policies_boundaries.html.
type grant uint8

const (
	noGrant   grant = iota
	delegated       // to the account: its identity policies must allow too
	limited         // no identity policy needed; boundary and session policies limit it
	direct          // to the session or user itself: no implicit deny elsewhere counts
)

// parsePrincipal compiles a value; ok is false for what AWS refuses: partial wildcards, groups, malformed ARNs and accounts.
func parsePrincipal(kind, value string) (p principal, ok bool) {
	p.value = value
	switch kind {
	case "AWS":
		return parseAWSPrincipal(value)
	case "Federated":
		p.kind = federated
		if strings.HasPrefix(value, "arn:") {
			return p, isIAM(value, "oidc-provider/", "saml-provider/")
		}
		return p, isHostName(value)
	case "Service":
		p.kind = service
		return p, isHostName(value)
	case "CanonicalUser":
		p.kind = canonicalUser
		return p, len(value) == 64 && strings.Trim(value, "0123456789abcdef") == ""
	}
	return p, false
}

func parseAWSPrincipal(value string) (p principal, ok bool) {
	p.value = value
	if value == "*" {
		p.kind = anyone
		return p, true
	}
	if isAccount(value) {
		p.kind, p.of = account, value
		return p, true
	}
	if isUniqueID(value) {
		p.kind = uniqueID
		return p, true
	}
	a := cutARN(value)
	if !a.ok || !isPrincipalText(value) {
		return p, false
	}
	of, resource := a.lead(4), a.resource()
	if a.lead(0) != "arn" || !isPartition(a.lead(1)) || a.lead(3) != "" || !isAccount(of) {
		return p, false
	}
	switch a.lead(2) {
	case "iam":
		switch {
		case resource == "root":
			p.kind, p.of = account, of
			return p, true
		case named(resource, "role/"), named(resource, "user/"):
			p.kind = iamIdentity
			return p, true
		}
	case "sts":
		p.kind = stsSession
		role, session, two := strings.Cut(strings.TrimPrefix(resource, "assumed-role/"), "/")
		if strings.HasPrefix(resource, "assumed-role/") {
			return p, two && role != "" && session != "" && !strings.Contains(session, "/")
		}
		return p, named(resource, "federated-user/")
	}
	return p, false
}

// matches says whether the requester is this principal, and what an Allow to it is worth.
func (p *principal) matches(r *Request, sessionPolicies bool) grant {
	who := &r.Requester
	switch p.kind {
	case anyone:
		return limited
	case account:
		if p.isAccountOf(who) {
			return delegated
		}
	case iamIdentity:
		if p.isIdentity(who, r.Pins) {
			return who.identityGrant(sessionPolicies)
		}
	case uniqueID:
		if p.value == who.UniqueID {
			return who.identityGrant(sessionPolicies)
		}
	case stsSession:
		if p.value == who.SessionARN {
			return direct
		}
	case federated:
		if p.value == who.Federated {
			return limited
		}
	case service:
		if p.value == who.Service {
			return limited
		}
	}
	return noGrant
}

// isAccountOf also compares the partition of a root ARN with the requester's: the same digits elsewhere are another account.
func (p *principal) isAccountOf(who *Requester) bool {
	if who.Account != p.of {
		return false
	}
	arn := who.PrincipalARN
	if arn == "" {
		arn = who.SessionARN
	}
	if len(p.value) == len(p.of) || arn == "" {
		return true
	}
	mine := p.value[len("arn:"):strings.Index(p.value, ":iam:")]
	return strings.HasPrefix(arn[min(len("arn:"), len(arn)):], mine+":")
}

// isIdentity compares the unique id with the pin where there is one, as AWS does, which stores the id instead of the ARN: a user that was
// renamed or moved stays trusted, another one of the old name isn't.
func (p *principal) isIdentity(who *Requester, pins map[string]string) bool {
	if id, ok := pins[p.value]; ok {
		return id != "" && id == who.UniqueID
	}
	return p.value == who.PrincipalARN
}

// identityGrant is the worth of naming the requester's role or user. A user acting itself (not a federated session of it) is named
// directly; a role's sessions are limited by the role's boundary and their session policies.
func (r *Requester) identityGrant(sessionPolicies bool) grant {
	if r.SessionARN == "" && !sessionPolicies && strings.Contains(r.PrincipalARN, ":user/") {
		return direct
	}
	return limited
}

// best is the strongest match of a Principal element.
func best(list []principal, r *Request, sessionPolicies bool) grant {
	g := noGrant
	for i := range list {
		g = max(g, list[i].matches(r, sessionPolicies))
	}
	return g
}

// excepts says whether a NotPrincipal element of a Deny spares the requester. AWS asks for every level to be listed: the account, the
// role or user, and the session; whoever lists only the role denies all its sessions.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
func excepts(list []principal, r *Request) bool {
	who := &r.Requester
	levels := [...]struct {
		present bool
		level   func(p *principal) bool
	}{
		{who.Account != "", func(p *principal) bool { return p.kind == account }},
		{who.PrincipalARN != "" || who.UniqueID != "", func(p *principal) bool { return p.kind == iamIdentity || p.kind == uniqueID }},
		{who.SessionARN != "", func(p *principal) bool { return p.kind == stsSession }},
		{who.Federated != "", func(p *principal) bool { return p.kind == federated }},
		{who.Service != "", func(p *principal) bool { return p.kind == service }},
	}
	some := false
	for _, l := range levels {
		if !l.present {
			continue
		}
		listed := false
		for i := range list {
			p := &list[i]
			listed = listed || (p.kind == anyone || l.level(p)) && p.matches(r, false) != noGrant
		}
		if !listed {
			return false
		}
		some = true
	}
	return some || best(list, r, false) != noGrant
}

// named: prefix followed by a non-empty path and name.
func named(resource, prefix string) bool {
	rest, ok := strings.CutPrefix(resource, prefix)
	return ok && rest != "" && !strings.HasPrefix(rest, "/") && !strings.HasSuffix(rest, "/")
}

func isIAM(value string, prefixes ...string) bool {
	a := cutARN(value)
	if !a.ok || !isPrincipalText(value) || a.lead(0) != "arn" || !isPartition(a.lead(1)) || a.lead(2) != "iam" || a.lead(3) != "" || !isAccount(a.lead(4)) {
		return false
	}
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(a.resource(), p); ok && rest != "" {
			return true
		}
	}
	return false
}

// isPrincipalText refuses wildcards, variables, spaces and what isn't printable ASCII.
func isPrincipalText(value string) bool {
	return isPrintable(value) && !strings.ContainsAny(value, `*?${}"`)
}

func isPrintable(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

func isAccount(text string) bool {
	return len(text) == 12 && strings.Trim(text, "0123456789") == ""
}

func isUniqueID(text string) bool {
	if len(text) < 16 || len(text) > 128 || !strings.HasPrefix(text, "AROA") && !strings.HasPrefix(text, "AIDA") {
		return false
	}
	for i := 0; i < len(text); i++ {
		if c := text[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// isPartition takes "aws" and names made from it ("aws-cn", "aws-us-gov").
func isPartition(text string) bool {
	rest, ok := strings.CutPrefix(text, "aws")
	return ok && (rest == "" || len(rest) > 1 && rest[0] == '-' && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123456789-") == "")
}

// isHostName takes lower-case names with a dot, such as "pods.eks.amazonaws.com" and "accounts.google.com".
func isHostName(text string) bool {
	if !strings.Contains(text, ".") || strings.HasPrefix(text, ".") || strings.HasSuffix(text, ".") || strings.Contains(text, "..") {
		return false
	}
	return strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
}
