// Package accounts reads service accounts from the Kubernetes API server, for admission reviews that must not miss what was committed before them.
//
// It owns the one rule by which reads are shared: a review is answered by a GET that was sent after the review asked. While a GET of an account is on its
// way, reviews that come for the same account wait for the next one, which they all share; so a Deployment of a thousand pods costs a GET at a time,
// and none of the pods sees an account older than itself. The GET is a quorum read (no resourceVersion), of metadata only.
//
// It refuses to cache: there is nothing here that could be old. An account that does not exist is an answer; what keeps it from being read is an error
// that wraps ErrForbidden or ErrUnreachable.
//
// It imports client-go, and package webhook for what it answers with.
package accounts
