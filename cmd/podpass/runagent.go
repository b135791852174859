package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/token"
)

// agentOf is where an agent of the workload's cluster answers, with the first credentials fetched. An agent of this process ends with life.
func (a *app) agentOf(ctx, life context.Context, p *prepared, conn *connection, c *runConfig, w *workload, tokenFile string) (string, error) {
	// Standard error is the command's own: a refusal is told by its SDK, and the first one by us.
	log := slog.New(slog.NewTextHandler(a.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	raw, err := os.ReadFile(tokenFile)
	if err != nil {
		return "", err
	}
	if up := conn.agent; up.cluster == w.cluster && up.url != "" {
		err := firstFetch(ctx, up.url, string(raw))
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return up.url, conn.explainFetch(ctx, err, c, w, string(raw))
		}
		log.Warn("the agent of podpass up does not answer: one of this process takes its place", "url", up.url)
	}
	url, wait, err := a.loopbackAgent(life, loopbackConfig{
		Cluster: w.cluster, Endpoint: conn.endpoint, Region: conn.region, Credentials: conn.credentials, Logger: log,
	})
	if err != nil {
		return "", failed("ip -brief address show lo", "no agent on loopback: %w", err)
	}
	p.ended.Go(func() {
		if err := wait(); err != nil && life.Err() == nil {
			log.Error("the agent ended", "error", err)
		}
	})
	return url, conn.explainFetch(ctx, firstFetch(ctx, url, string(raw)), c, w, string(raw))
}

// fetchRefusal is what an agent answered instead of credentials.
type fetchRefusal struct {
	status    int
	requestID string // of the service behind the agent, "" where the agent refused by itself
	code      string // likewise
	text      string
	reason    string
}

func (f *fetchRefusal) Error() string {
	text := f.text
	if f.code != "" {
		text = f.code + ": " + text
	}
	if f.reason != "" {
		text += "\n" + f.reason
	}
	return text
}

// serviceLine is the first line of an agent's answer, where it is the service's: "[request]: (Code): message, fault: client".
var serviceLine = regexp.MustCompile(`^\[([^\]]*)\]: \(([A-Za-z]+)\): (.*), fault: (?:client|server)$`)

// maxFetch caps what is read of an agent's answer.
const maxFetch = 64 << 10

// firstFetch gets credentials as the command's SDK will, and drops them: the agent has them then.
func firstFetch(ctx context.Context, url, raw string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", raw)
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}, Timeout: callTimeout}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxFetch))
	if err != nil {
		return err
	}
	line, _, _ := strings.Cut(string(body), "\n")
	refused := &fetchRefusal{status: res.StatusCode, text: line, reason: res.Header.Get("Podpass-Reason")}
	if m := serviceLine.FindStringSubmatch(line); m != nil {
		refused.requestID, refused.code, refused.text = m[1], m[2], m[3]
	}
	return refused
}

// explainFetch gives the reason, as the audit log has it if the caller may read that, and the hint that fits.
func (conn *connection) explainFetch(ctx context.Context, err error, c *runConfig, w *workload, raw string) error {
	refused, ok := errors.AsType[*fetchRefusal](err)
	switch {
	case err == nil:
		return nil
	case !ok:
		return failed("podpass association describe"+inCluster(w.cluster)+" -n "+c.namespace+" "+c.name, "the agent did not answer: %w", err)
	}
	name := api.ServiceAccountName{Cluster: w.cluster, Namespace: c.namespace, Name: c.name}
	if recent, err := conn.RecentExchanges(ctx, name); err == nil {
		for _, e := range recent.Exchanges {
			if e.RequestID == refused.requestID && e.Reason != "" {
				refused.reason = e.Reason
			}
		}
	}
	return failed(refused.hint(c, w, raw), "no credentials for %s: %w", c.account(), refused)
}

func (f *fetchRefusal) hint(c *runConfig, w *workload, raw string) string {
	describe := "podpass association describe" + inCluster(w.cluster) + " -n " + c.namespace + " " + c.name
	parsed, err := token.Parse(raw)
	switch {
	case f.code == api.CodeNotFound:
		return createHint(w.cluster, c.namespace, c.name)
	case c.kubeconfig != "" && err == nil && parsed.Claims.Kubernetes.PodUID == "" && f.status/100 == 4:
		return fmt.Sprintf("podpass run -n %s %s%s --pod-name POD -- %s   # of a pod that runs: kubectl get pods -n %[1]s\n%s",
			c.namespace, c.name, c.from(), shellWords(c.command), describe)
	case c.audience != "" && c.audience != podIdentityAudience:
		return fmt.Sprintf("podpass run -n %s %s%s -- %s   # without --audience", c.namespace, c.name, c.from(), shellWords(c.command))
	}
	return describe
}
