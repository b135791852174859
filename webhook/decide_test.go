package webhook_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/podpass/podpass/webhook"
)

// outcome is an answer in short: the operations as "op path value", the reason and the findings.
type outcome struct {
	Reason, Mechanism string
	Findings          []string
	Patch             []string
}

func outcomeOf(t testing.TB, a answer) outcome {
	t.Helper()
	o := outcome{Reason: a.Response.AuditAnnotations["reason"], Mechanism: a.Response.AuditAnnotations["mechanism"]}
	if findings := a.Response.AuditAnnotations["findings"]; findings != "" {
		o.Findings = strings.Split(findings, ",")
	}
	if len(a.Response.Warnings) != len(o.Findings) {
		t.Errorf("%d warnings of %d findings: %q", len(a.Response.Warnings), len(o.Findings), a.Response.Warnings)
	}
	for i, f := range o.Findings {
		if !strings.HasPrefix(a.Response.Warnings[i], "podpass: ") || !strings.HasSuffix(a.Response.Warnings[i], " ("+f+")") {
			t.Errorf("warning %q of finding %s", a.Response.Warnings[i], f)
		}
	}
	if len(a.Response.Patch) == 0 {
		return o
	}
	var operations []struct {
		Op, Path string
		Value    json.RawMessage
	}
	if err := json.Unmarshal(a.Response.Patch, &operations); err != nil {
		t.Fatal(err)
	}
	for _, op := range operations {
		o.Patch = append(o.Patch, op.Op+" "+op.Path+" "+string(op.Value))
	}
	return o
}

const (
	irsaVolume = `{"name":"aws-iam-token","projected":{"sources":[{"serviceAccountToken":{"audience":"sts.amazonaws.com","expirationSeconds":86400,"path":"token"}}]}}`
	irsaMount  = `{"name":"aws-iam-token","readOnly":true,"mountPath":"/var/run/secrets/eks.amazonaws.com/serviceaccount"}`
	regional   = `{"name":"AWS_STS_REGIONAL_ENDPOINTS","value":"regional"}`
	roleEnv    = `{"name":"AWS_ROLE_ARN","value":"arn:aws:iam::111122223333:role/my-role"}`
	fileEnv    = `{"name":"AWS_WEB_IDENTITY_TOKEN_FILE","value":"/var/run/secrets/eks.amazonaws.com/serviceaccount/token"}`
)

// The patch where lists are absent, null, empty and filled, and where each of the variables is there already.
func TestPatch(t *testing.T) {
	const volumes = `"volumes":[{"name":"x","emptyDir":{}}],`
	addVolume := "add /spec/volumes/0 " + irsaVolume
	for _, test := range []struct {
		name, spec string
		want       []string
		findings   []string
	}{
		{
			name: "lists absent", spec: `{"containers":[{"name":"a"}]}`,
			want: []string{
				"add /spec/volumes [" + irsaVolume + "]",
				"add /spec/containers/0/env [" + regional + "," + roleEnv + "," + fileEnv + "]",
				"add /spec/containers/0/volumeMounts [" + irsaMount + "]",
			},
		},
		{
			name: "lists null", spec: `{"volumes":null,"initContainers":null,"containers":[{"name":"a","env":null,"volumeMounts":null}]}`,
			want: []string{
				"add /spec/volumes [" + irsaVolume + "]",
				"add /spec/containers/0/env [" + regional + "," + roleEnv + "," + fileEnv + "]",
				"add /spec/containers/0/volumeMounts [" + irsaMount + "]",
			},
		},
		{
			name: "lists empty", spec: `{"volumes":[],"initContainers":[],"containers":[{"name":"a","env":[],"volumeMounts":[]}]}`,
			want: []string{
				addVolume,
				"add /spec/containers/0/env/- " + regional, "add /spec/containers/0/env/- " + roleEnv, "add /spec/containers/0/env/- " + fileEnv,
				"add /spec/containers/0/volumeMounts/- " + irsaMount,
			},
		},
		{
			name: "containers before init containers; ephemeral ones never",
			spec: `{` + volumes + `"ephemeralContainers":[{"name":"debug"}],"initContainers":[{"name":"i","restartPolicy":"Always","env":[{"name":"X"}],"volumeMounts":[{"name":"x","mountPath":"/x"}]}],"containers":[{"name":"a"}]}`,
			want: []string{
				addVolume,
				"add /spec/containers/0/env [" + regional + "," + roleEnv + "," + fileEnv + "]", "add /spec/containers/0/volumeMounts [" + irsaMount + "]",
				"add /spec/initContainers/0/env/- " + regional, "add /spec/initContainers/0/env/- " + roleEnv, "add /spec/initContainers/0/env/- " + fileEnv,
				"add /spec/initContainers/0/volumeMounts/- " + irsaMount,
			},
		},
		{
			name: "half a pair", spec: `{` + volumes + `"containers":[{"name":"a","env":[{"name":"AWS_ROLE_ARN","value":"arn:x"}]}]}`,
			want: []string{
				addVolume, "add /spec/containers/0/env/- " + regional, "add /spec/containers/0/volumeMounts [" + irsaMount + "]",
			},
			findings: []string{"HalfDefinedPair"},
		},
		{
			name:     "half a pair, a region and the endpoint type: left alone, without a mount",
			spec:     `{"containers":[{"name":"a","env":[{"name":"AWS_ROLE_ARN"},{"name":"AWS_REGION"},{"name":"AWS_STS_REGIONAL_ENDPOINTS"}]}]}`,
			findings: []string{"HalfDefinedPair"},
		},
		{
			name: "a pair that relies on our mount",
			spec: `{` + volumes + `"containers":[{"name":"a","env":[{"name":"AWS_ROLE_ARN","value":"arn:other"},{"name":"AWS_WEB_IDENTITY_TOKEN_FILE","value":"/var/run/secrets/eks.amazonaws.com/serviceaccount/token"}]}]}`,
			want: []string{
				addVolume, "add /spec/containers/0/env/- " + regional, "add /spec/containers/0/volumeMounts [" + irsaMount + "]",
			},
		},
		{
			name: "configured by hand (source 001)",
			spec: `{"volumes":[{"name":"mine"}],"containers":[{"name":"a","env":[{"name":"AWS_ROLE_ARN","value":"arn:other"},{"name":"AWS_WEB_IDENTITY_TOKEN_FILE","value":"/var/run/secrets/eks.amazonaws.com/serviceaccount/token"}],"volumeMounts":[{"name":"mine","mountPath":"/var/run/secrets/eks.amazonaws.com/serviceaccount/"}]}]}`,
		},
		{
			name: "configured by hand with a file the kubelet names",
			spec: `{"containers":[{"name":"a","env":[{"name":"AWS_ROLE_ARN","value":"r"},{"name":"AWS_WEB_IDENTITY_TOKEN_FILE","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]}]}`,
		},
		{
			name:     "the other mechanism by hand",
			spec:     `{"containers":[{"name":"a","env":[{"name":"AWS_CONTAINER_CREDENTIALS_FULL_URI"},{"name":"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"}]}]}`,
			findings: []string{"HandConfigured"},
		},
		{
			name: "our volume and mount are there", spec: `{"volumes":[{"name":"aws-iam-token"}],"containers":[{"name":"a","volumeMounts":[{"name":"aws-iam-token","mountPath":"/elsewhere"}]}]}`,
			want: []string{"add /spec/containers/0/env [" + regional + "," + roleEnv + "," + fileEnv + "]"},
		},
		{
			name: "another volume where ours is mounted", spec: `{"containers":[{"name":"a","volumeMounts":[{"name":"x","mountPath":"/var/run/secrets/eks.amazonaws.com/serviceaccount"}]}]}`,
			want:     []string{"add /spec/containers/0/env [" + regional + "," + roleEnv + "," + fileEnv + "]"},
			findings: []string{"MountPathTaken"},
		},
		{
			name: "a second container that came later", spec: `{"volumes":[{"name":"aws-iam-token"}],"containers":[{"name":"a","env":[` + roleEnv + `,` + fileEnv + `],"volumeMounts":[` + irsaMount + `]},{"name":"b"}]}`,
			want: []string{"add /spec/containers/1/env [" + regional + "," + roleEnv + "," + fileEnv + "]", "add /spec/containers/1/volumeMounts [" + irsaMount + "]"},
		},
		{
			name: "already injected for Windows", spec: `{"volumes":[{"name":"aws-iam-token"}],"containers":[{"name":"a","env":[` + roleEnv + `,{"name":"AWS_WEB_IDENTITY_TOKEN_FILE","value":"C:\\var\\run\\secrets\\eks.amazonaws.com\\serviceaccount\\token"}],"volumeMounts":[` + irsaMount + `]}]}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := setup(t, webhook.Config{Accounts: accounts{"shop/default": annotated()}})
			object := `{"metadata":{"generateName":"p-"},"spec":` + test.spec + `}`
			a := ask(t, handler, webhook.PathMutate, reviewOf(object))
			want := outcome{Reason: "RoleAnnotated", Mechanism: "irsa", Findings: test.findings, Patch: test.want}
			if test.want == nil {
				want.Reason = "AlreadyComplete"
			}
			if diff := cmp.Diff(want, outcomeOf(t, a)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			after := patched(t, []byte(object), a)
			if again := ask(t, handler, webhook.PathMutate, reviewOf(string(after))); len(again.Response.Patch) > 0 {
				t.Errorf("patched again: %s", again.Response.Patch)
			}
		})
	}
}

// What an account and its pod say, and what becomes of it. The pod has one container, a.
func TestDecide(t *testing.T) {
	yes, no := true, false
	association := []webhook.Associations{associations{of: map[string]bool{"shop/web": true}}}
	for _, test := range []struct {
		name     string
		config   webhook.Config
		account  map[string]string
		metadata string // of the pod, without braces
		spec     string // more of the pod's, with a comma at its end
		want     outcome
		contains []string // in the patched pod
		lacks    []string
		warning  string // part of a warning
	}{
		{name: "nothing", account: map[string]string{}, want: outcome{Reason: "NoIdentity", Mechanism: "none"}},
		{name: "an empty role", account: map[string]string{"eks.amazonaws.com/role-arn": ""}, want: outcome{Reason: "NoIdentity", Mechanism: "none"}},
		{
			name: "skipped by label", account: annotated(), metadata: `"labels":{"eks.amazonaws.com/skip-pod-identity-webhook":""}`,
			want: outcome{Reason: "SkipLabel"}, lacks: []string{"AWS_"},
		},
		{
			name: "a mirror pod", account: annotated(), metadata: `"annotations":{"kubernetes.io/config.mirror":"x"}`,
			want: outcome{Reason: "MirrorPod"}, lacks: []string{"AWS_"},
		},
		{
			name: "no such account", want: outcome{Reason: "NoIdentity", Mechanism: "none", Findings: []string{"UnknownServiceAccount"}},
			warning: "service account shop/web does not exist",
		},
		{
			name: "not a role", account: map[string]string{"eks.amazonaws.com/role-arn": "arn:aws:iam::11112222333:role/x"}, lacks: []string{"AWS_"},
			want: outcome{Reason: "InvalidRoleARN", Mechanism: "none", Findings: []string{"InvalidRoleARN"}}, warning: `"arn:aws:iam::11112222333:role/x"`,
		},
		{
			name: "a role and a line end", account: map[string]string{"eks.amazonaws.com/role-arn": roleARN + "\n"},
			want: outcome{Reason: "InvalidRoleARN", Mechanism: "none", Findings: []string{"InvalidRoleARN"}},
		},
		{
			name: "a user's ARN", account: map[string]string{"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:user/x"},
			want: outcome{Reason: "InvalidRoleARN", Mechanism: "none", Findings: []string{"InvalidRoleARN"}},
		},
		{
			name: "China, with a path", account: map[string]string{"eks.amazonaws.com/role-arn": "arn:aws-cn:iam::111122223333:role/a/b/x+=,.@-_"},
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"}, contains: []string{"arn:aws-cn:iam::111122223333:role/a/b/x+=,.@-_"},
		},
		{
			name: "a role's name, not composed", account: map[string]string{"eks.amazonaws.com/role-arn": "my-role"},
			want: outcome{Reason: "InvalidRoleARN", Mechanism: "none", Findings: []string{"InvalidRoleARN"}},
		},
		{
			name: "a role's name, composed", account: map[string]string{"eks.amazonaws.com/role-arn": "my-role"},
			config: webhook.Config{Settings: webhook.Settings{ComposeRoleARN: webhook.ComposeRoleARN{Enabled: true, Account: "444455556666", Path: "/pods/"}, DefaultRegion: "us-gov-west-1"}},
			want:   outcome{Reason: "RoleAnnotated", Mechanism: "irsa"}, contains: []string{"arn:aws-us-gov:iam::444455556666:role/pods/my-role"},
		},
		{
			name: "a mapping", account: map[string]string{},
			config: webhook.Config{Mappings: mappings{"shop/web": {RoleARN: roleARN, Audience: "mapped", TokenExpiration: 1000, UseRegionalSTS: &no}}},
			want:   outcome{Reason: "RoleMapped", Mechanism: "irsa"}, contains: []string{`"mapped"`, "1000", `"legacy"`},
		},
		{
			name: "an annotation before a mapping", account: annotated("eks.amazonaws.com/audience", "annotated"),
			config: webhook.Config{Mappings: mappings{"shop/web": {RoleARN: "arn:aws:iam::111122223333:role/mapped", Audience: "mapped"}}},
			want:   outcome{Reason: "RoleAnnotated", Mechanism: "irsa"}, contains: []string{roleARN, `"annotated"`}, lacks: []string{"mapped"},
		},
		{
			name: "a wrong mapping", account: map[string]string{}, config: webhook.Config{Mappings: mappings{"shop/web": {RoleARN: "role"}}},
			want: outcome{Reason: "InvalidRoleARN", Mechanism: "none", Findings: []string{"InvalidRoleARN"}}, warning: "the mapping of",
		},
		{
			name: "both mechanisms", account: annotated(), config: webhook.Config{Associations: association},
			want:     outcome{Reason: "Associated", Mechanism: "pod-identity", Findings: []string{"BothMechanisms"}},
			contains: []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "pods.eks.amazonaws.com", `"defaultMode":420`, "86300"}, lacks: []string{"AWS_ROLE_ARN"},
		},
		{
			name: "an association and no annotations", account: map[string]string{}, config: webhook.Config{Associations: association},
			metadata: `"labels":{"app":"web"}`,
			want:     outcome{Reason: "Associated", Mechanism: "pod-identity"},
			contains: []string{`"eks.amazonaws.com/pod-identity":"enabled"`, `"app":"web"`},
		},
		{
			name: "a label that says otherwise stays", account: map[string]string{}, config: webhook.Config{Associations: association},
			metadata: `"labels":{"eks.amazonaws.com/pod-identity":"mine"}`,
			want:     outcome{Reason: "Associated", Mechanism: "pod-identity"}, contains: []string{`"eks.amazonaws.com/pod-identity":"mine"`},
		},
		{
			name: "Pod Identity on the node's network", account: map[string]string{}, config: webhook.Config{Associations: association}, spec: `"hostNetwork":true,`,
			want: outcome{Reason: "Associated", Mechanism: "pod-identity", Findings: []string{"HostNetwork"}},
		},
		{
			name: "Pod Identity on Windows", account: map[string]string{}, config: webhook.Config{Associations: association}, spec: `"os":{"name":"windows"},`,
			want:     outcome{Reason: "Associated", Mechanism: "pod-identity", Findings: []string{"UnsupportedOS"}},
			contains: []string{`C:\\var\\run\\secrets\\pods.eks.amazonaws.com\\serviceaccount\\eks-pod-identity-token`},
		},
		{
			name: "Windows by affinity", account: annotated(),
			spec: `"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"kubernetes.io/os","operator":"In","values":["windows"]}]}]}}},`,
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"}, contains: []string{`C:\\var`},
		},
		{
			name: "perhaps Windows by affinity", account: annotated(),
			spec: `"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"kubernetes.io/os","operator":"In","values":["windows"]}]},{}]}}},`,
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"}, lacks: []string{`C:\\var`},
		},
		{
			name: "Windows or Linux by affinity", account: annotated(),
			spec: `"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"kubernetes.io/os","operator":"In","values":["windows","linux"]}]}]}}},`,
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"}, lacks: []string{`C:\\var`},
		},
		{
			name: "a mapping's expiration too short", account: map[string]string{}, config: webhook.Config{Mappings: mappings{"shop/web": {RoleARN: roleARN, TokenExpiration: 60}}},
			want: outcome{Reason: "RoleMapped", Mechanism: "irsa"}, contains: []string{`"expirationSeconds":600`},
		},
		{
			name: "an association, and all by hand: no label either", account: map[string]string{}, config: webhook.Config{Associations: association},
			metadata: `"annotations":{"podpass.io/include-containers":"h"}`,
			spec:     `"initContainers":[{"name":"h","env":[{"name":"AWS_ROLE_ARN"},{"name":"AWS_WEB_IDENTITY_TOKEN_FILE"}]}],`,
			want:     outcome{Reason: "AlreadyComplete", Mechanism: "pod-identity", Findings: []string{"HandConfigured"}}, lacks: []string{"enabled", "volume"},
		},
		{
			name: "Windows by the old selector", account: annotated(), spec: `"nodeSelector":{"beta.kubernetes.io/os":"windows"},`,
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"}, contains: []string{`C:\\var`},
		},
		{
			name: "expiration of the pod", account: annotated("eks.amazonaws.com/token-expiration", "3600"), metadata: `"annotations":{"eks.amazonaws.com/token-expiration":"7200"}`,
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"}, contains: []string{`"expirationSeconds":7200`},
		},
		{
			name: "expiration of the pod is no number", account: annotated("eks.amazonaws.com/token-expiration", "3600"), metadata: `"annotations":{"eks.amazonaws.com/token-expiration":"1h"}`,
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa", Findings: []string{"InvalidExpiration"}}, contains: []string{`"expirationSeconds":3600`},
		},
		{
			name: "expiration too short", account: annotated("eks.amazonaws.com/token-expiration", "60"),
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa", Findings: []string{"InvalidExpiration"}}, contains: []string{`"expirationSeconds":600`}, warning: "raised to 600",
		},
		{
			name: "expiration longer than the API server takes", account: annotated("eks.amazonaws.com/token-expiration", "4294967297"),
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa", Findings: []string{"InvalidExpiration"}}, contains: []string{`"expirationSeconds":86400`},
		},
		{
			name: "endpoint type true", account: annotated("eks.amazonaws.com/sts-regional-endpoints", "true"), want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"},
			contains: []string{`"AWS_STS_REGIONAL_ENDPOINTS","value":"regional"`},
		},
		{
			name: "endpoint type false", account: annotated("eks.amazonaws.com/sts-regional-endpoints", "false"), want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"},
			contains: []string{`"AWS_STS_REGIONAL_ENDPOINTS","value":"legacy"`},
		},
		{
			name: "endpoint type nonsense", account: annotated("eks.amazonaws.com/sts-regional-endpoints", "maybe"),
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa", Findings: []string{"InvalidRegionalSetting"}}, contains: []string{`"AWS_STS_REGIONAL_ENDPOINTS","value":"regional"`},
		},
		{
			name: "endpoint type by flag", account: annotated(), config: webhook.Config{Settings: webhook.Settings{STSRegionalEndpoint: &no}},
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"}, contains: []string{`"AWS_STS_REGIONAL_ENDPOINTS","value":"legacy"`},
		},
		{
			name: "endpoint type of an old cluster", account: annotated(), config: webhook.Config{Version: version("v1.21.5")},
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"}, lacks: []string{"AWS_STS_REGIONAL_ENDPOINTS"},
		},
		{
			name: "endpoint type of an old cluster, by flag", account: annotated(), config: webhook.Config{Version: version("v1.21.5"), Settings: webhook.Settings{STSRegionalEndpoint: &yes}},
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"}, contains: []string{`"AWS_STS_REGIONAL_ENDPOINTS","value":"regional"`},
		},
		{
			name: "endpoint type of an old EKS platform", account: annotated("eks.amazonaws.com/sts-regional-endpoints", "true"),
			config: webhook.Config{Version: version("v1.19.8-eks-96780e"), Settings: webhook.Settings{EKSPlatform: "eks.6"}},
			want:   outcome{Reason: "RoleAnnotated", Mechanism: "irsa", Findings: []string{"PlatformTooOld"}}, lacks: []string{"AWS_STS_REGIONAL_ENDPOINTS"},
		},
		{
			name: "endpoint type of an EKS platform just young enough", account: annotated("eks.amazonaws.com/sts-regional-endpoints", "true"),
			config: webhook.Config{Version: version("v1.19.8-eks-96780e"), Settings: webhook.Settings{EKSPlatform: "eks.7"}},
			want:   outcome{Reason: "RoleAnnotated", Mechanism: "irsa"}, contains: []string{`"AWS_STS_REGIONAL_ENDPOINTS","value":"regional"`},
		},
		{
			name: "skip-containers that is no list", account: annotated(), metadata: `"annotations":{"eks.amazonaws.com/skip-containers":"\"a"}`,
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa", Findings: []string{"InvalidContainerList"}}, contains: []string{"AWS_ROLE_ARN"},
		},
		{
			name: "all containers skipped", account: annotated(), metadata: `"annotations":{"eks.amazonaws.com/skip-containers":"b, a"}`,
			want: outcome{Reason: "AlreadyComplete", Mechanism: "irsa"}, lacks: []string{"AWS_", "aws-iam-token"},
		},
		{
			name: "include before skip", account: annotated(), metadata: `"annotations":{"eks.amazonaws.com/skip-containers":"a","podpass.io/include-containers":"a"}`,
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"}, contains: []string{"AWS_ROLE_ARN"},
		},
		{
			name: "not included", account: annotated(), metadata: `"annotations":{"podpass.io/include-containers":"b"}`,
			want: outcome{Reason: "AlreadyComplete", Mechanism: "irsa"}, lacks: []string{"AWS_"},
		},
		{
			name: "through the agent", account: annotated(), config: webhook.Config{Settings: webhook.Settings{IRSAThroughAgent: true}},
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa-through-agent"},
			contains: []string{
				`"http://169.254.170.23/v1/credentials?role-arn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fmy-role"`, `"audience":"sts.amazonaws.com"`,
				`"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE","value":"/var/run/secrets/eks.amazonaws.com/serviceaccount/token"`, `"expirationSeconds":86400`,
			}, lacks: []string{"AWS_ROLE_ARN", "eks.amazonaws.com/pod-identity"},
		},
		{
			name: "through the agent, the account says no", account: annotated("podpass.io/through-agent", "false"), config: webhook.Config{Settings: webhook.Settings{IRSAThroughAgent: true}},
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"},
		},
		{
			name: "through the agent, the account says what", account: annotated("podpass.io/through-agent", "what"),
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa", Findings: []string{"InvalidThroughAgent"}},
		},
		{
			name: "own STS, CA, no metadata", account: annotated(), config: webhook.Config{Settings: webhook.Settings{
				STSEndpoint: "https://sts.example", InjectCA: true, DisableMetadata: true,
			}},
			want: outcome{Reason: "RoleAnnotated", Mechanism: "irsa"},
			contains: []string{
				`{"name":"AWS_ENDPOINT_URL_STS","value":"https://sts.example"}`, `{"name":"AWS_EC2_METADATA_DISABLED","value":"true"}`,
				`{"name":"AWS_CA_BUNDLE","value":"/var/run/secrets/podpass.io/ca/ca.crt"}`, `"configMap":{"items":[{"key":"ca.crt","path":"ca.crt"}],"name":"podpass-ca"}`,
				`{"mountPath":"/var/run/secrets/podpass.io/ca","name":"podpass-ca","readOnly":true}`,
			},
		},
		{
			name: "another prefix, which a pointer must escape", account: map[string]string{"a~1b/role-arn": roleARN}, metadata: `"labels":{}`,
			config:   webhook.Config{Settings: webhook.Settings{AnnotationPrefix: "a~1b"}, Associations: association},
			want:     outcome{Reason: "Associated", Mechanism: "pod-identity", Findings: []string{"BothMechanisms"}},
			contains: []string{`"a~1b/pod-identity":"enabled"`},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := test.config
			config.Accounts = accounts{}
			if test.account != nil {
				config.Accounts = accounts{"shop/web": test.account}
			}
			handler := setup(t, config)
			object := `{"metadata":{` + test.metadata + `},"spec":{` + test.spec + `"serviceAccountName":"web","containers":[{"name":"a"}]}}`
			a := ask(t, handler, webhook.PathMutate, reviewOf(object))
			got := outcomeOf(t, a)
			got.Patch = nil
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			after := patched(t, []byte(object), a)
			for _, part := range test.contains {
				if !strings.Contains(canonical(t, after), canonicalPart(part)) {
					t.Errorf("the pod lacks %s: %s", part, canonical(t, after))
				}
			}
			for _, part := range test.lacks {
				if strings.Contains(string(after), part) {
					t.Errorf("the pod has %s: %s", part, after)
				}
			}
			if test.warning != "" && !slices.ContainsFunc(a.Response.Warnings, func(w string) bool {
				return strings.Contains(w, test.warning) || strings.Contains(w, strings.ReplaceAll(test.warning, `"`, `\"`))
			}) {
				t.Errorf("no warning has %q: %q", test.warning, a.Response.Warnings)
			}
			if again := ask(t, handler, webhook.PathMutate, reviewOf(string(after))); len(again.Response.Patch) > 0 {
				t.Errorf("patched again: %s", again.Response.Patch)
			}
		})
	}
}

func version(gitVersion string) func() webhook.Version {
	return func() webhook.Version { return webhook.ParseVersion(gitVersion) }
}

// canonical is JSON with sorted keys and no spaces.
func canonical(t testing.TB, object []byte) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(object, &value); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// canonicalPart lets tests write a variable as NAME","value":"VALUE.
func canonicalPart(part string) string {
	if !strings.HasPrefix(part, "{") && strings.Contains(part, `,"value":`) {
		return `"name":` + part
	}
	return part
}
