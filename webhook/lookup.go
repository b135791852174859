package webhook

import "context"

// Account is what the webhook reads of a service account. Found is false where there is none (yet).
type Account struct {
	Found       bool
	Annotations map[string]string
}

// Accounts answers with a state of the service account no older than the call: one consistent GET, shared only by calls that began
// before it was sent.
type Accounts interface {
	Account(ctx context.Context, namespace, name string) (Account, error)
}

// Associations says whether an association is in effect for the account. current is false where the answer may be outdated (the server
// could not be reached within the bound); associated is then what was known last.
type Associations interface {
	Associated(ctx context.Context, namespace, name string) (associated, current bool)
}

// Mappings is the ConfigMap pod-identity-webhook, data key config: roles of accounts that carry no annotation.
type Mappings interface {
	Mapping(namespace, name string) (Mapping, bool)
}

// Mapping is one entry of Mappings. A nil UseRegionalSTS, an empty Audience and a TokenExpiration of 0 mean: as the flags say.
type Mapping struct {
	RoleARN         string
	Audience        string
	UseRegionalSTS  *bool
	TokenExpiration int64 // seconds
}
