// Command workload is what the pods of the cluster's tests run: the unmodified AWS SDK for Go v2, which asks STS who it is. Every answer is one
// line of JSON on stdout.
//
//	workload                            ask every second, until told to end
//	workload -every 5s -fresh           each time with credentials obtained anew, as a process that just began would
//	workload -once                      ask once; exit status 1 where the answer is a refusal
//
// It reads no file but those that the SDK reads, and says of the token only its hash and when it was issued.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// line is what is said of one call. IssuedAt is in seconds since 1970.
type line struct {
	Time     time.Time `json:"time"`
	ARN      string    `json:"arn,omitempty"`
	Key      string    `json:"accessKeyId,omitempty"`
	Token    string    `json:"token,omitempty"`
	IssuedAt int64     `json:"issuedAt,omitempty"`
	Error    string    `json:"error,omitempty"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	switch err := run(ctx); {
	case errors.Is(err, errRefused): // the line says so
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

var errRefused = errors.New("refused")

func run(ctx context.Context) error {
	every := flag.Duration("every", time.Second, "time between two calls")
	once := flag.Bool("once", false, "call once")
	fresh := flag.Bool("fresh", false, "obtain credentials for every call")
	attempts := flag.Int("attempts", 0, "of each call; the SDK's own number where 0")
	flag.Parse()

	var options []func(*config.LoadOptions) error
	if *attempts > 0 {
		options = append(options, config.WithRetryMaxAttempts(*attempts))
	}
	var cfg aws.Config
	out := json.NewEncoder(os.Stdout)
	again := time.NewTicker(*every)
	defer again.Stop()
	for first := true; ; first = false {
		said := line{Time: time.Now().UTC()}
		said.Token, said.IssuedAt = token()
		var err error
		if first || *fresh {
			cfg, err = config.LoadDefaultConfig(ctx, options...)
		}
		if err == nil {
			said.ARN, said.Key, err = who(ctx, cfg)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			said.Error = err.Error()
		}
		if failed := out.Encode(said); failed != nil {
			return failed
		}
		if *once && err != nil {
			return errRefused
		}
		if *once {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

// who asks STS, and says with which access key.
func who(ctx context.Context, cfg aws.Config) (arn, key string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return "", "", err
	}
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", credentials.AccessKeyID, err
	}
	return aws.ToString(out.Arn), credentials.AccessKeyID, nil
}

// token says which token is in the file of either mechanism: the beginning of its hash, and its iat.
func token() (hash string, issuedAt int64) {
	for _, name := range []string{"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"} {
		raw, err := os.ReadFile(os.Getenv(name))
		if err != nil {
			continue
		}
		sum := sha256.Sum256(raw)
		var claims struct {
			IssuedAt int64 `json:"iat"`
		}
		if parts := strings.Split(string(raw), "."); len(parts) == 3 {
			if payload, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil && json.Unmarshal(payload, &claims) == nil {
				issuedAt = claims.IssuedAt
			}
		}
		return hex.EncodeToString(sum[:6]), issuedAt
	}
	return "", 0
}
