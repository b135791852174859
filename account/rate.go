package account

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithy "github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

// Rates are calls a second to each API, tries included; 0 is the default. AWS counts per account and region, so that what a command takes others of the
// account do not have: the defaults leave most of it to them.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html; IAM publishes no rates, its calls were seen to be throttled from 15 to
// 20 a second on.
type Rates struct {
	IAMRead, IAMWrite float64 // 10 and 5
	EKSRead, EKSWrite float64 // 10 and 5
	STS, EC2          float64 // 20 and 10
}

// burst is how many calls go at once before the rate counts: a single grant is not to wait for its own ten calls.
const burst = 5

// maxAttempts of one call. Back-off doubles up to 20 s: throttling that goes on for minutes is waited for.
const maxAttempts = 10

// limiters hold the calls of one account to its rates. They are asked before every try, so that retries count as the calls they are.
type limiters struct {
	iamRead, iamWrite, eksRead, eksWrite, sts, ec2 *rate.Limiter
}

func (r Rates) limiters() *limiters {
	of := func(asked, otherwise float64) *rate.Limiter {
		if asked <= 0 {
			asked = otherwise
		}
		return rate.NewLimiter(rate.Limit(asked), burst)
	}
	return &limiters{of(r.IAMRead, 10), of(r.IAMWrite, 5), of(r.EKSRead, 10), of(r.EKSWrite, 5), of(r.STS, 20), of(r.EC2, 10)}
}

func (l *limiters) of(service, operation string) *rate.Limiter {
	reads := strings.HasPrefix(operation, "Get") || strings.HasPrefix(operation, "List") || strings.HasPrefix(operation, "Describe")
	switch {
	case service == "IAM" && reads:
		return l.iamRead
	case service == "IAM":
		return l.iamWrite
	case service == "EKS" && reads:
		return l.eksRead
	case service == "EKS":
		return l.eksWrite
	case service == "STS":
		return l.sts
	}
	return l.ec2
}

// limit makes every client of a configuration keep to the rates, and wait out being throttled all the same.
func (r Rates) limit(config aws.Config, waited func(why string, wait time.Duration)) aws.Config {
	config = config.Copy()
	limits := r.limiters()
	config.APIOptions = append(append([]func(*smithy.Stack) error{}, config.APIOptions...), func(stack *smithy.Stack) error {
		// Behind the retryer, which stands in the same step: once a try.
		return stack.Finalize.Insert(smithy.FinalizeMiddlewareFunc("podpass.Rate", func(ctx context.Context, in smithy.FinalizeInput, next smithy.FinalizeHandler) (smithy.FinalizeOutput, smithy.Metadata, error) {
			if err := limits.of(middleware.GetServiceID(ctx), middleware.GetOperationName(ctx)).Wait(ctx); err != nil {
				return smithy.FinalizeOutput{}, smithy.Metadata{}, err
			}
			return next.HandleFinalize(ctx, in)
		}), "Retry", smithy.After)
	})
	inner := config.Retryer
	config.Retryer = func() aws.Retryer {
		var retryer aws.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.RateLimiter = maxAttempts, noBudget{} // the limiters are the budget
			o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(NothingListens), retry.RetryableErrorCode{Codes: concurrent}}, o.Retryables...)
		})
		if inner != nil {
			retryer = inner()
		}
		return &toldRetryer{Retryer: retryer, waited: waited}
	}
	return config
}

// concurrent are what IAM says of an entity that somebody else is changing, or has just changed.
var concurrent = map[string]struct{}{"ConcurrentModification": {}, "ConcurrentModificationException": {}, "EntityTemporarilyUnmodifiable": {}, "EntityTemporarilyUnmodifiableException": {}}

// NothingListens keeps the SDK from trying again, for seconds, where no server has been started: that is to be said at once.
func NothingListens(err error) aws.Ternary {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// noBudget lets every retry through: the SDK's own budget would give up a batch of hundreds in the middle of being throttled.
type noBudget struct{}

func (noBudget) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}
func (noBudget) AddTokens(uint) error { return nil }

// toldRetryer says when it waits.
type toldRetryer struct {
	aws.Retryer
	waited func(why string, wait time.Duration)
}

// RetryDelay is the wait before the next attempt.
func (r *toldRetryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	wait, failed := r.Retryer.RetryDelay(attempt, err)
	if failed == nil && r.waited != nil {
		r.waited(err.Error(), wait)
	}
	return wait, failed
}
