package webhook

// Role is the role that pods of an account get by its annotations or, where those name none, by its mapping, and which of the two it was.
// With an empty ARN the reason is InvalidRoleARN or NoIdentity. Associations go before it.
func (r *Rules) Role(annotations map[string]string, mapping Mapping) (arn string, reason Reason) {
	d := decider{rules: r, pod: &Pod{}, facts: &Facts{Account: Account{Found: true, Annotations: annotations}}, mapping: mapping}
	return d.role()
}
