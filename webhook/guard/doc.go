// Package guard keeps, in every namespace, the list of the service accounts whose pods must not start without AWS credentials.
//
// It owns the ConfigMap podpass-accounts (a key for each such account, its value the mechanism), which is the parameter of the
// ValidatingAdmissionPolicy podpass: the API server refuses pods by it on its own, also while no webhook answers. It follows all service
// accounts, by their metadata, and the associations; of an account it keeps the name and one byte. On request it also keeps a copy of the
// server's CA, ConfigMap podpass-ca, in the namespaces that have such accounts.
//
// It refuses to change a ConfigMap it did not make, to list accounts with an invalid role (their pods are never injected), and to take
// anything off a list before it knows all accounts and all associations. One replica works at a time, the holder of Lease podpass-guard; no
// harm is done if two do, since each write holds only for the version it is based on.
//
// It imports package webhook, for what a role is, and client-go.
package guard
