package awsquery

import (
	"context"
	"errors"
	"net/http"
	"reflect"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/access"
	"github.com/podpass/podpass/server/awserr"
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
	Unsigned bool // asked without a signature; everything else must have one
	run      func(ctx context.Context, c *Call, form *Form) (*output, error)
}

// output is what an action answered: a value and how it is written.
type output struct {
	value reflect.Value // a struct; invalid where the action has no output
	xml   func(out []byte, v reflect.Value) []byte
}

// NewAction makes an action of a typed function.
//
// In's fields are filled from the parameters of their names (struct tag `query:"arn"` for another): string, bool, int, time.Time and
// pointers to them, nested structs, []string and []struct as X.member.N. Embedded structs stand for their fields. Parameters In doesn't
// have are ignored, as AWS does. If *In has a method Validate(*Validator) it runs first, and all violations are reported together, in
// AWS's words.
//
// Out's fields are written as XML elements of their names (struct tag `xml:"arn"`). Left out are nil pointers, nil slices, nil maps, empty
// strings and zero times; a pointer to an empty string and an empty slice that is not nil are there, and empty. An action that returns nil
// has no output: only ResponseMetadata is sent.
//
// A type that can't be decoded or encoded makes an action that answers InternalFailure, with the field in the log.
func NewAction[In, Out any](name string, do func(ctx context.Context, c *Call, in *In) (*Out, error)) Action {
	set, decodeErr := setterFor(reflect.TypeFor[In]())
	write, encodeErr := fieldsEncoder(reflect.TypeFor[Out]())
	return Action{Name: name, run: func(ctx context.Context, c *Call, form *Form) (*output, error) {
		if decodeErr != nil || encodeErr != nil {
			return nil, awserr.InternalFailure(errors.Join(decodeErr, encodeErr))
		}
		in := new(In)
		if err := set(form, "", reflect.ValueOf(in).Elem()); err != nil {
			return nil, err
		}
		if checked, ok := any(in).(interface{ Validate(*Validator) }); ok {
			var v Validator
			checked.Validate(&v)
			if err := v.Err(); err != nil {
				return nil, err
			}
		}
		out, err := do(ctx, c, in)
		if err != nil || out == nil {
			return &output{}, err
		}
		return &output{reflect.ValueOf(out).Elem(), write}, nil
	}}
}

// Open is the action asked without a signature.
func (a Action) Open() Action {
	a.Unsigned = true
	return a
}

// Service is a Query service: its actions, XML namespace and version.
type Service struct {
	Name      string // signing name, "sts"
	Namespace string // xmlns
	Version   string // "2011-06-15"
	Actions   []Action
}
