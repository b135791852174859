package main

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/smithy-go"
	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/api"
)

// eks is a client of the EKS API at the connection's endpoint: associations are EKS's own, so that what speaks to podpass speaks to EKS.
func (conn *connection) eks() *eks.Client {
	return eks.New(eks.Options{
		BaseEndpoint: &conn.endpoint, Region: conn.region, Credentials: conn.credentials, HTTPClient: conn.http,
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(account.NothingListens)}, o.Retryables...)
		}),
	})
}

// refusal makes an SDK's error what the client of podpass's own API returns, so that the same hints fit.
func refusal(err error) error {
	said, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err
	}
	out := &api.Error{Code: said.ErrorCode(), Message: said.ErrorMessage()}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		out.Status, out.RequestID = answer.HTTPStatusCode(), answer.ServiceRequestID()
	}
	if out.Code == "UnknownError" { // what answered is no AWS API
		out.Code, out.Message = "UnexpectedAnswer", "the endpoint answered as no EKS API would: check AWS_ENDPOINT_URL"
	}
	return out
}

// refusedWith reports whether an error is a refusal with a code.
func refusedWith(err error, code string) bool {
	refused, ok := errors.AsType[*api.Error](refusal(err))
	return ok && refused.Code == code
}
