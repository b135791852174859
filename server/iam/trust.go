package iam

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/store"
)

// trustOf parses a trust policy, holds it to its quota and resolves the roles and users it names: each must exist where its account is hosted
// here, and is pinned to its unique id, so that a later namesake is not trusted.
func (e Env) trustOf(tx *store.Tx, document string) (pins map[string]string, err error) {
	doc, err := policy.Parse(document, policy.Trust)
	if err != nil {
		return nil, err
	}
	if policy.Size(document) > maxTrustSize {
		return nil, limitExceeded("Cannot exceed quota for ACLSizePerRole: %d", maxTrustSize)
	}
	for _, p := range doc.Principals() {
		id, err := e.resolve(tx, p)
		if err != nil {
			return nil, err
		}
		if id != "" {
			if pins == nil {
				pins = make(map[string]string)
			}
			pins[p.Value] = id
		}
	}
	return pins, nil
}

// resolve finds what a principal of a trust policy stands for. id is empty for any but a role or user of an account hosted here. Its form was
// checked by policy.Parse; providers and services need not exist.
func (e Env) resolve(tx *store.Tx, p policy.Principal) (id string, err error) {
	invalid := malformedPolicy(fmt.Sprintf("Invalid principal in policy: %q:%q", p.Kind, p.Value))
	if p.Kind == "CanonicalUser" {
		return "", invalid // names accounts to S3, and nobody to STS
	}
	if p.Kind != "AWS" || p.Value == "*" {
		return "", nil
	}
	if _, err := identity.ParseAccount(p.Value); err == nil {
		return "", nil
	}
	arn, err := identity.ParseARN(p.Value)
	if err != nil || !identity.KnownPartition(arn.Partition()) {
		return "", invalid // also the unique id of a deleted principal, as a trust policy that named it is shown
	}
	if account, known := store.Read(tx, e.Store.Accounts, string(arn.Account())); !known || account.Upstream != nil {
		return "", nil
	}
	account, resource := string(arn.Account()), arn.Resource()
	switch {
	case arn.Service() == "iam" && strings.HasPrefix(resource, "role/"):
		r, found := store.Read(tx, e.Store.Roles, store.RoleKey(account, arn.ResourceName()))
		if !found || r.ARN() != arn {
			return "", invalid
		}
		return r.ID, nil
	case arn.Service() == "iam" && strings.HasPrefix(resource, "user/"):
		u, found := store.Read(tx, e.Store.Users, store.UserKey(account, arn.ResourceName()))
		if !found || u.ARN() != arn {
			return "", invalid
		}
		return u.ID, nil
	}
	// The account itself, or one session of a role: that need not exist yet, and nothing pins it, since whoever may assume the role chooses its name.
	return "", nil
}

// shownTrust is a trust policy as it is now: an account's number is shown as its root, a role or user that was renamed under its present ARN, and
// one that was deleted as the unique id it had.
func (e Env) shownTrust(r *store.Role) string {
	return replacePrincipals(r.Trust, func(value string) string {
		if account, err := identity.ParseAccount(value); err == nil {
			return account.IAM(r.Partition, "root").String()
		}
		id := r.TrustPins[value]
		if id == "" {
			return value
		}
		for _, found := range e.Store.Roles.By(store.ByID, id) {
			return found.ARN().String()
		}
		for _, found := range e.Store.Users.By(store.ByID, id) {
			return found.ARN().String()
		}
		return id
	})
}

// replacePrincipals rewrites the strings of the AWS principals of a policy document and nothing else of it. The document is one that parses.
func replacePrincipals(document string, replace func(string) string) string {
	var out strings.Builder
	done := 0 // of document, in bytes
	walkStrings(document, func(path []string, value string, start, end int) {
		if len(path) != 3 || path[0] != "Statement" || path[1] != "Principal" && path[1] != "NotPrincipal" || path[2] != "AWS" {
			return
		}
		if now := replace(value); now != value {
			out.WriteString(document[done:start])
			out.WriteString(`"` + now + `"`)
			done = end
		}
	})
	out.WriteString(document[done:])
	return out.String()
}

// walkStrings calls f for every string value of a JSON text, with the names of the members it is in (lists add none) and its place.
func walkStrings(text string, f func(path []string, value string, start, end int)) {
	type level struct {
		object bool
		named  bool // path holds the name of the member being read
	}
	dec := json.NewDecoder(strings.NewReader(text))
	var levels []level
	var path []string
	ended := func() { // a value has ended: so has the member it belongs to
		if n := len(levels); n > 0 && levels[n-1].named {
			levels[n-1].named = false
			path = path[:len(path)-1]
		}
	}
	for {
		before := int(dec.InputOffset())
		token, err := dec.Token()
		if err != nil {
			return
		}
		switch t := token.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				levels = append(levels, level{object: t == '{'})
				continue
			}
			levels = levels[:len(levels)-1]
			ended()
		case string:
			if n := len(levels); n > 0 && levels[n-1].object && !levels[n-1].named {
				levels[n-1].named = true
				path = append(path, t)
				continue
			}
			end := int(dec.InputOffset())
			f(path, t, before+strings.IndexByte(text[before:end], '"'), end)
			ended()
		default:
			ended()
		}
	}
}
