package main

import (
	"context"
	"log/slog"
	"slices"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// onLoopback is the same connection by a URL that the command, and an agent of this process, reach too. It ends with life.
func (a *app) onLoopback(life context.Context, p *prepared, conn *connection) (*connection, error) {
	log := slog.New(slog.NewTextHandler(a.Err, &slog.HandlerOptions{Level: slog.LevelWarn})) // standard error is the command's own
	url, wait, err := conn.installed.onLoopback(life, "127.0.0.1:0", log)
	if err != nil {
		return nil, failed("ip -brief address show lo", "no way into the cluster on loopback: %w", err)
	}
	p.ended.Go(func() { _ = wait() }) // it was told to end
	there := &connection{endpoint: url, region: conn.region, installed: conn.installed, accessKeyID: conn.accessKeyID}
	return there.open(conn.credentials, awshttp.NewBuildableClient().WithTimeout(callTimeout))
}

// tokensOf has the tokens of the cluster that podpass runs in issued by its API server, as those of any real cluster, through the kubeconfig by which
// podpass was found. One that is spread over several files has to be given as --kubeconfig.
func (a *app) tokensOf(in *installed, c *runConfig) {
	files := slices.DeleteFunc(a.kubeconfigFiles(), func(path string) bool { return !fileExists(path) })
	if c.kubeconfig == "" && c.cluster == in.Known().Cluster && len(files) == 1 {
		c.kubeconfig, c.context = files[0], in.context
	}
}
