package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Service is the signing name of the API.
const Service = "podpass"

// Prefix of every path of the API.
const Prefix = "/podpass/v1/"

// maxAnswer is the longest answer read, in bytes: the list of everything an account may hold fits.
const maxAnswer = 64 << 20

// Config of a Client.
type Config struct {
	Endpoint    string // base URL of the server, "http://127.0.0.1:8600"
	Region      string // region the requests are signed for; any well-formed one
	Credentials aws.CredentialsProvider
	HTTP        HTTP             // default: an *http.Client with a 30 s time-out
	Now         func() time.Time // default time.Now
}

// HTTP does one request: an *http.Client, or the client aws-sdk-go-v2's config makes, which honours AWS_CA_BUNDLE.
type HTTP interface {
	Do(*http.Request) (*http.Response, error)
}

// Client calls a Podpass server. It is safe for concurrent use.
type Client struct {
	base        string
	region      string
	credentials aws.CredentialsProvider
	http        HTTP
	now         func() time.Time
	signer      *v4.Signer
}

// New makes a client; it makes no call.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("endpoint %q is not a URL such as http://127.0.0.1:8600", c.Endpoint)
	}
	if c.Credentials == nil {
		return nil, errors.New("no credentials: source the env file `podpass up` writes, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	if c.Region == "" {
		return nil, errors.New("no region: set AWS_REGION")
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: 30 * time.Second}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Client{
		base: strings.TrimSuffix(c.Endpoint, "/"), region: c.Region, credentials: c.Credentials,
		http: c.HTTP, now: c.Now, signer: v4.NewSigner(),
	}, nil
}

// path joins segments behind the API's prefix, each escaped.
func path(segments ...string) string {
	escaped := make([]string, len(segments))
	for i, s := range segments {
		escaped[i] = url.PathEscape(s)
	}
	return Prefix + strings.Join(escaped, "/")
}

// call sends in (nil: no body) and decodes the answer into out (nil: dropped). A refusal is an *Error.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	credentials, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("no credentials for the Podpass API: %w", err)
	}
	hash := sha256.Sum256(body)
	if err := c.signer.SignHTTP(ctx, credentials, req, hex.EncodeToString(hash[:]), Service, c.region, c.now()); err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%w: is the server running? (podpass up)", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return readError(res, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("the answer to %s %s is not what this version expects: %w", method, path, err)
	}
	return nil
}
