package grant

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/identity"
)

// How long a proof waits for what was changed to come into effect: IAM and associations on AWS take seconds.
const (
	rolePatience      = 15 * time.Second
	injectionPatience = 30 * time.Second
	exchangePatience  = 60 * time.Second
	firstPause        = 500 * time.Millisecond
	longestPause      = 5 * time.Second
)

// ProofError says that a grant is made, and is not proved.
type ProofError struct {
	Refused bool // the exchange was refused; else it could not be tried
	err     error
}

func (e *ProofError) Error() string { return e.err.Error() }
func (e *ProofError) Unwrap() error { return e.err }

func unproved(refused bool, format string, args ...any) error {
	return &ProofError{Refused: refused, err: fmt.Errorf(format, args...)}
}

// Prove makes a pod of the service account that is never scheduled, looks at what it was given, exchanges a token of its, and asks STS who that is. It tries
// again until what was changed is in effect. It returns the caller's ARN.
func Prove(ctx context.Context, w World, plan *Plan) (caller string, err error) {
	name := plan.Spec.Account
	deadline := time.Now().Add(injectionPatience)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		witness, err := w.Service.Witness(ctx, name)
		if err != nil {
			return "", unproved(false, "no pod could be made to prove it with: %w", err)
		}
		lacks := plan.lacks(witness.Environment())
		if lacks == nil {
			caller, err = w.exchange(ctx, plan, witness)
		}
		if closed := witness.Close(context.WithoutCancel(ctx)); err == nil && closed != nil {
			err = unproved(false, "the pod that proved it is still there: %w", closed)
		}
		if lacks == nil {
			return caller, err
		}
		if time.Now().After(deadline) {
			return "", unproved(true, "pods of service account %s are not given the role: %w", name, lacks)
		}
		if err := wait(ctx, pause); err != nil {
			return "", unproved(false, "%w", err)
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lacks is what a pod's container should have been given and was not. Either mechanism may come through the agent.
func (p *Plan) lacks(environment map[string]string) error {
	if environment == nil { // of a cluster that injects nothing by its nature
		return nil
	}
	uri := environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
	switch {
	case p.Mechanism == PodIdentity && uri == "":
		return errors.New("no AWS_CONTAINER_CREDENTIALS_FULL_URI in a new pod: is the webhook running?")
	case p.Mechanism == IRSA && uri != "" && !strings.Contains(uri, "role-arn="):
		return errors.New("a new pod gets container credentials: an association goes before the annotation")
	case p.Mechanism == IRSA && uri == "" && environment["AWS_ROLE_ARN"] == "":
		return errors.New("no AWS_ROLE_ARN in a new pod: is the webhook running?")
	case p.Mechanism == IRSA && uri == "" && environment["AWS_ROLE_ARN"] != p.Role.String():
		return fmt.Errorf("a new pod gets role %s", environment["AWS_ROLE_ARN"])
	}
	return nil
}

// exchange repeats what is refused for as long as that may be IAM's delay, and once more with its reason. Who may not call EKS Auth proves nothing by
// asking again.
func (w World) exchange(ctx context.Context, plan *Plan, witness Witness) (string, error) {
	deadline := time.Now().Add(exchangePatience)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		caller, err := w.try(ctx, plan, witness)
		if err == nil {
			return caller, plan.isRole(caller)
		}
		_, refused := account.Refusal(err)
		if !refused || time.Now().After(deadline) {
			return "", unproved(refused, "the exchange failed: %w", err)
		}
		if err := wait(ctx, pause); err != nil {
			return "", unproved(false, "%w", err)
		}
	}
}

func (w World) try(ctx context.Context, plan *Plan, witness Witness) (string, error) {
	audience := plan.Audience
	if plan.Mechanism == PodIdentity {
		audience = identity.PodIdentity
	}
	if given := witness.Audience(); given != "" {
		audience = given // whatever that comes to: it is what pods present
	}
	token, err := witness.Token(ctx, audience)
	if err != nil {
		return "", err
	}
	if plan.Mechanism == PodIdentity {
		return w.Home.Exchange().PodIdentity(ctx, w.Cluster.Name, token)
	}
	return w.Home.Exchange().WebIdentity(ctx, plan.Role.String(), token)
}

func (p *Plan) isRole(caller string) error {
	want := p.Role
	if !p.TargetRole.IsZero() {
		want = p.TargetRole
	}
	arn, err := identity.ParseARN(caller)
	parts := strings.Split(arn.Resource(), "/")
	if err != nil || arn.Account() != want.Account() || len(parts) != 3 || parts[0] != "assumed-role" || parts[1] != want.ResourceName() {
		return unproved(true, "the exchange gave %s, which is not a session of %s", caller, want)
	}
	return nil
}
