package awsquery

import (
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/podpass/podpass/server/awserr"
	"github.com/podpass/podpass/server/record"
	"github.com/podpass/podpass/server/sigv4"
)

// Form holds a request's decoded parameters, of query string and body together. No name is there twice.
type Form struct {
	values map[string]string
	sorted []string // names, made when a list is first asked for
}

// Get is a parameter's value; ok is false where it was not sent.
func (f *Form) Get(name string) (value string, ok bool) {
	value, ok = f.values[name]
	return value, ok
}

// under yields the names beginning with prefix, in order.
func (f *Form) under(prefix string) []string {
	if f.sorted == nil {
		f.sorted = make([]string, 0, len(f.values))
		for name := range f.values {
			f.sorted = append(f.sorted, name)
		}
		slices.Sort(f.sorted)
	}
	from, _ := slices.BinarySearch(f.sorted, prefix)
	to := from
	for to < len(f.sorted) && strings.HasPrefix(f.sorted[to], prefix) {
		to++
	}
	return f.sorted[from:to]
}

// has reports whether any parameter begins with prefix.
func (f *Form) has(prefix string) bool { return len(f.under(prefix)) > 0 }

// ParseForm reads the parameters of a request: its query string's and its body's, which must be a form if it is not empty.
// Errors are *awserr.Error.
func ParseForm(r *http.Request, body []byte) (*Form, error) {
	f := &Form{values: make(map[string]string, 8)}
	if err := f.add(r.URL.RawQuery); err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return f, nil
	}
	if err := isForm(r.Header); err != nil {
		return nil, err
	}
	if err := f.add(string(body)); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *Form) add(text string) error {
	params, err := sigv4.ParseQuery(text)
	switch {
	case errors.Is(err, sigv4.ErrMany):
		return malformed("The request has too many parameters.")
	case err != nil:
		return awserr.New(http.StatusNotFound, "MalformedQueryString", "The query string contains a syntax error.").Because(err)
	}
	for _, p := range params {
		if !utf8.ValidString(p.Name) || !utf8.ValidString(p.Value) {
			return awserr.New(http.StatusNotFound, "MalformedQueryString", "The query string contains a syntax error.").
				Because(errors.New("a parameter is not UTF-8"))
		}
		if _, twice := f.values[p.Name]; twice {
			return awserr.New(http.StatusBadRequest, "InvalidQueryParameter", "The parameter '"+record.Clip(p.Name, 128)+"' is given more than once.")
		}
		f.values[p.Name] = p.Value
	}
	if len(f.values) > sigv4.MaxParams {
		return malformed("The request has too many parameters.")
	}
	return nil
}

// isForm wants exactly one Content-Type, of a form, in UTF-8 if it names a character set.
func isForm(h http.Header) error {
	refused := malformed("The Content-Type of the request must be application/x-www-form-urlencoded.")
	types := h.Values("Content-Type")
	if len(types) != 1 {
		return refused
	}
	kind, params, err := mime.ParseMediaType(types[0])
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return refused
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return refused
	}
	return nil
}

func malformed(message string) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "MalformedInput", message)
}
