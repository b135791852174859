package audit

import "time"

// Event is the record of one request: an exchange of an identity for credentials, or any other call. Its JSON form is one line of the audit
// file.
type Event struct {
	Time      time.Time `json:"time"`
	RequestID string    `json:"requestId"`
	Service   string    `json:"service"` // sts, iam, podpass …
	Action    string    `json:"action"`
	Outcome   Outcome   `json:"outcome"`
	Code      string    `json:"code,omitempty"`   // AWS error code of a refusal
	Reason    string    `json:"reason,omitempty"` // why, for the operator: more than the client is told

	SourceIP  string `json:"sourceIp,omitempty"`
	UserAgent string `json:"userAgent,omitempty"`

	Caller    string `json:"caller,omitempty"`    // ARN of the signed caller
	CallerKey string `json:"callerKey,omitempty"` // the caller's access key id

	Resource string `json:"resource,omitempty"` // ARN of what the call was about, where it isn't a role being assumed

	Account        string `json:"account,omitempty"`
	Cluster        string `json:"cluster,omitempty"`
	Issuer         string `json:"issuer,omitempty"`
	Subject        string `json:"subject,omitempty"`
	Namespace      string `json:"namespace,omitempty"`
	ServiceAccount string `json:"serviceAccount,omitempty"`
	Pod            string `json:"pod,omitempty"`
	PodUID         string `json:"podUid,omitempty"`
	TokenHash      string `json:"tokenHash,omitempty"`   // hex SHA-256 of the web identity token
	Association    string `json:"association,omitempty"` // id of the Pod Identity association that was in force

	Role        string    `json:"role,omitempty"` // ARN
	SessionName string    `json:"sessionName,omitempty"`
	SessionID   string    `json:"sessionId,omitempty"`
	Statement   string    `json:"statement,omitempty"`   // which statement of which policy decided
	AccessKeyID string    `json:"accessKeyId,omitempty"` // issued
	Expires     time.Time `json:"expires,omitzero"`
	Endpoint    string    `json:"endpoint,omitempty"` // base URL of the upstream STS that was asked

	// Routine marks a request that, if it is allowed, need not be on record: the next poll of a watcher whose first one is, and one for a cluster's
	// public keys.
	Routine bool `json:"-"`
}

// Outcome of a request; the zero value is unknown.
type Outcome string

const (
	Allowed Outcome = "allowed"
	Refused Outcome = "refused"
	Failed  Outcome = "failed" // our own fault
)

// Sink takes events. Record returns once the event is written: an exchange is acknowledged only after it.
type Sink interface {
	Record(Event) error
}
