package record

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/podpass/podpass/server/awserr"
)

// maxAhead is how much room a request's word for its length gets before the bytes are there.
const maxAhead = 64 << 10

// ReadBody reads the body of a request that Serve has capped.
func ReadBody(r *http.Request) ([]byte, error) {
	var content bytes.Buffer
	content.Grow(int(min(max(r.ContentLength, 0), maxAhead)) + bytes.MinRead)
	_, err := content.ReadFrom(r.Body)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, awserr.New(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("The body is larger than %d bytes.", large.Limit))
	case err != nil:
		return nil, awserr.New(http.StatusBadRequest, "RequestTimeout", "The body could not be read to its end.").Because(err)
	}
	return content.Bytes(), nil
}

// Clip cuts what a caller sent to what is worth repeating, at a character's edge.
func Clip(s string, max int) string {
	if len(s) <= max {
		return s
	}
	for max > 0 && !utf8.RuneStart(s[max]) {
		max--
	}
	return s[:max]
}
