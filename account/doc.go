// Package account reads and changes an AWS account, real or a podpass server's, for the commands that operators run: clusters, roles and their policies,
// OIDC providers, associations, networks, and the exchange of a token for credentials that proves the rest.
//
// It owns how an account is reached: whose credentials these are, how many calls a second each API gets, how throttling is waited out, and what a
// refusal means ([Refused], [Denied], [Absent]). It decides nothing: what to do with what it reads is its callers' part.
//
// It refuses to change what it has not just read: whole documents are edited by a function of what is there, never overwritten from memory.
//
// It imports aws-sdk-go-v2, identity and upstream (EKS Auth's client). A cluster's API server is package cluster's.
package account
