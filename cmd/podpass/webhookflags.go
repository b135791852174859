package main

import (
	"flag"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/klog/v2"

	"github.com/podpass/podpass/webhook"
)

// webhookConfig is what podpass webhook is told, in words.
type webhookConfig struct {
	// of the EKS webhook
	port, metricsPort              uint16
	inCluster                      bool
	kubeconfig, kubeAPI            string
	tlsCert, tlsKey, tlsMinVersion string
	tlsCipherSuites                []string
	service, namespace, tlsSecret  string
	watchConfigMap                 bool
	credentialsFile                string
	grace, resync                  time.Duration
	debugging                      bool
	// ours
	bindAddress, metricsAddress               string
	servers                                   []string
	serverCA, cluster, region                 string
	insecureHTTP                              bool
	certificateSecret, mutatingConfigurations string
	certificateOverlap                        time.Duration
	guard, guardCopyCA                        bool
	shutdownDelay                             time.Duration
	logFormat, logLevel                       string

	settings webhook.Settings
}

func (c *webhookConfig) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	c.bindEKS(f)
	c.bindServing(f)
	c.bindServer(f)
	bindSettings(f, &c.settings)
	f.StringVar(&c.logFormat, "log-format", "text", "logs on stderr as `text or json`")
	oneOf(cmd, "log-format", "text", "json")
	f.StringVar(&c.logLevel, "log-level", "info", "least `level` logged: debug, info, warn or error")
	oneOf(cmd, "log-level", "debug", "info", "warn", "error")
	acceptKlog(f)
}

// bindEKS are the flags of the EKS webhook's process; those of what it injects are in bindSettings.
func (c *webhookConfig) bindEKS(f *pflag.FlagSet) {
	f.Uint16Var(&c.port, "port", 443, "`port` of reviews and probes, HTTPS; 0 lets the system pick one")
	f.Uint16Var(&c.metricsPort, "metrics-port", 9999, "`port` of the metrics, HTTP; 0: none")
	f.BoolVar(&c.inCluster, "in-cluster", true, "keep the certificate in a Secret; false: in the files --tls-cert and --tls-key")
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "`file` to reach the Kubernetes API server with (default: the pod's own service account)")
	f.StringVar(&c.kubeAPI, "kube-api", "", "`URL` of the Kubernetes API server, instead of the kubeconfig's")
	f.StringVar(&c.tlsCert, "tls-cert", "/etc/webhook/certs/tls.crt", "PEM `file` of the certificate")
	f.StringVar(&c.tlsKey, "tls-key", "/etc/webhook/certs/tls.key", "PEM `file` of the certificate's key")
	f.StringSliceVar(&c.tlsCipherSuites, "tls-cipher-suites", nil, "`names` of the cipher suites of TLS 1.2 that are offered (default: Go's)")
	f.StringVar(&c.tlsMinVersion, "tls-min-version", "VersionTLS12", "least `version` of TLS: VersionTLS12 or VersionTLS13")
	f.StringVar(&c.service, "service-name", "pod-identity-webhook", "`name` of the Service in front of the webhook; the certificate is for it")
	f.StringVar(&c.namespace, "namespace", "eks", "`namespace` of the webhook, of its Secret and of the ConfigMap")
	f.StringVar(&c.tlsSecret, "tls-secret", "pod-identity-webhook", "`name` of the Secret of the certificate, if --certificate-secret does not say it")
	f.BoolVar(&c.watchConfigMap, "watch-config-map", false, "take roles from the ConfigMap pod-identity-webhook too")
	f.StringVar(&c.credentialsFile, "watch-container-credentials-config", "", "JSON `file` of service accounts that get container credentials; read again when it changes")
	f.DurationVar(&c.grace, "service-account-lookup-grace-period", 0, "accepted, and not needed: the service account is read at each review, so there is no cache to wait for")
	f.DurationVar(&c.resync, "resync-period", time.Minute, "`time` after which configuration files are read again even if no change was noticed")
	f.BoolVar(&c.debugging, "enable-debugging-handlers", false, "serve /debug/alpha/{cache,clear,deny,500} on the metrics port")
}

func (c *webhookConfig) bindServing(f *pflag.FlagSet) {
	f.StringVar(&c.bindAddress, "bind-address", "", "`address` of reviews and probes (default: all)")
	f.StringVar(&c.metricsAddress, "metrics-address", "", "`address` of the metrics (default: all)")
	f.StringVar(&c.certificateSecret, "certificate-secret", "", "`name` of the Secret in which replicas keep their certificate and its CA, which they make and rotate themselves")
	f.StringVar(&c.mutatingConfigurations, "webhook-configuration", "", "`name` of the MutatingWebhookConfiguration whose caBundle is kept right")
	f.DurationVar(&c.certificateOverlap, "certificate-overlap", 10*time.Minute, "`time` the API server is given to read a new caBundle before a certificate needs it")
	f.BoolVar(&c.guard, "guard", false, "keep the ConfigMaps podpass-accounts, by which the policy podpass refuses pods without their identity while no webhook answers")
	f.BoolVar(&c.guardCopyCA, "guard-copy-ca", false, "with --guard: keep ConfigMap podpass-ca in the namespaces of those pods, too")
	f.DurationVar(&c.shutdownDelay, "shutdown-delay", 10*time.Second, "`time` reviews are answered after SIGTERM, while /readyz fails")
}

func (c *webhookConfig) bindServer(f *pflag.FlagSet) {
	f.StringSliceVar(&c.servers, "server", nil, "`URLs` of podpass servers, the preferred one first; none: there are no associations")
	f.StringVar(&c.serverCA, "server-ca", "", "PEM `file` of the CA of --server; read again when it changes (default $AWS_CA_BUNDLE)")
	f.StringVar(&c.cluster, "cluster-name", "", "`name` this cluster is registered by (required with --server)")
	f.StringVar(&c.region, "region", "", "AWS `region` requests to --server are signed for (default $AWS_REGION, else --aws-default-region)")
	f.BoolVar(&c.insecureHTTP, "insecure-http", false, "speak plain HTTP to a --server that is not on loopback")
}

// acceptKlog takes the flags of Kubernetes' logging that manifests of the EKS webhook have; what they rule is what client-go says.
func acceptKlog(f *pflag.FlagSet) {
	var kubernetes flag.FlagSet
	klog.InitFlags(&kubernetes)
	kubernetes.VisitAll(func(one *flag.Flag) {
		accepted := pflag.PFlagFromGoFlag(one)
		accepted.Hidden = true
		f.AddFlag(accepted)
	})
}
