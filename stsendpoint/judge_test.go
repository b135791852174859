package stsendpoint_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podpass/podpass/account"
	"github.com/podpass/podpass/stsendpoint"
)

func codes(list []stsendpoint.Finding) []string {
	out := []string{}
	for _, f := range list {
		out = append(out, string(f.Code))
	}
	return out
}

func v(name, value string) core.EnvVar { return core.EnvVar{Name: name, Value: value} }

// One container in every situation the report knows: its type, what it calls and what is odd.
func TestJudge(t *testing.T) {
	const cn = "cn-north-1"
	closed := &stsendpoint.Network{VPC: "vpc-1", Closed: true, STS: true}
	secret := core.EnvVar{Name: stsendpoint.Variable, ValueFrom: &core.EnvVarSource{SecretKeyRef: &core.SecretKeySelector{LocalObjectReference: core.LocalObjectReference{Name: "s"}, Key: "k"}}}
	mapped := core.EnvVar{Name: stsendpoint.Variable, ValueFrom: &core.EnvVarSource{ConfigMapKeyRef: &core.ConfigMapKeySelector{LocalObjectReference: core.LocalObjectReference{Name: "settings"}, Key: "type"}}}
	for name, tc := range map[string]struct {
		annotation string // "" is none
		own        []core.EnvVar
		env        []core.EnvVar
		image, sdk string
		network    *stsendpoint.Network
		optIn      bool
		notIn      bool

		typ      stsendpoint.Type
		calls    string
		standing stsendpoint.Standing
		why      string
		codes    []string
	}{
		"default":                 {env: with("regional"), typ: "regional", calls: "sts.us-west-2.amazonaws.com", standing: "current", why: "the cluster's default"},
		"annotated":               {annotation: "false", env: with("legacy"), typ: "global", calls: "sts.amazonaws.com", standing: "current", why: `annotation "false"`},
		"older than the setting":  {annotation: "true", env: with("legacy"), typ: "global", calls: "sts.amazonaws.com", standing: "stale", why: "before", codes: []string{"OlderThanSetting"}},
		"without the webhook":     {annotation: "true", typ: "default", standing: "stale", why: "no value", codes: []string{"OlderThanSetting"}},
		"rejected":                {own: []core.EnvVar{v(stsendpoint.Variable, "global")}, env: with("global"), typ: "global", standing: "own", why: "set by the template", codes: []string{"RejectedValue"}},
		"rejected by botocore":    {own: []core.EnvVar{v(stsendpoint.Variable, "global")}, env: with("global"), sdk: "boto3", typ: "global", standing: "own", why: "set by", codes: []string{"RejectedValue"}},
		"nonsense":                {own: []core.EnvVar{v(stsendpoint.Variable, "local")}, env: with("local"), typ: "invalid", standing: "own", why: "set by", codes: []string{"RejectedValue"}},
		"its own beats":           {annotation: "true", own: []core.EnvVar{v(stsendpoint.Variable, "legacy")}, env: with("legacy"), typ: "global", calls: "sts.amazonaws.com", standing: "own", why: "set by", codes: []string{"OwnVariable"}},
		"from a Secret":           {own: []core.EnvVar{secret}, env: append(with(""), secret), typ: "unknown", standing: "own", why: "Secret shop/s", codes: []string{"NotRead"}},
		"from a ConfigMap":        {own: []core.EnvVar{mapped}, env: append(with(""), mapped), typ: "global", calls: "sts.amazonaws.com", standing: "own", why: "ConfigMap shop/settings"},
		"an SDK that ignores it":  {annotation: "false", env: with("legacy"), image: "eks/aws-load-balancer-controller:v2.9.0", typ: "global", calls: "sts.us-west-2.amazonaws.com", standing: "current", why: "annotation"},
		"an SDK that is told":     {annotation: "false", env: with("legacy"), sdk: "java-v2", typ: "global", calls: "sts.us-west-2.amazonaws.com", standing: "current", why: "annotation"},
		"own endpoint":            {env: with("regional", v("AWS_ENDPOINT_URL_STS", "https://sts.example:8600/x")), typ: "regional", calls: "sts.example:8600", standing: "current", why: "default", codes: []string{"OwnEndpoint"}},
		"own endpoint, ignored":   {env: with("regional", v("AWS_ENDPOINT_URL_STS", "https://x"), v("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")), typ: "regional", calls: "sts.us-west-2.amazonaws.com", standing: "current", why: "default"},
		"hidden endpoint":         {env: with("regional", hidden("AWS_ENDPOINT_URL_STS")), typ: "regional", standing: "current", why: "default", codes: []string{"NotRead"}},
		"hidden region":           {env: append(with("regional")[:1:1], hidden("AWS_REGION"), irsa[1], irsa[2]), typ: "regional", standing: "current", why: "default", codes: []string{"NotRead"}},
		"nothing set, elsewhere":  {own: in("eu-south-1", ""), env: in("eu-south-1", ""), typ: "default", calls: "sts.eu-south-1.amazonaws.com", standing: "own", why: "no value"},
		"region not enabled":      {env: in("eu-south-1", "regional"), optIn: true, notIn: true, typ: "regional", calls: "sts.eu-south-1.amazonaws.com", standing: "current", why: "default", codes: []string{"RegionNotEnabled"}},
		"opt-in, global by hand":  {env: in("eu-south-1", "regional", v("AWS_ENDPOINT_URL_STS", "https://sts.amazonaws.com")), optIn: true, typ: "regional", calls: "sts.amazonaws.com", standing: "current", why: "default", codes: []string{"OwnEndpoint", "OptInRegion"}},
		"FIPS":                    {annotation: "false", env: with("legacy", v("AWS_USE_FIPS_ENDPOINT", "true")), typ: "global", calls: "sts.us-west-2.amazonaws.com", standing: "current", why: "annotation"},
		"not among the sixteen":   {annotation: "false", env: in("eu-south-1", "legacy"), typ: "global", calls: "sts.eu-south-1.amazonaws.com", standing: "current", why: "annotation", codes: []string{"NoGlobalEndpoint"}},
		"opt-in region":           {annotation: "false", env: in("eu-south-1", "legacy"), optIn: true, typ: "global", calls: "sts.eu-south-1.amazonaws.com", standing: "current", why: "annotation", codes: []string{"NoGlobalEndpoint"}},
		"China":                   {annotation: "false", env: in(cn, "legacy"), typ: "global", calls: "sts.cn-north-1.amazonaws.com.cn", standing: "current", why: "annotation", codes: []string{"NoGlobalEndpoint"}},
		"aws-global":              {env: in("aws-global", "regional"), typ: "regional", calls: "sts.amazonaws.com", standing: "current", why: "default"},
		"private and global":      {annotation: "false", env: with("legacy"), network: closed, typ: "global", calls: "sts.amazonaws.com", standing: "current", why: "annotation", codes: []string{"GlobalUnreachable"}},
		"private and regional":    {env: with("regional"), network: closed, typ: "regional", calls: "sts.us-west-2.amazonaws.com", standing: "current", why: "default"},
		"private, no endpoint":    {env: with("regional"), network: &stsendpoint.Network{VPC: "vpc-1", Closed: true}, typ: "regional", calls: "sts.us-west-2.amazonaws.com", standing: "current", why: "default", codes: []string{"RegionalUnreachable"}},
		"configured by hand":      {annotation: "true", own: irsa, env: irsa, typ: "default", standing: "own", why: "no value", codes: []string{"OwnVariable"}},
		"by hand, Go v1":          {own: irsa, env: irsa, sdk: "go-v1", typ: "default", calls: "sts.amazonaws.com", standing: "own", why: "no value"},
		"by hand, boto3":          {own: irsa, env: irsa, sdk: "boto3", typ: "default", calls: "sts.us-west-2.amazonaws.com", standing: "own", why: "no value"},
		"by hand, Go v1, private": {own: irsa, env: irsa, sdk: "go-v1", network: closed, typ: "default", calls: "sts.amazonaws.com", standing: "own", why: "no value", codes: []string{"GlobalUnreachable"}},
	} {
		t.Run(name, func(t *testing.T) {
			annotations := map[string]string{roleKey: role}
			if tc.annotation != "" {
				annotations[stsendpoint.Annotation] = tc.annotation
			}
			ds := daemonSet("node", tc.own...)
			pod := podOf("node-1", ds, "DaemonSet", tc.env...)
			if tc.image != "" {
				pod.Spec.Containers[0].Image = tc.image
			}
			settings := &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Namespace: "shop", Name: "settings"}, Data: map[string]string{"type": "legacy"}}
			shop := newShop(t, "v1.31.2-eks-1", annotations, ds, pod, settings)
			s := shop.read(t, shop.reader())
			s.World.Network = tc.network
			if tc.optIn {
				s.World.OptIn["eu-south-1"] = stsendpoint.OptInState{OptIn: true, In: !tc.notIn}
			}
			var sdk *stsendpoint.SDK
			if known, ok := stsendpoint.SDKNamed(tc.sdk); ok {
				sdk = &known
			}
			report := s.Report(sdk, true)
			c := report.Pods[0].Containers[0]
			if c.Type != tc.typ || c.Endpoint != tc.calls || c.Standing != tc.standing || !strings.Contains(c.Why, tc.why) || !slices.Equal(codes(c.Findings), append([]string{}, tc.codes...)) {
				t.Errorf("%+v", c)
			}
			for _, action := range shop.Actions() {
				if action.GetResource().Resource == "secrets" {
					t.Errorf("a Secret was read: %+v", action)
				}
			}
		})
	}
}

func hidden(name string) core.EnvVar {
	return core.EnvVar{Name: name, ValueFrom: &core.EnvVarSource{SecretKeyRef: &core.SecretKeySelector{LocalObjectReference: core.LocalObjectReference{Name: "s"}, Key: "k"}}}
}

// in is what the webhook gave in another region.
func in(region, value string, more ...core.EnvVar) []core.EnvVar {
	env := with(value, more...)
	for i := range env {
		if env[i].Name == "AWS_REGION" {
			env[i].Value = region
		}
	}
	return env
}

func TestRejectionIsTheSDKs(t *testing.T) {
	ds := daemonSet("node", v(stsendpoint.Variable, "global"))
	shop := newShop(t, "v1.31.2", map[string]string{roleKey: role}, ds, podOf("node-1", ds, "DaemonSet", with("global")...))
	for name, want := range map[string]string{"boto3": "InvalidSTSRegionalEndpointsConfigError", "go-v1": "unable to resolve the value of STSRegionalEndpoint for global", "go-v2": "does not read it"} {
		sdk, _ := stsendpoint.SDKNamed(name)
		found := shop.read(t, shop.reader()).Report(&sdk, true).Pods[0].Containers[0].Findings
		if len(found) != 1 || !strings.Contains(found[0].Text, want) {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestJudgeAccount(t *testing.T) {
	legacyByDefault := func(string, bool) (string, bool) { return "legacy", true }
	nothing := func(string, bool) (string, bool) { return "", true }
	amazon := func(annotation string, annotated bool) (string, bool) {
		if annotated && annotation == "false" {
			return "global", true
		}
		return "regional", true
	}
	down := func(string, bool) (string, bool) { return "", false }
	for name, tc := range map[string]struct {
		version, annotation, role string
		give                      func(string, bool) (string, bool)
		denied                    bool
		newPods                   []string
		codes                     []string
	}{
		"podpass, regional":       {"v1.31.2", "true", role, podpass, false, []string{"regional"}, nil},
		"podpass, global":         {"v1.31.2", "false", role, podpass, false, []string{"legacy"}, nil},
		"gives global":            {"v1.31.2", "false", role, amazon, false, []string{"global"}, []string{"RejectedValue"}},
		"gives nothing for false": {"v1.31.2", "false", role, nothing, false, []string{""}, []string{"GlobalNotInjected"}},
		"ignores it":              {"v1.31.2", "true", role, nothing, false, []string{""}, []string{"NotInjected"}},
		"webhook down":            {"v1.31.2", "true", role, down, false, []string{""}, []string{"NotInjected"}},
		"its own default":         {"v1.31.2", "", role, legacyByDefault, false, []string{"legacy"}, []string{"OtherDefault"}},
		"no role":                 {"v1.31.2", "true", "", podpass, false, []string{""}, []string{"NoRole"}},
		"not a boolean":           {"v1.31.2", "sometimes", role, podpass, false, []string{"regional"}, []string{"InvalidAnnotation"}},
		"too old":                 {"v1.17.1-eks-1", "true", role, podpass, true, []string{""}, []string{"ClusterTooOld", "NoTrial"}},
		"no dry run":              {"v1.31.2", "false", role, podpass, true, []string{"legacy", "global", ""}, []string{"NoTrial"}},
	} {
		annotations := map[string]string{}
		if tc.role != "" {
			annotations[roleKey] = tc.role
		}
		if tc.annotation != "" {
			annotations[stsendpoint.Annotation] = tc.annotation
		}
		shop := newShop(t, tc.version, annotations)
		shop.give, shop.denied = tc.give, tc.denied
		got := shop.read(t, shop.reader()).Report(nil, true).Accounts
		if len(got) != 1 || !slices.Equal(got[0].NewPods, tc.newPods) || got[0].Exact == tc.denied || !slices.Equal(codes(got[0].Findings), append([]string{}, tc.codes...)) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What the account does not tell is said, and everything else goes on.
func TestCloud(t *testing.T) {
	eks := &account.Cluster{Name: "shop", PlatformVersion: "eks.2", VPC: "vpc-1", Subnets: []string{"a", "b"}}
	for name, tc := range map[string]struct {
		cloud    cloud
		version  string
		honoured bool
		closed   bool
		unseen   string
	}{
		"private":      {cloud{found: eks, closed: []string{"a", "b"}, endpoints: []string{"com.amazonaws.us-west-2.sts"}}, "v1.31.2-eks-1", true, true, ""},
		"not private":  {cloud{found: eks, closed: []string{"a"}}, "v1.31.2-eks-1", true, false, ""},
		"too old":      {cloud{found: eks}, "v1.21.1-eks-1", false, false, ""},
		"denied":       {cloud{clusterErr: errors.New("AccessDenied")}, "v1.31.2-eks-1", true, false, "AccessDenied"},
		"no EC2":       {cloud{found: eks, networkErr: errors.New("InvalidAction")}, "v1.31.2-eks-1", true, false, "InvalidAction"},
		"podpass's":    {cloud{found: &account.Cluster{Name: "shop"}}, "v1.31.2", true, false, "of no VPC"},
		"not in there": {cloud{clusterErr: account.ErrNoCluster}, "v1.31.2", true, false, "no such cluster"},
	} {
		shop := newShop(t, tc.version, map[string]string{roleKey: role}, podOf("lone", nil, "", with("regional")...))
		r := shop.reader()
		r.Cloud = &stsendpoint.Cloud{Region: "us-west-2", Clusters: &tc.cloud, Network: &tc.cloud, Issuer: func(context.Context) (string, error) { return "https://issuer", nil }}
		s := shop.read(t, r)
		unseen := strings.Join(s.World.Unseen, "; ")
		isClosed := s.World.Network != nil && s.World.Network.Closed
		if s.World.Setting.Honoured != tc.honoured || isClosed != tc.closed || (unseen == "") != (tc.unseen == "") || !strings.Contains(unseen, tc.unseen) {
			t.Errorf("%s: %+v, %q", name, s.World, unseen)
		}
		if len(s.Report(nil, false).Pods) != 1 {
			t.Errorf("%s: the pod is not in the report", name)
		}
	}
}
