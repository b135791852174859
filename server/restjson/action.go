package restjson

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"

	"github.com/podpass/podpass/audit"
	"github.com/podpass/podpass/server/access"
)

// Call is one request as an action sees it.
type Call struct {
	Request   *http.Request
	RequestID string
	Caller    access.Caller
	Event     *audit.Event // the action fills in what it learns; the pipeline records it, whatever the outcome
}

// Action is one operation of a service.
type Action struct {
	Name    string
	method  string
	pattern pattern
	run     func(ctx context.Context, c *Call, in input) ([]byte, error)
}

// input is where an action's parameters come from.
type input struct {
	labels map[string]string
	query  url.Values
	body   []byte
	strict bool
}

// NewAction makes an action of a typed function, served at a method and a path such as "/clusters/{name}".
//
// The JSON body, if there is one, is decoded into In. Fields of In tagged `label:"name"` (string) take the path's label, and those tagged
// `query:"name"` (string, *int, bool or []string) the query parameter; both need `json:"-"`. Out is written as JSON; nil is the empty object.
func NewAction[In, Out any](name, method, path string, do func(ctx context.Context, c *Call, in *In) (*Out, error)) Action {
	fields := bindings(reflect.TypeFor[In]())
	run := func(ctx context.Context, c *Call, from input) ([]byte, error) {
		in := new(In)
		if err := decodeBody(from.body, in, from.strict); err != nil {
			return nil, err
		}
		if err := fields.fill(reflect.ValueOf(in).Elem(), from); err != nil {
			return nil, err
		}
		out, err := do(ctx, c, in)
		if err != nil {
			return nil, err
		}
		if out == nil {
			return []byte("{}"), nil
		}
		return json.Marshal(out)
	}
	return Action{Name: name, method: method, pattern: parsePattern(path), run: run}
}

// Service is a REST-JSON service.
type Service struct {
	Name    string // signing name, "eks"
	Strict  bool   // refuse unknown members and query parameters; AWS's services ignore them
	Fault   string // what the service's model calls a failure of its own; default: InternalServerException
	Actions []Action
}
