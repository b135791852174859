// Package iam is the IAM subset: OIDC providers, roles, users with access keys, managed policies and the policy simulator, over the Query
// protocol. It owns what may be stored as one of these, and how it is shown.
//
// Every action is authorised by the caller's own policies before anything it found is shown, so whoever may not ask cannot learn what exists.
// An account sees and changes only what is its own. Documents are parsed when they are written and refused with AWS's code and the position.
//
// It keeps no groups, login profiles, MFA devices, server certificates or instance profiles: their actions are InvalidAction, save for the few
// listings that tools make of every role and user, which are empty.
//
// It may import identity, policy, store and the server's awsquery, awserr and access; never another service.
package iam
