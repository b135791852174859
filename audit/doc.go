// Package audit writes one event for every request the authority answers, whatever the answer was (but see Event.Routine), and can say afterwards who
// a temporary access key was issued to, and what became of a service account's latest exchanges.
//
// An event holds who asked, for which pod, which role, which statement decided and the id of the access key that was issued. It
// never holds a token, a secret key or a session token: a web identity token is named by its SHA-256.
//
// A Sink has written the event when Record returns, and the pipelines answer only then: what was acknowledged is on record, even if the
// process is killed the moment after.
package audit
