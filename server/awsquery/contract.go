package awsquery

import (
	"context"
	"net/http"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/access"
)

// Call is one request as an action sees it.
type Call struct {
	Request   *http.Request
	RequestID string
	Caller    access.Caller // Anonymous for unsigned actions
	Event     *audit.Event  // the action fills in what it learns; the pipeline records it, whatever the outcome
}

// Action is one operation of a service.
type Action struct {
	Name     string
	Unsigned bool
	run      func(ctx context.Context, c *Call, form *Form) (any, error)
}

// NewAction makes an action of a typed function. In's fields are filled from the parameters of their names (struct tag `query:"arn"` for another
// name; nested structs, []string, []struct as X.member.N…, *int, *bool, *string; time.Time); Out's are written as XML elements of their names
// (lists as <X><member>…). If In has a method Validate(*Validator) it runs first and all violations are reported together, in AWS's words.
// Out may be nil-able: actions without output send only ResponseMetadata.
func NewAction[In, Out any](name string, do func(ctx context.Context, c *Call, in *In) (*Out, error)) Action {
	panic("contract")
}

// Form holds decoded parameters: no duplicates.
type Form struct{}

// Validator collects constraint violations ("1 validation error detected: Value '…' at 'roleName' failed to satisfy constraint: …").
type Validator struct{}

func (v *Validator) Length(field, value string, min, max int)                   { panic("contract") } // characters
func (v *Validator) Pattern(field, value, pattern string, ok func(string) bool) { panic("contract") }
func (v *Validator) Range(field string, value, min, max int)                    { panic("contract") }
func (v *Validator) Required(field string, present bool)                        { panic("contract") }
func (v *Validator) Count(field string, n, min, max int)                        { panic("contract") }

// Service is a Query service: its actions, XML namespace and version.
type Service struct {
	Name      string // signing name, "sts"
	Namespace string // xmlns
	Version   string // "2011-06-15"
	Actions   []Action
}

// Pipeline is the one way a Query request goes: read (capped), decode, find the action, authenticate, validate, do, encode, audit.
// Handler serves POST and GET / for several services, told apart by the signature's service, or by Action and Version where unsigned.
type Pipeline struct {
	Gate  *access.Gate
	Audit audit.Sink
	// …clock, request ids, logger
}

func (p *Pipeline) Handler(services ...Service) http.Handler { panic("contract") }
