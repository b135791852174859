package webhook

import (
	"context"
	"strings"
)

// Review decides on one review. required is whether its pod, or the pod's namespace, would rather have no pod than one without its identity.
func (w *Webhook) Review(ctx context.Context, r *Review, required bool) Verdict {
	if r.Request.Object == nil {
		w.metrics.decided(&Decision{Reason: NotPodCreation})
		return Verdict{Allowed: true, Audit: []Mark{{"reason", string(NotPodCreation)}}, Warnings: []string{
			Finding{NotPodCreation, "the webhook was sent something other than a pod being created: its configuration's rules are too wide"}.Warning(),
		}}
	}
	pod := r.Request.Object
	if reason, ok := w.rules.Skips(pod); ok {
		w.metrics.decided(&Decision{Reason: reason})
		return Verdict{Allowed: true, Audit: []Mark{{"reason", string(reason)}}}
	}
	facts := w.lookUp(ctx, pod)
	decision := w.rules.Decide(pod, facts)
	if !facts.Account.Found && facts.AccountErr == nil {
		w.metrics.missingAccounts.Inc()
	}
	v := Verdict{Allowed: true, Patch: Patch(pod, &decision), Audit: audit(&decision)}
	if len(decision.Findings) > 0 {
		v.Warnings = Warnings(decision.Findings)
	}
	if required {
		if refusal, refused := w.refuse(pod, facts, &decision); refused {
			v.Allowed, v.Patch, v.Refusal = false, nil, refusal
		}
	}
	w.metrics.decided(&decision)
	w.log(ctx, r, &decision, &v)
	return v
}

// refuse says whether a pod that is to be refused rather than go without its identity has to be.
func (w *Webhook) refuse(pod *Pod, facts Facts, d *Decision) (Refusal, bool) {
	switch label, _ := pod.Metadata.Labels.Get(Inject); {
	case facts.AccountErr != nil:
		d.Reason = LookupFailed
		return unavailable("podpass: service account " + pod.Metadata.Namespace + "/" + pod.ServiceAccount() +
			" could not be read, and the pod requires its identity: try again (LookupFailed)"), true
	case facts.Stale:
		d.Reason = AssociationStale
		return unavailable("podpass: whether " + pod.Metadata.Namespace + "/" + pod.ServiceAccount() +
			" has an association is not known for certain, and the pod requires its identity: see that the podpass server is up, and try again (AssociationStale)"), true
	case d.Reason == InvalidRoleARN:
		return forbidden(d.why(InvalidRoleARN)), true
	case d.Reason == NoIdentity && label == InjectRequired:
		return forbidden("podpass: the pod is labelled " + Inject + "=" + InjectRequired + ", and service account " + pod.Metadata.Namespace + "/" +
			pod.ServiceAccount() + " has neither an association nor annotation " + w.rules.keys.role + " (NoIdentity)"), true
	}
	return Refusal{}, false
}

// why is the finding with that reason, as a message.
func (d *Decision) why(reason Reason) string {
	for _, f := range d.Findings {
		if f.Reason == reason {
			return f.Warning()
		}
	}
	return "podpass: (" + string(reason) + ")"
}

// audit is the decision for the API server's audit log. The findings are codes alone: their texts are in the warnings.
func audit(d *Decision) []Mark {
	marks := make([]Mark, 0, 4)
	marks = append(marks, Mark{"reason", string(d.Reason)}, Mark{"mechanism", d.Mechanism.String()})
	if d.RoleARN != "" {
		marks = append(marks, Mark{"role-arn", d.RoleARN})
	}
	if len(d.Findings) > 0 {
		codes := make([]string, len(d.Findings))
		for i, f := range d.Findings {
			codes[i] = string(f.Reason)
		}
		marks = append(marks, Mark{"findings", strings.Join(codes, ",")})
	}
	return marks
}

// lookUp asks for account, associations and mapping at once, and waits no longer than the bound: what has not answered by then has failed.
func (w *Webhook) lookUp(ctx context.Context, pod *Pod) Facts {
	ctx, cancel := context.WithTimeout(ctx, w.config.Timeout)
	defer cancel()
	namespace, name := pod.Metadata.Namespace, pod.ServiceAccount()

	facts := Facts{Version: w.config.Version(), Jitter: w.config.Jitter()}
	type read struct {
		account Account
		err     error
	}
	accounts := make(chan read, 1)
	go func() {
		account, err := w.config.Accounts.Account(ctx, namespace, name)
		accounts <- read{account, err}
	}()
	if len(w.config.Associations) > 0 {
		facts.Associated, facts.Stale = w.associated(ctx, namespace, name)
	}
	select {
	case r := <-accounts:
		facts.Account, facts.AccountErr = r.account, r.err
	case <-ctx.Done():
		facts.AccountErr = ctx.Err()
	}
	if facts.AccountErr != nil {
		facts.Account = Account{}
	}
	if w.config.Mappings != nil {
		if m, ok := w.config.Mappings.Mapping(namespace, name); ok {
			facts.Mapping = &m
		}
	}
	return facts
}

// associated asks the sources in order. An association that a source is sure of settles the question, whatever another may have missed.
func (w *Webhook) associated(ctx context.Context, namespace, name string) (associated, stale bool) {
	type answer struct{ associated, stale bool }
	done := make(chan answer, 1)
	go func() {
		var a answer
		for _, source := range w.config.Associations {
			has, current := source.Associated(ctx, namespace, name)
			if has && current {
				done <- answer{true, false}
				return
			}
			a.associated = a.associated || has
			a.stale = a.stale || !current
		}
		done <- a
	}()
	select {
	case a := <-done:
		return a.associated, a.stale
	case <-ctx.Done():
		return false, true
	}
}

// log says at once what an operator must act on, and everything else when asked for.
func (w *Webhook) log(ctx context.Context, r *Review, d *Decision, v *Verdict) {
	pod := r.Request.Object
	args := func() []any {
		codes := make([]Reason, len(d.Findings))
		for i, f := range d.Findings {
			codes[i] = f.Reason
		}
		return []any{
			"namespace", pod.Metadata.Namespace, "pod", pod.DisplayName(), "service_account", pod.ServiceAccount(),
			"reason", d.Reason, "mechanism", d.Mechanism.String(), "findings", codes, "uid", r.Request.UID,
		}
	}
	switch {
	case !v.Allowed:
		w.config.Log.WarnContext(ctx, "pod refused", args()...)
	case len(d.Findings) > 0:
		w.config.Log.InfoContext(ctx, "pod reviewed", args()...)
	case w.config.Log.Enabled(ctx, -4):
		w.config.Log.DebugContext(ctx, "pod reviewed", args()...)
	}
}
