package iam

import (
	"net/url"
	"strings"
)

// percentEncode writes a document as IAM's responses do: everything but RFC 3986's unreserved characters percent-encoded. botocore decodes it
// again; the Go and JavaScript SDKs hand it on as it is.
func percentEncode(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

// under reports whether a path begins with a prefix; "" is every path's.
func under(path, prefix string) bool { return strings.HasPrefix(path, prefix) }
