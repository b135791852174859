package webhook_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/podpass/podpass/webhook"
	corev1 "k8s.io/api/core/v1"
)

// expected is what the EKS webhook adds, written down once more on the API's own types: the volume first, variables and mounts behind those
// there are, in every container and init container that is not skipped.
type expected struct {
	volume     corev1.Volume
	mount      corev1.VolumeMount
	env        []corev1.EnvVar
	withRegion []corev1.EnvVar // for containers that name a region themselves
	skip       map[string]bool
	label      bool
}

func (e expected) apply(pod *corev1.Pod) {
	pod.Spec.Volumes = append([]corev1.Volume{e.volume}, pod.Spec.Volumes...)
	if e.label {
		if pod.Labels == nil {
			pod.Labels = map[string]string{}
		}
		pod.Labels["eks.amazonaws.com/pod-identity"] = "enabled"
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			c := &list[i]
			if e.skip[c.Name] {
				continue
			}
			env := e.env
			for _, v := range c.Env {
				if v.Name == "AWS_REGION" || v.Name == "AWS_DEFAULT_REGION" {
					env = e.withRegion
				}
			}
			c.Env = append(c.Env, env...)
			c.VolumeMounts = append(c.VolumeMounts, e.mount)
		}
	}
}

func projected(name, audience, path string, seconds int64, mode *int32) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		DefaultMode: mode,
		Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{
			Audience: audience, ExpirationSeconds: &seconds, Path: path,
		}}},
	}}}
}

func vars(pairs ...string) (env []corev1.EnvVar) {
	for i := 0; i < len(pairs); i += 2 {
		env = append(env, corev1.EnvVar{Name: pairs[i], Value: pairs[i+1]})
	}
	return env
}

// Pods as a kube-apiserver 1.36 sent them, decoded whole, patched, and compared whole.
func TestSamePodAsEKS(t *testing.T) {
	const (
		irsaPath = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
		podPath  = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
	)
	mode := int32(420)
	irsaVolume := projected("aws-iam-token", "sts.amazonaws.com", "token", 86400, nil)
	irsaMount := corev1.VolumeMount{Name: "aws-iam-token", ReadOnly: true, MountPath: irsaPath}
	podVolume := projected("eks-pod-identity-token", "pods.eks.amazonaws.com", "eks-pod-identity-token", 86300, &mode)
	podMount := corev1.VolumeMount{Name: "eks-pod-identity-token", ReadOnly: true, MountPath: podPath}
	irsaPair := []string{"AWS_ROLE_ARN", roleARN, "AWS_WEB_IDENTITY_TOKEN_FILE", irsaPath + "/token"}
	podPair := []string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", podPath + "/eks-pod-identity-token",
	}
	sts := []string{"AWS_STS_REGIONAL_ENDPOINTS", "regional"}
	region := []string{"AWS_DEFAULT_REGION", "us-west-2", "AWS_REGION", "us-west-2"}
	join := func(lists ...[]string) (all []string) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}

	for _, test := range []struct {
		name, fixture string
		settings      webhook.Settings
		account       map[string]string
		associated    bool
		want          expected
	}{
		{
			name: "IRSA", fixture: "admission-deployment.json", account: annotated(), settings: webhook.Settings{DefaultRegion: "us-west-2"},
			want: expected{volume: irsaVolume, mount: irsaMount, env: vars(join(sts, region, irsaPair)...)},
		},
		{
			name: "IRSA without a region", fixture: "admission-job-hostnetwork.json", account: annotated(),
			want: expected{volume: irsaVolume, mount: irsaMount, env: vars(join(sts, irsaPair)...)},
		},
		{
			name: "IRSA with settings of the account", fixture: "admission-deployment.json",
			account: annotated("eks.amazonaws.com/audience", "other", "eks.amazonaws.com/token-expiration", "7200"),
			want:    expected{volume: projected("aws-iam-token", "other", "token", 7200, nil), mount: irsaMount, env: vars(join(sts, irsaPair)...)},
		},
		{
			name: "Pod Identity", fixture: "admission-deployment.json", associated: true, account: map[string]string{},
			want: expected{volume: podVolume, mount: podMount, env: vars(join(sts, podPair)...), label: true},
		},
		{
			name: "an association before a role", fixture: "admission-deployment.json", associated: true, account: annotated(),
			want: expected{volume: podVolume, mount: podMount, env: vars(join(sts, podPair)...), label: true},
		},
		{
			name: "jitter of the default lifetime alone", fixture: "admission-deployment.json", associated: true,
			account: map[string]string{"eks.amazonaws.com/token-expiration": "3600"},
			want: expected{
				volume: projected("eks-pod-identity-token", "pods.eks.amazonaws.com", "eks-pod-identity-token", 3600, &mode),
				mount:  podMount, env: vars(join(sts, podPair)...), label: true,
			},
		},
		{
			name: "skipped containers", fixture: "admission-skip-containers.json", account: annotated(), settings: webhook.Settings{DefaultRegion: "us-west-2"},
			want: expected{
				volume: irsaVolume, mount: irsaMount, env: vars(join(sts, region, irsaPair)...), withRegion: vars(join(sts, irsaPair)...),
				skip: map[string]bool{"init-first": true, "sidecar": true},
			},
		},
		{
			name: "Windows", fixture: "admission-windows.json", account: annotated(),
			want: expected{volume: irsaVolume, mount: irsaMount, env: vars(join(sts, []string{
				"AWS_ROLE_ARN", roleARN, "AWS_WEB_IDENTITY_TOKEN_FILE", `C:\var\run\secrets\eks.amazonaws.com\serviceaccount\token`,
			})...)},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			review := fixture(t, test.fixture)
			object := objectOf(t, review)
			name := serviceAccountOf(t, review)
			handler := setup(t, webhook.Config{
				Settings: test.settings, Accounts: accounts{name: test.account},
				Associations: []webhook.Associations{associations{of: map[string]bool{name: test.associated}}},
			})
			a := ask(t, handler, webhook.PathMutate, review)
			after := patched(t, object, a)

			var got, want corev1.Pod
			strict(t, after, &got)
			strict(t, object, &want)
			test.want.apply(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the pod (-want +got):\n%s", diff)
			}
			if once := ask(t, handler, webhook.PathMutate, withObject(t, review, after)); len(once.Response.Patch) > 0 {
				t.Errorf("patched again: %s", once.Response.Patch)
			}
		})
	}
}

func serviceAccountOf(t testing.TB, review string) string {
	t.Helper()
	var r struct {
		Request struct {
			Namespace string
			Object    corev1.Pod
		}
	}
	if err := json.Unmarshal([]byte(review), &r); err != nil {
		t.Fatal(err)
	}
	return r.Request.Namespace + "/" + r.Request.Object.Spec.ServiceAccountName
}

// withObject is the review with another object.
func withObject(t testing.TB, review string, object []byte) string {
	t.Helper()
	changed := bytes.Replace([]byte(review), objectOf(t, review), object, 1)
	if !json.Valid(changed) {
		t.Fatal("the review has no object to replace")
	}
	return string(changed)
}

// strict reads a pod and complains about fields the API doesn't have.
func strict(t testing.TB, object []byte, pod *corev1.Pod) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	d.DisallowUnknownFields()
	if err := d.Decode(pod); err != nil {
		t.Fatal(err)
	}
}
