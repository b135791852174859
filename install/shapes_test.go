package install_test

import (
	"strings"
	"testing"

	"github.com/podpass/podpass/install"
)

const digest = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// pem is as much of a certificate as the chart looks at.
const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

// shapes are the values that change what is rendered, by name. Each is laid over the least that the chart wants.
var shapes = map[string]string{
	"defaults":            ``,
	"a tag":               `{image: {digest: "", tag: v1}}`,
	"pull secrets":        `{image: {pullPolicy: Always, pullSecrets: [{name: registry}]}}`,
	"a server elsewhere":  `{server: {enabled: false}, endpoint: "https://podpass.example:8600"}`,
	"its own CA":          `{server: {enabled: false}, endpoint: "https://podpass.example", ca: "` + oneLine(pem) + `"}`,
	"no server":           `{server: {enabled: false}}`,
	"no server, own role": `{server: {enabled: false}, agent: {roleARN: "arn:aws:iam::111122223333:role/agent"}}`,
	"the server alone":    `{webhook: {enabled: false}, agent: {enabled: false}, guard: {enabled: false}}`,
	"the webhook alone":   `{server: {enabled: false}, agent: {enabled: false}}`,
	"the agent alone":     `{server: {enabled: false}, webhook: {enabled: false}, guard: {enabled: false}, endpoint: "https://podpass.example"}`,
	"no guard":            `{guard: {enabled: false}}`,
	"external etcd": `{server: {replicas: 3, storage: {kind: emptyDir}, etcd: {endpoints: ["https://etcd-0.etcd:2379", "https://etcd-1.etcd:2379"], secret: etcd-client},
		args: [--allow-discovery], env: [{name: AWS_PROFILE, value: x}], envFrom: [{secretRef: {name: upstream}}]}}`,
	"plain etcd":         `{server: {etcd: {endpoints: ["http://etcd:2379"]}}}`,
	"an existing claim":  `{server: {storage: {kind: existingClaim, existingClaim: state}}}`,
	"a host's directory": `{server: {storage: {kind: hostPath, hostPath: /var/lib/podpass}, nodeSelector: {kubernetes.io/hostname: a}}}`,
	"an emptyDir":        `{server: {storage: {kind: emptyDir}}}`,
	"a storage class":    `{server: {storage: {storageClassName: "", size: 10Gi, accessModes: [ReadWriteOncePod]}}}`,
	"its own certificate": `{ca: "` + oneLine(pem) + `", server: {certificateSecret: podpass-tls, tokenReview: true, certificateNames: [podpass.example],
		service: {type: LoadBalancer, annotations: {a: b}}}}`,
	"a proxy": `{proxy: {http: "http://proxy:3128", https: "http://proxy:3128", noProxy: [10.0.0.0/8]}, extraCA: {pem: "` + oneLine(pem) + `"}}`,
	"one webhook": `{webhook: {replicas: 1, hostNetwork: true, port: 9443, args: ["--annotation-prefix=example.com"], roleARN: "arn:aws:iam::111122223333:role/webhook",
		namespaceSelector: {matchExpressions: [{key: a, operator: Exists}]}, objectSelector: {matchLabels: {b: c}}}, extraCA: {configMap: company}}`,
	"what pods get": `{pods: {region: none, stsRegionalEndpoint: false, tokenExpiration: 3600, stsEndpoint: true, ca: true, noProxy: true, disableEC2Metadata: true,
		irsaThroughAgent: true, agentAddress: ipv6}}`,
	"network policies": `{networkPolicy: {enabled: true, namespaces: [shop], cilium: true, egress: [{ports: [{port: 2379}]}]}}`,
	"network policies, a server elsewhere": `{networkPolicy: {enabled: true, namespaces: [shop]}, server: {enabled: false},
		endpoint: "https://podpass.example:8600"}`,
	"placement": `{server: {priorityClassName: "", tolerations: [{operator: Exists}], affinity: {nodeAffinity: {}}, podAnnotations: {a: b}, podLabels: {c: d}, serviceAccountAnnotations: {e: f}},
		webhook: {priorityClassName: high, tolerations: [{operator: Exists}], nodeSelector: {x: "y"}, affinity: {nodeAffinity: {}}, podAnnotations: {a: b}, podLabels: {c: d},
		serviceAccountAnnotations: {e: f}, env: [{name: A, value: b}]},
		agent: {maxSurge: 10%, tolerations: [], affinity: {nodeAffinity: {}}, podAnnotations: {a: b}, podLabels: {c: d}, serviceAccountAnnotations: {e: f}, args: ["--max-service-qps=10"],
		env: [{name: A, value: b}], handoverDirectory: /run/other}}`,
	"another partition": `{region: cn-north-1, clusterDomain: cluster.example}`,
}

func oneLine(text string) string { return strings.ReplaceAll(text, "\n", `\n`) }

// valuesOf lays YAML over the least that the chart wants.
func valuesOf(t *testing.T, text string) install.Values {
	t.Helper()
	values := install.Values{"clusterName": "prod", "image": map[string]any{"repository": "registry.example/podpass", "digest": digest}}
	if err := values.Merge([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return values
}

func render(t *testing.T, text string) *install.Manifests {
	t.Helper()
	m, err := install.Render(t.Context(), valuesOf(t, text), "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return m
}
