package webhook

import (
	"encoding/base64"
	"strconv"
)

// appendAnswer writes the review that answers r: its own version, its own uid.
func appendAnswer(b []byte, r *Review, v *Verdict) []byte {
	b = quote(append(b, `{"kind":"AdmissionReview","apiVersion":`...), r.APIVersion)
	b = quote(append(b, `,"response":{"uid":`...), r.Request.UID)
	b = strconv.AppendBool(append(b, `,"allowed":`...), v.Allowed)
	if !v.Allowed {
		b = strconv.AppendInt(append(b, `,"status":{"status":"Failure","code":`...), int64(v.Refusal.Code), 10)
		b = quote(append(b, `,"reason":`...), v.Refusal.Reason)
		b = append(quote(append(b, `,"message":`...), v.Refusal.Message), '}')
	}
	if v.Allowed && len(v.Patch) > 0 {
		b = base64.StdEncoding.AppendEncode(append(b, `,"patchType":"JSONPatch","patch":"`...), appendPatch(nil, v.Patch))
		b = append(b, '"')
	}
	for i, w := range v.Warnings {
		b = quote(append(b, separator(i, `,"warnings":[`)...), w)
	}
	if len(v.Warnings) > 0 {
		b = append(b, ']')
	}
	for i, m := range v.Audit {
		b = quote(append(b, separator(i, `,"auditAnnotations":{`)...), m.Key)
		b = quote(append(b, ':'), m.Value)
	}
	if len(v.Audit) > 0 {
		b = append(b, '}')
	}
	return append(b, `}}`...)
}

func separator(i int, first string) string {
	if i == 0 {
		return first
	}
	return ","
}

// appendPatch writes a patch document.
func appendPatch(b []byte, operations []Operation) []byte {
	b = append(b, '[')
	for i := range operations {
		o := &operations[i]
		b = quote(append(append(b, separator(i, "")...), `{"op":`...), o.Op)
		b = quote(append(b, `,"path":`...), o.Path)
		b = append(append(append(b, `,"value":`...), o.Value...), '}')
	}
	return append(b, ']')
}
