package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/cluster"
	"github.com/spf13/pflag"
)

// connectConfig says which authority a command speaks to, and as whom.
type connectConfig struct {
	dataDir     string
	kubeContext string

	ownCluster func(name string) // told the name of the cluster that the authority runs in; nil where the command is about none
}

func (c *connectConfig) flags(f *pflag.FlagSet) {
	f.StringVar(&c.dataDir, "data-dir", "", "speak to the authority of this `directory`, as its administrator (default $AWS_ENDPOINT_URL, else ~/.local/state/podpass)")
	f.StringVar(&c.kubeContext, "kube-context", "", "speak to the podpass installed in the cluster of this kubeconfig `context`, as its administrator")
}

// clusterFlag is --cluster: by default the one of podpass up, and of a podpass in a cluster the cluster itself.
func (c *connectConfig) clusterFlag(f *pflag.FlagSet, cluster *string, about string) {
	f.StringVar(cluster, "cluster", defaultCluster, about+"; of a podpass in a cluster that one")
	flag := f.Lookup("cluster")
	c.ownCluster = func(name string) {
		if !flag.Changed && name != "" {
			*cluster = name
		}
	}
}

// connection is a client of the authority's API, and what a process needs to reach the same one.
type connection struct {
	*api.Client
	endpoint, region string
	envFile          string // D/env, "" where the environment said it all
	ownEnvFile       string // env of the default data directory, where the environment said it all and that one names another endpoint
	accessKeyID      string // of D/env
	credentials      aws.CredentialsProvider
	http             api.HTTP
	agent            agentOfUp
	installed        *installed // where the authority is one in a cluster, reached through its API server
}

// agentOfUp is the agent podpass up runs beside the authority, zero where none is known.
type agentOfUp struct{ url, cluster string }

func (e envFile) agent() agentOfUp {
	return agentOfUp{url: e.get("PODPASS_AGENT_URL"), cluster: e.get("PODPASS_AGENT_CLUSTER")}
}

// callTimeout bounds one call of the API, retries by the user excluded.
const callTimeout = 30 * time.Second

// connect chooses, in this order: the data directory or the kubeconfig context asked for, AWS_ENDPOINT_URL with the SDK's own chain of credentials, the
// default data directory if an authority was ever started there, the cluster of the current kubeconfig context. A kubectl plugin is about that cluster:
// it asks there before it looks for a data directory. Only the way into a cluster makes calls.
func (a *app) connect(ctx context.Context, c connectConfig) (*connection, error) {
	dir := a.env.dataDir()
	switch {
	case c.dataDir != "" && c.kubeContext != "":
		return nil, usage("podpass cluster list --kube-context "+shellPath(c.kubeContext),
			"--data-dir %s and --kube-context %s (or PODPASS_DATA_DIR, PODPASS_KUBE_CONTEXT) name two authorities: give one", c.dataDir, c.kubeContext)
	case c.dataDir != "":
		return a.connectDataDir(c.dataDir)
	case c.kubeContext != "":
		return a.connectInstalled(ctx, c)
	case a.env.get("AWS_ENDPOINT_URL") != "":
		return a.connectFromEnvironment(ctx)
	case a.plugin && a.hasKubeconfig():
		return a.connectInstalled(ctx, c)
	case dir != "" && fileExists(filepath.Join(dir, "env")):
		return a.connectDataDir(dir)
	case a.hasKubeconfig():
		conn, err := a.connectInstalled(ctx, c)
		if err == nil {
			fmt.Fprintf(a.Err, "podpass: speaking to the podpass in the cluster of kubeconfig context %s\n", conn.installed.context)
		}
		return conn, err
	case dir == "":
		return nil, usage("export HOME=...   # or --data-dir DIRECTORY", "neither HOME nor AWS_ENDPOINT_URL is set: nothing says which authority is meant")
	}
	return a.connectDataDir(dir)
}

// fileExists reports whether something may be there: what cannot be looked at is not passed over.
func fileExists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func (a *app) connectFromEnvironment(ctx context.Context) (*connection, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(callTimeout)), config.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, failed("aws configure list", "the AWS settings of the environment: %w", err)
	}
	conn := &connection{endpoint: a.env.get("AWS_ENDPOINT_URL"), region: cfg.Region}
	if dir := a.env.dataDir(); dir != "" {
		path := filepath.Join(dir, "env")
		switch own, err := readEnvFile(path); {
		case err != nil:
		case own.get("AWS_ENDPOINT_URL") != conn.endpoint:
			conn.ownEnvFile = path
		default:
			conn.agent = own.agent()
		}
	}
	if conn.region == "" {
		return nil, usage("export AWS_REGION=us-west-2", "AWS_ENDPOINT_URL is set and no region is")
	}
	return conn.open(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		found, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			return found, &noCredentials{err}
		}
		return found, nil
	}), cfg.HTTPClient)
}

// noCredentials says that the SDK's chain ended with nothing to sign with.
type noCredentials struct{ err error }

func (e *noCredentials) Error() string { return e.err.Error() }
func (e *noCredentials) Unwrap() error { return e.err }

func (a *app) connectDataDir(dir string) (*connection, error) {
	path := filepath.Join(dir, "env")
	file, err := readEnvFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failed("podpass up --data-dir "+shellPath(dir), "no authority has been started in %s: it has no file env", dir)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, failed("ls -l "+shellPath(path)+"   # its owner is the administrator", "%w", err)
	}
	if err != nil {
		return nil, failed("podpass up --data-dir "+shellPath(dir)+"   # writes it anew", "%w", err)
	}
	client, err := a.httpClient()
	if err != nil {
		return nil, err
	}
	conn := &connection{
		endpoint: file.get("AWS_ENDPOINT_URL"), region: file.get("AWS_REGION"), envFile: path, accessKeyID: file.get("AWS_ACCESS_KEY_ID"),
		agent: file.agent(),
	}
	return conn.open(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return administrator(path) }), client)
}

// administrator reads the key anew for each call: podpass admin rotate may have replaced it while podpass run goes on.
func administrator(path string) (aws.Credentials, error) {
	file, err := readEnvFile(path)
	return aws.Credentials{AccessKeyID: file.get("AWS_ACCESS_KEY_ID"), SecretAccessKey: file.get("AWS_SECRET_ACCESS_KEY"), Source: path}, err
}

// httpClient is the SDK's default client, with the certificates of AWS_CA_BUNDLE as every SDK reads it.
func (a *app) httpClient() (*awshttp.BuildableClient, error) {
	client := awshttp.NewBuildableClient().WithTimeout(callTimeout)
	roots, err := a.roots()
	if err != nil {
		return nil, usage("unset AWS_CA_BUNDLE", "%w", err)
	}
	if roots == nil {
		return client, nil
	}
	return client.WithTransportOptions(func(t *http.Transport) { t.TLSClientConfig.RootCAs = roots }), nil
}

func (conn *connection) open(provider aws.CredentialsProvider, client api.HTTP) (*connection, error) {
	var err error
	conn.credentials, conn.http = provider, client
	conn.Client, err = api.New(api.Config{Endpoint: conn.endpoint, Region: conn.region, Credentials: provider, HTTP: client})
	if err != nil {
		return nil, usage(". ~/.local/state/podpass/env", "%w", err)
	}
	return conn, nil
}

// explain gives an error of a call the hint that fits it.
func (conn *connection) explain(err error) error {
	var refused *api.Error
	var network *url.Error
	var shown *failure
	var unsigned *noCredentials
	switch {
	case err == nil || errors.As(err, &shown):
		return err
	case errors.As(err, &unsigned):
		return failed(". ~/.local/state/podpass/env", "AWS_ENDPOINT_URL is set, and the environment has no AWS credentials: %w", unsigned)
	case conn.installed != nil && errors.Is(err, cluster.ErrForbidden):
		return conn.installed.explain(err)
	case errors.As(err, &network) && errors.As(err, new(*tls.CertificateVerificationError)):
		return failed(conn.whoseCA(), "cannot reach the authority at %s: %w", conn.endpoint, network.Err)
	case errors.As(err, &network):
		return failed(conn.whereElse(), "cannot reach the authority at %s: %w", conn.endpoint, network.Err)
	case !errors.As(err, &refused):
		return err
	}
	switch refused.Code {
	case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidSignatureException", "SignatureDoesNotMatch":
		if conn.installed != nil {
			return failed("kubectl -n "+cluster.Namespace+" logs -l app.kubernetes.io/component=server   # does it keep the Secret?",
				"podpass in the cluster of context %s does not know the key in Secret %s: %w", conn.installed.context, cluster.Administrator, err)
		}
		if conn.envFile != "" {
			return failed("podpass up --data-dir "+shellPath(filepath.Dir(conn.envFile))+"   # writes the env file anew",
				"the authority at %s does not know the key in %s: %w", conn.endpoint, conn.envFile, err)
		}
		return failed(". ~/.local/state/podpass/env   # the environment's keys are no longer good: read the env file again", "%w", err)
	case api.CodeAccessDenied:
		return failed("aws sts get-caller-identity   # who the environment says you are", "%w", err)
	case "UnexpectedAnswer":
		return failed("env -u AWS_ENDPOINT_URL podpass cluster list   # speaks to the one podpass up started", "%w", err)
	}
	if list := namedList.FindString(refused.Message); list != "" {
		return failed(list, "%w", err)
	}
	return err
}

// namedList is the command some refusals end with. Its form is fixed, so that nothing else a server says becomes a command to try.
var namedList = regexp.MustCompile(`podpass (cluster|account|association) list( --cluster [0-9A-Za-z_-]+)?$`)

// whereElse is what to try where nothing answers: start it, or follow one that was started again and has another port now.
func (conn *connection) whereElse() string {
	switch {
	case conn.installed != nil:
		return "kubectl --context " + shellPath(conn.installed.context) + " -n " + cluster.Namespace + " get pods -l app.kubernetes.io/component=server"
	case conn.envFile != "":
		return "podpass up --data-dir " + shellPath(filepath.Dir(conn.envFile))
	case conn.ownEnvFile != "":
		return ". " + shellPath(conn.ownEnvFile) + "   # AWS_ENDPOINT_URL is another than that of the last podpass up"
	}
	return "echo $AWS_ENDPOINT_URL   # is it right, and does podpass run there?"
}

// whoseCA is what to try where the server's certificate is of nobody we believe.
func (conn *connection) whoseCA() string {
	if conn.installed != nil {
		return "kubectl --context " + shellPath(conn.installed.context) + " -n " + cluster.Namespace + " describe configmap " + cluster.CA +
			"   # the CA that must have signed it"
	}
	return "export AWS_CA_BUNDLE=ca.crt   # a PEM file of its CA"
}
