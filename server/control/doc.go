// Package control is Podpass's own API, /podpass/v1/: what an installation's operators do that AWS's APIs have no call for.
//
// It owns registering clusters (with their OIDC provider and the roles of their agent and webhook), accounts (hosted ones with their first
// administrators, upstream ones with where they live), tokens of hosted clusters' service accounts, apply, the rotation of keys, revoking sessions, whois, what
// became of exchanges, and the watch of associations that agents and webhooks follow. Every call is signed
// as service "podpass" and is an action podpass:… of the caller's policies, on the ARN of what it touches.
//
// It refuses callers of one account anything of another account, whatever their policies say; only the management account, the first of an
// installation, reaches further, and only it may name servers in this server's private network. Whoever may podpass:Apply a role decides what the role may do: it is an administrator's permission, as
// iam:PutRolePolicy is.
//
// It may import api, restjson, iam, oidc, keys, access, awserr, upstream and what stands below them.
package control
