package upstream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// EKSAuth is a client of EKS Auth, AWS's or ours. The SDK has a module for this one call, which Podpass does without.
type EKSAuth struct {
	endpoints   *Endpoints
	credentials aws.CredentialsProvider
	http        *http.Client
	signer      *v4.Signer
}

// NewEKSAuth makes a client that signs with the given credentials. The HTTP client should be one of NewHTTPClient's.
func NewEKSAuth(endpoints *Endpoints, credentials aws.CredentialsProvider, client *http.Client) *EKSAuth {
	return &EKSAuth{endpoints, credentials, client, v4.NewSigner()}
}

// PodIdentity is EKS Auth's answer.
type PodIdentity struct {
	Credentials               Credentials
	Namespace, ServiceAccount string
	AssociationARN            string
	AssociationID             string // a-…
	AssumedRoleARN            string
	AssumedRoleID             string // "AROA…:name"
	Endpoint                  string // base URL of the endpoint that answered
}

// AssumeRoleForPodIdentity exchanges a pod's token. The error is an *Error where EKS Auth refused, an *Unavailable where no endpoint answered,
// and any other where the caller has no credentials to sign with.
//
// Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_auth_AssumeRoleForPodIdentity.html
func (c *EKSAuth) AssumeRoleForPodIdentity(ctx context.Context, cluster, token string) (*PodIdentity, error) {
	// Before any endpoint is asked: credentials that can't be had are no endpoint's fault.
	signing, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("no credentials to sign with: %w", err)
	}
	var out *PodIdentity
	_, err = c.endpoints.Do(ctx, func(ctx context.Context, e Endpoint) (err error) {
		out, err = c.ask(ctx, e, signing, cluster, token)
		return err
	})
	return out, err
}

func (c *EKSAuth) ask(ctx context.Context, e Endpoint, signing aws.Credentials, cluster, token string) (*PodIdentity, error) {
	body, err := json.Marshal(map[string]string{"token": token})
	if err != nil {
		return nil, err
	}
	target := e.URL + "/clusters/" + url.PathEscape(cluster) + "/assume-role-for-pod-identity"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	hash := sha256.Sum256(body)
	if err := c.signer.SignHTTP(ctx, signing, r, hex.EncodeToString(hash[:]), "eks-auth", e.Region, c.endpoints.now()); err != nil {
		return nil, err
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, NoAnswer(bare(err))
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, NoAnswer(fmt.Errorf("the answer broke off: %w", err))
	}
	if res.StatusCode != http.StatusOK {
		return nil, readError(e, res, answer).clean(token, signing.SessionToken)
	}
	return readPodIdentity(e, answer, c.endpoints.now())
}

func readPodIdentity(e Endpoint, body []byte, now time.Time) (*PodIdentity, error) {
	var doc struct {
		Subject                struct{ Namespace, ServiceAccount string }
		PodIdentityAssociation struct{ AssociationArn, AssociationID string }
		AssumedRoleUser        struct{ Arn, AssumeRoleID string } // sic, and not as STS spells it
		Credentials            struct {
			AccessKeyID, SecretAccessKey, SessionToken string
			Expiration                                 float64 // epoch seconds
		}
	}
	if json.Unmarshal(body, &doc) != nil {
		return nil, NoAnswer(errors.New("the answer is not EKS Auth's"))
	}
	seconds, fraction := math.Modf(doc.Credentials.Expiration)
	out := &PodIdentity{
		Credentials: Credentials{
			AccessKeyID: doc.Credentials.AccessKeyID, SecretAccessKey: doc.Credentials.SecretAccessKey, SessionToken: doc.Credentials.SessionToken,
			Expiration: time.Unix(int64(seconds), int64(fraction*1e9)).UTC(),
		},
		Namespace: doc.Subject.Namespace, ServiceAccount: doc.Subject.ServiceAccount,
		AssociationARN: doc.PodIdentityAssociation.AssociationArn, AssociationID: doc.PodIdentityAssociation.AssociationID,
		AssumedRoleARN: doc.AssumedRoleUser.Arn, AssumedRoleID: doc.AssumedRoleUser.AssumeRoleID, Endpoint: e.URL,
	}
	return out, out.Credentials.check(now)
}

// readError makes an Error of a REST-JSON refusal. A proxy may have written it, so nothing about its body is taken for granted.
func readError(e Endpoint, res *http.Response, body []byte) *Error {
	out := &Error{
		Status: res.StatusCode, Code: res.Header.Get("X-Amzn-Errortype"), RequestID: res.Header.Get("X-Amzn-Requestid"),
		Reason: res.Header.Get(reasonHeader), Endpoint: e.URL,
	}
	var doc struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &doc) == nil {
		out.Message = doc.Message
		for _, code := range []string{doc.Code, doc.Type} {
			if out.Code == "" {
				out.Code = code
			}
		}
	}
	// "aws.protocol#Name:http://internal.amazon.com/coral/…" is Name.
	out.Code, _, _ = strings.Cut(out.Code, ":")
	out.Code = out.Code[strings.LastIndexByte(out.Code, '#')+1:]
	return out
}

// reasonHeader is where another podpass says why it refused.
const reasonHeader = "Podpass-Reason"

// bare is what went wrong on the wire without the request it went wrong for.
func bare(err error) error {
	var wire *url.Error
	if errors.As(err, &wire) {
		return wire.Err
	}
	return err
}

// check refuses credentials that nobody could use.
func (c Credentials) check(now time.Time) error {
	switch {
	case c.AccessKeyID == "" || c.SecretAccessKey == "" || c.SessionToken == "":
		return NoAnswer(errors.New("the answer holds no whole set of credentials"))
	case !c.Expiration.After(now):
		return NoAnswer(errors.New("the answer's credentials have expired already"))
	}
	return nil
}
