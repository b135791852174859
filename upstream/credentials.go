package upstream

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
)

// OwnCredentials are this process's own: the SDK's default chain (environment, shared files, web identity, container, instance), looked for
// when they are first needed and cached and refreshed by the SDK. region is for what the chain itself has to ask, where the environment names
// none.
func OwnCredentials(region string) aws.CredentialsProvider { return &own{region: region} }

type own struct {
	region string
	mu     sync.Mutex
	chain  aws.CredentialsProvider
}

// Retrieve makes own an aws.CredentialsProvider.
func (o *own) Retrieve(ctx context.Context) (aws.Credentials, error) {
	chain, err := o.load(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	return chain.Retrieve(ctx)
}

// load reads the environment and the shared files, and calls nobody. A failure is not kept.
func (o *own) load(ctx context.Context) (aws.CredentialsProvider, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.chain != nil {
		return o.chain, nil
	}
	// What the chain has to say besides an error (which links it fell back to) would stand on standard error between our own lines.
	loaded, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(o.region), config.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, err
	}
	o.chain = loaded.Credentials
	return o.chain, nil
}
