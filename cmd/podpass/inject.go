package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/webhook"
	"github.com/podpass/podpass/webhook/manifest"
	"github.com/spf13/cobra"
)

type injectConfig struct {
	connectConfig
	files               []string
	namespace           string
	cluster             string
	podIdentity         []string
	kubeconfig, context string
	output              manifestFormat

	settings webhook.Settings
}

func (a *app) inject() *cobra.Command {
	c := &injectConfig{}
	cmd := &cobra.Command{
		Use:   "inject -f FILE [flags]",
		Short: "Write into manifests what the webhook would add to their pods",
		Long: `Write into manifests what the webhook would add to their pods, for clusters without it and for a look beforehand. The manifests go to standard output, what
was decided about each workload, with its reason, to standard error.

Pods, what makes pods of templates (Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job, CronJob), and Lists of them are injected;
everything else comes out byte for byte as it went in. Comments and the order of keys stay; YAML anchors are written out in documents that change.

Service accounts are those of the files; what these lack is read from a cluster if --kubeconfig is given. Associations are those that the podpass
server has for --cluster, and --pod-identity.`,
		Example: `  podpass inject -f app.yaml | kubectl apply -f -
  podpass inject -f app/ -n shop --cluster prod --aws-default-region eu-central-1
  podpass inject -f app.yaml --pod-identity shop/web`,
		Args: exactly(),
	}
	f := cmd.Flags()
	f.StringArrayVarP(&c.files, "filename", "f", nil, "`file` of manifests, directory of such files, or - for standard input; may be repeated")
	f.StringVarP(&c.namespace, "namespace", "n", "default", "`namespace` of what names none")
	f.StringArrayVar(&c.podIdentity, "pod-identity", nil, "take `NAMESPACE/SERVICEACCOUNT`, globs allowed, to have an association; may be repeated")
	f.StringVar(&c.cluster, "cluster", "", "`name` of the cluster whose associations the podpass server is asked for (default: none is asked for)")
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "read service accounts that the files lack from the cluster of this `file`")
	f.StringVar(&c.context, "context", "", "`context` of the kubeconfig")
	c.flags(f)
	f.VarP(&c.output, "output", "o", "`format`: as the files are, or json: one List")
	oneOf(cmd, "output", string(manifestAsIs), string(manifestJSON))
	bindSettings(f, &c.settings)
	var rules *webhook.Rules
	return action(a, cmd, func([]string) (problems []error) {
		if len(c.files) == 0 {
			problems = append(problems, errors.New("-f FILE is missing"))
		}
		if c.context != "" && c.kubeconfig == "" {
			problems = append(problems, errors.New("--context needs --kubeconfig"))
		}
		var err error
		if rules, err = webhook.NewRules(c.settings); err != nil {
			problems = append(problems, err)
		}
		return problems
	}, func(ctx context.Context, _ []string) error { return a.injectFiles(ctx, c, rules) })
}

func (a *app) injectFiles(ctx context.Context, c *injectConfig, rules *webhook.Rules) error {
	documents, err := a.readManifests(c.files)
	if err != nil {
		return err
	}
	facts, err := a.injectFacts(ctx, c, documents)
	if err != nil {
		return err
	}
	for _, d := range documents {
		workloads, err := d.Workloads()
		if err != nil {
			return notAManifest(err)
		}
		for _, w := range workloads {
			if err := a.injectWorkload(ctx, c, rules, facts, w); err != nil {
				return err
			}
		}
	}
	return c.output.write(a.Out, documents)
}

func (a *app) injectWorkload(ctx context.Context, c *injectConfig, rules *webhook.Rules, facts *injectFacts, w *manifest.Workload) error {
	pod, err := w.Pod(c.namespace)
	if err != nil {
		return notAManifest(err)
	}
	known, err := facts.of(ctx, pod.Metadata.Namespace, pod.ServiceAccount())
	if err != nil {
		return err
	}
	known.Jitter = steadyJitter(pod.Metadata.Namespace, w)
	decision := rules.Decide(pod, known)
	if err := w.Apply(webhook.Patch(pod, &decision)); err != nil {
		return notAManifest(err)
	}
	name := fmt.Sprintf("%s %s/%s", w.Kind, pod.Metadata.Namespace, w.Name)
	fmt.Fprintf(a.Err, "%s: %s (%s)\n", name, decision.Mechanism, decision.Reason)
	for _, finding := range decision.Findings {
		if finding.Reason == webhook.UnknownServiceAccount && c.kubeconfig == "" {
			finding.Text = fmt.Sprintf("service account %s/%s is in none of the files: add its file, or --kubeconfig to read it from a cluster", pod.Metadata.Namespace, pod.ServiceAccount())
		}
		fmt.Fprintf(a.Err, "%s: warning: %s (%s)\n", name, finding.Text, finding.Reason)
	}
	return nil
}

// steadyJitter spreads the renewals of tokens as the webhook's does, and gives the same manifest the same file each time.
func steadyJitter(namespace string, w *manifest.Workload) int64 {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s %s/%s", w.Kind, namespace, w.Name)
	return int64(h.Sum32() % 7201)
}

func (a *app) readManifests(names []string) ([]*manifest.Document, error) {
	var documents []*manifest.Document
	var problems []error
	for _, name := range names {
		files, err := documentFiles(name)
		problems = append(problems, err)
		for _, file := range files {
			text, err := a.readManifest(file)
			if err != nil {
				problems = append(problems, err)
				continue
			}
			found, err := manifest.Read(text)
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", file, err))
			}
			documents = append(documents, found...)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, usage("podpass inject --help", "%w", err)
	}
	return documents, nil
}

func (a *app) readManifest(name string) ([]byte, error) {
	if name == "-" {
		return readAllCapped(a.In, "standard input", api.MaxInput)
	}
	return readCapped(name, api.MaxInput)
}

func notAManifest(err error) error {
	return usage("kubectl apply --dry-run=server -f FILE   # says what the API server thinks of it", "%w", err)
}
