package sigv4

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// checkPath refuses paths that some clients normalise before signing and others don't: doubled slashes and dot segments, escaped or not.
// No route has any.
func checkPath(escaped string) error {
	if escaped != "" && escaped[0] != '/' || strings.Contains(escaped, "//") {
		return errors.New("the path has an empty segment")
	}
	for segment := range strings.SplitSeq(escaped, "/") {
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case ".", "..":
			return errors.New("the path has a dot segment")
		}
	}
	return nil
}

// canonicalRequest is the text whose hash is signed.
func (s *Signature) canonicalRequest(r *http.Request, payloadHash string) (string, error) {
	var b strings.Builder
	b.Grow(1024)
	b.WriteString(r.Method)
	b.WriteByte('\n')
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	escape(&b, path, true) // escaped a second time: every service but S3
	b.WriteByte('\n')
	canonicalQuery(&b, s.query)
	b.WriteByte('\n')
	for _, name := range s.headers {
		value, err := headerValue(r, name)
		if err != nil {
			return "", err
		}
		b.WriteString(name)
		b.WriteByte(':')
		b.WriteString(value)
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(strings.Join(s.headers, ";"))
	b.WriteByte('\n')
	b.WriteString(payloadHash)
	return b.String(), nil
}

// canonicalQuery encodes every name and value anew, then sorts: by name, then by value.
func canonicalQuery(b *strings.Builder, query []Param) {
	encoded := make([]Param, len(query))
	for i, p := range query {
		encoded[i] = Param{escaped(p.Name), escaped(p.Value)}
	}
	slices.SortFunc(encoded, func(x, y Param) int {
		if c := strings.Compare(x.Name, y.Name); c != 0 {
			return c
		}
		return strings.Compare(x.Value, y.Value)
	})
	for i, p := range encoded {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.Name)
		b.WriteByte('=')
		b.WriteString(p.Value)
	}
}

func escaped(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 8)
	escape(&b, s, false)
	return b.String()
}

// headerValue is a signed header as the client signed it. net/http takes Host and Content-Length out of the header map.
func headerValue(r *http.Request, name string) (string, error) {
	switch name {
	case "host":
		return r.Host, nil
	case "content-length":
		if r.ContentLength < 0 {
			return "", errors.New("content-length is signed, and the body came without a length")
		}
		return strconv.FormatInt(r.ContentLength, 10), nil
	}
	values := r.Header.Values(name)
	if len(values) == 0 {
		return "", fmt.Errorf("the signed header %s is not in the request", name)
	}
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = collapse(strings.Trim(v, " \t"))
	}
	return strings.Join(trimmed, ","), nil
}

// collapse makes each run of spaces one.
func collapse(v string) string {
	for strings.Contains(v, "  ") {
		v = strings.ReplaceAll(v, "  ", " ")
	}
	return v
}

// checkUnsigned refuses x-amz-* headers that are not covered by the signature. The session token may be added after signing (see the
// package's doc); Content-Type may be, as curl leaves it out, because each endpoint reads bodies of one type only.
func (s *Signature) checkUnsigned(r *http.Request) error {
	for name := range r.Header {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "x-amz-") || lower == "x-amz-security-token" {
			continue
		}
		if _, signed := slices.BinarySearch(s.headers, lower); !signed {
			return fmt.Errorf("the header %s is not signed", lower)
		}
	}
	return nil
}
