// Package config follows the two configurations an operator of the EKS webhook may have, while they change.
//
// It owns their syntax and their watching: the ConfigMap pod-identity-webhook (Mappings: roles of accounts that carry no annotation), and the file
// of container credentials (Identities: accounts whose pods get them). In both, names may be globs with the precedence associations have (identity.Globs).
//
// It refuses to let a mistake take effect: of a text that cannot be understood nothing is used, the last one that could stays, and log and metric say so.
//
// It imports package webhook for what it answers with, identity, client-go's informers and fsnotify.
package config
