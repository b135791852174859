package api

import (
	"context"
	"net/http"
)

// Change is what applying did, or would do, to an object.
type Change string

const (
	Created   Change = "created"
	Updated   Change = "updated"
	Unchanged Change = "unchanged"
)

// ApplyRequest holds documents that are applied together: all of them, or none.
type ApplyRequest struct {
	Documents []Document `json:"documents"`
	DryRun    bool       `json:"dryRun,omitempty"` // say what would change and change nothing
}

// ApplyResult lists the changes in the order of the documents.
type ApplyResult struct {
	Changes []ObjectChange `json:"changes"`
}

// ObjectChange is one document's effect.
type ObjectChange struct {
	Kind      string   `json:"kind"`
	Namespace string   `json:"namespace,omitempty"`
	Name      string   `json:"name"`
	ARN       string   `json:"arn,omitempty"`
	Action    Change   `json:"action"`
	Diff      []string `json:"diff,omitempty"` // lines of the object as YAML, each behind "  ", "+ " or "- "
}

// Apply makes the documents so. Applying the same documents again changes nothing.
func (c *Client) Apply(ctx context.Context, in *ApplyRequest) (*ApplyResult, error) {
	out := new(ApplyResult)
	return out, c.call(ctx, http.MethodPost, path("apply"), in, out)
}
