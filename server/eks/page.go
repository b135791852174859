package eks

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"iter"
)

// page is the part of a listing that is asked for.
type page struct {
	MaxResults *int   `query:"maxResults" json:"-"`
	NextToken  string `query:"nextToken" json:"-"`
}

const maxResults = 100

// listing is what a page is one of. A token is good only for the listing it came from.
type listing struct {
	Of             string `json:"of"`
	Cluster        string `json:"c,omitempty"`
	Namespace      string `json:"n,omitempty"`
	ServiceAccount string `json:"s,omitempty"`
}

// position is the content of a token: the listing, and the key of the last item that was given. Nothing is lost or given twice if items come and
// go between two pages, that one included.
type position struct {
	listing
	After string `json:"after"`
}

// take reads one page. from yields the items whose keys are behind one, in the order of their keys.
func take[T any](p page, l listing, from func(after string) iter.Seq2[string, T]) (items []T, next string, err error) {
	limit := maxResults
	if p.MaxResults != nil {
		if limit = *p.MaxResults; limit < 1 || limit > maxResults {
			return nil, "", invalidParameter("maxResults: it is 1 to %d, not %d.", maxResults, limit)
		}
	}
	after := ""
	if p.NextToken != "" {
		if after, err = l.after(p.NextToken); err != nil {
			return nil, "", err
		}
	}
	items = []T{}
	last := ""
	for key, item := range from(after) {
		if len(items) == limit {
			next, err := l.token(last)
			return items, next, err
		}
		items = append(items, item)
		last = key
	}
	return items, "", nil
}

func (l listing) token(last string) (string, error) {
	text, err := json.Marshal(position{l, last})
	return base64.RawURLEncoding.EncodeToString(text), err
}

// maxToken is longer than any token given out.
const maxToken = 4096

func (l listing) after(token string) (string, error) {
	refused := invalidParameter("nextToken: it is not one of this listing.")
	if len(token) > maxToken {
		return "", refused
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return "", refused.Because(err)
	}
	var p position
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return "", refused.Because(err)
	}
	if p.listing != l || p.After == "" {
		return "", refused
	}
	return p.After, nil
}
