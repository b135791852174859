package access

import (
	"net/http"
	"strconv"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/sigv4"
)

// Context builds the condition keys every call has, the caller's included. Keys are in lower case, where the policy engine finds them fastest.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (g *Gate) Context(r *http.Request, c Caller) *policy.Context {
	k := &policy.Context{}
	g.setKeys(k, r, c)
	return k
}

// Internal builds the condition keys of a call that a service makes to another, with a session it was given or, as the zero Caller, in its own
// name. Whoever made the service do so isn't part of that call: no address, no program, no identity of theirs is in it.
func (g *Gate) Internal(c Caller, region string) *policy.Context {
	k := &policy.Context{}
	g.setTime(k)
	k.Set("aws:securetransport", "true") // it never leaves this process
	k.Set("aws:requestedregion", region)
	if c.Kind != Anonymous {
		callerKeys(k, c)
	}
	return k
}

func (g *Gate) setTime(k *policy.Context) {
	now := g.Now().UTC()
	k.Set("aws:currenttime", now.Format(time.RFC3339))
	k.Set("aws:epochtime", strconv.FormatInt(now.Unix(), 10))
}

func (g *Gate) setKeys(k *policy.Context, r *http.Request, c Caller) {
	g.setTime(k)
	k.Set("aws:securetransport", strconv.FormatBool(g.secure(r)))
	if ip := g.clientIP(r); ip.IsValid() {
		k.Set("aws:sourceip", ip.String())
	}
	if agent := r.UserAgent(); agent != "" {
		k.Set("aws:useragent", agent)
	}
	if referer := r.Referer(); referer != "" {
		k.Set("aws:referer", referer)
	}
	k.Set("aws:requestedregion", g.region(r, c))
	if c.Kind != Anonymous {
		callerKeys(k, c)
	}
}

// callerKeys are those of a signed call.
func callerKeys(k *policy.Context, c Caller) {
	k.Set("aws:principalarn", c.PrincipalARN.String())
	k.Set("aws:principalaccount", string(c.Account))
	k.Set("aws:userid", c.UserID)
	k.Set("aws:principalisawsservice", "false")
	k.Set("aws:viaawsservice", "false")
	switch c.Kind {
	case AssumedRole:
		k.Set("aws:principaltype", "AssumedRole")
	case User, UserSession:
		k.Set("aws:principaltype", "User")
		k.Set("aws:username", c.User.Name)
	}
	for _, t := range c.Tags {
		k.Set("aws:principaltag/"+t.Key, t.Value)
	}
	if c.Session == nil {
		return
	}
	k.Set("aws:tokenissuetime", c.Session.IssuedAt.UTC().Format(time.RFC3339))
	k.Set("aws:multifactorauthpresent", "false") // of temporary credentials only; there are no second factors here
	if c.Session.SourceIdentity != "" {
		k.Set("aws:sourceidentity", c.Session.SourceIdentity)
	}
	if c.Session.Provider != "" {
		k.Set("aws:federatedprovider", c.Session.Provider)
	}
}

// region a call was made to: the one its signature is scoped to, its host name's, or ours.
func (g *Gate) region(r *http.Request, c Caller) string {
	if c.Region != "" {
		return c.Region
	}
	if region, ok := sigv4.HostRegion(r.Host); ok {
		return region
	}
	return g.Region
}

// ResourceTags are the condition keys of the tags of what a call is about.
func ResourceTags(tags identity.Tags) *policy.Context {
	keys := new(policy.Context)
	for _, t := range tags {
		keys.Set("aws:ResourceTag/"+t.Key, t.Value)
	}
	return keys
}

// SetRequestTags adds the condition keys of the tags that a call would set.
func SetRequestTags(keys *policy.Context, tags identity.Tags) {
	if len(tags) == 0 {
		return
	}
	names := make([]string, len(tags))
	for i, t := range tags {
		keys.Set("aws:RequestTag/"+t.Key, t.Value)
		names[i] = t.Key
	}
	keys.SetMany("aws:TagKeys", names)
}
