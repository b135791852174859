package control

import (
	"context"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/restjson"
	"github.com/podpass/podpass/store"
)

type whois struct {
	ID string `label:"id" json:"-"`
}

// whois answers for the access keys of the caller's account: a user's from the store, a session's from the audit events.
func (s *service) whois(_ context.Context, c *restjson.Call, in *whois) (*api.Whois, error) {
	if n := len(in.ID); n < 16 || n > 128 || !printable(in.ID) {
		return nil, invalid("An access key id begins with ASIA or AKIA and has 20 characters.")
	}
	if err := s.authorise(c, "Whois", s.resource(c, "", c.Caller.Account, "session/"+in.ID)); err != nil {
		return nil, err
	}
	if key, ok := s.store.AccessKeys.Get(in.ID); ok && s.reaches(c, key.Account) {
		out := &api.Whois{AccessKeyID: in.ID, Account: string(key.Account), Issued: key.Created}
		if user, ok := s.store.Users.Get(store.UserKey(string(key.Account), key.User)); ok {
			out.User = user.ARN().String()
		}
		return out, nil
	}
	e, ok := s.issued(c, in.ID)
	if !ok {
		return nil, notFound("Nothing is known of access key %s: it is another account's, or was issued before the audit file begins.", in.ID)
	}
	account, _ := identity.AccountOfID(in.ID)
	return &api.Whois{
		AccessKeyID: in.ID, Account: string(account), Role: e.Role, SessionName: e.SessionName,
		Cluster: e.Cluster, Namespace: e.Namespace, ServiceAccount: e.ServiceAccount, Pod: e.Pod, PodUID: e.PodUID, Issuer: e.Issuer, Subject: e.Subject,
		Caller: e.Caller, SourceIP: e.SourceIP, Statement: e.Statement, Issued: e.Time, Expires: e.Expires, RequestID: e.RequestID,
	}, nil
}

// issued finds the event that issued a session's access key, if the key is one the caller may know of. The account stands in the key id, which
// we made: the event's own account is the caller's of that call.
func (s *service) issued(c *restjson.Call, accessKeyID string) (audit.Event, bool) {
	account, ok := identity.AccountOfID(accessKeyID)
	if !ok || !s.reaches(c, account) {
		return audit.Event{}, false
	}
	return s.Recent.Whois(accessKeyID)
}
