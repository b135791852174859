{{/* Labels of everything. Called with (dict "root" $ "component" "server"). */}}
{{- define "podpass.labels" -}}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: podpass
{{ include "podpass.selector" . }}
{{- end }}

{{/* Labels that select a component's pods. They must never change: a Deployment's selector can't. */}}
{{- define "podpass.selector" -}}
app.kubernetes.io/name: podpass
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of a component's pods: the webhook, and EKS's, must leave them alone. Called with component and values. */}}
{{- define "podpass.podLabels" -}}
{{- $own := dict "app.kubernetes.io/part-of" "podpass" "eks.amazonaws.com/skip-pod-identity-webhook" "true" -}}
{{- merge (include "podpass.selector" . | fromYaml) $own (default dict .values.podLabels) | toYaml }}
{{- end }}

{{- define "podpass.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end -}}
{{- end }}

{{/* Whether there is a podpass server, here or elsewhere: "true" or nothing. */}}
{{- define "podpass.hasServer" -}}
{{- if or .Values.server.enabled .Values.endpoint -}}true{{- end -}}
{{- end }}

{{- define "podpass.serverURL" -}}
{{- if .Values.server.enabled -}}
https://podpass-server.{{ .Release.Namespace }}.svc:8600
{{- else -}}
{{ .Values.endpoint }}
{{- end -}}
{{- end }}

{{/* Whether the ConfigMap podpass-ca exists, or will as soon as the server has started: "true" or nothing. */}}
{{- define "podpass.hasCA" -}}
{{- if or .Values.server.enabled .Values.ca -}}true{{- end -}}
{{- end }}

{{/* The partition of a region, as package identity has it. */}}
{{- define "podpass.partition" -}}
{{- $found := .Values.partition -}}
{{- range $prefix, $partition := dict "cn-" "aws-cn" "us-gov-" "aws-us-gov" "eusc-" "aws-eusc" "us-iso-" "aws-iso" "us-isob-" "aws-iso-b" "eu-isoe-" "aws-iso-e" "us-isof-" "aws-iso-f" -}}
{{- if and (not $found) (hasPrefix $prefix $.Values.region) -}}{{- $found = $partition -}}{{- end -}}
{{- end -}}
{{- default "aws" $found -}}
{{- end }}

{{/* The role registering makes for a component. IAM's names have 64 characters: of a longer one the beginning is kept, and a hash. */}}
{{- define "podpass.roleARN" -}}
{{- $name := printf "podpass-%s-%s" .component .root.Values.clusterName -}}
{{- if gt (len $name) 64 -}}
{{- $name = printf "%s-%s" (trunc 55 $name) (.root.Values.clusterName | sha256sum | trunc 8) -}}
{{- end -}}
{{- default (printf "arn:%s:iam::%s:role/podpass/%s" (include "podpass.partition" .root) .root.Values.account $name) .values.roleARN -}}
{{- end }}

{{/* What every container has. */}}
{{- define "podpass.container" -}}
image: {{ include "podpass.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
terminationMessagePolicy: FallbackToLogsOnError
{{- end }}

{{- define "podpass.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "podpass.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* Environment of every container: proxy and further CAs. */}}
{{- define "podpass.env" -}}
{{- with .Values.proxy }}
{{- if or .http .https }}
{{- with .http }}
- {name: HTTP_PROXY, value: {{ . | quote }}}
{{- end }}
{{- with .https }}
- {name: HTTPS_PROXY, value: {{ . | quote }}}
{{- end }}
- {name: NO_PROXY, value: {{ concat (list "localhost" "127.0.0.1" "::1" "$(KUBERNETES_SERVICE_HOST)" ".svc" (printf ".%s" $.Values.clusterDomain) "169.254.170.23" "fd00:ec2::23") .noProxy | join "," | quote }}}
{{- end }}
{{- end }}
{{- if or .Values.extraCA.pem .Values.extraCA.configMap }}
# Besides the file of the image, which Go reads in any case.
- {name: SSL_CERT_DIR, value: /etc/podpass/extra-ca}
{{- end }}
{{- end }}

{{- define "podpass.volumeMounts" -}}
{{- if or .Values.extraCA.pem .Values.extraCA.configMap }}
- {name: extra-ca, mountPath: /etc/podpass/extra-ca, readOnly: true}
{{- end }}
{{- end }}

{{- define "podpass.volumes" -}}
{{- if or .Values.extraCA.pem .Values.extraCA.configMap }}
- {name: extra-ca, configMap: {name: {{ default "podpass-extra-ca" .Values.extraCA.configMap | quote }}}}
{{- end }}
{{- end }}

{{/* How agent and webhook are somebody to the server: their service account's token and their role, no secret. Called with root, component, values. */}}
{{- define "podpass.identityEnv" -}}
- {name: AWS_REGION, value: {{ .root.Values.region | quote }}}
{{- if or (include "podpass.hasServer" .root) .values.roleARN }}
- {name: AWS_ROLE_ARN, value: {{ include "podpass.roleARN" . | quote }}}
- {name: AWS_WEB_IDENTITY_TOKEN_FILE, value: /var/run/secrets/podpass/token}
{{- end }}
{{- if and (include "podpass.hasServer" .root) (include "podpass.hasCA" .root) }}
- {name: AWS_CA_BUNDLE, value: /etc/podpass/ca/ca.crt}
{{- end }}
{{- end }}

{{- define "podpass.identityMounts" -}}
- {name: identity, mountPath: /var/run/secrets/podpass, readOnly: true}
{{- if and (include "podpass.hasServer" .root) (include "podpass.hasCA" .root) }}
- {name: ca, mountPath: /etc/podpass/ca, readOnly: true}
{{- end }}
{{- end }}

{{- define "podpass.identityVolumes" -}}
- name: identity
  projected:
    sources: [{serviceAccountToken: {path: token, audience: sts.amazonaws.com, expirationSeconds: 3600}}]
{{- if and (include "podpass.hasServer" .root) (include "podpass.hasCA" .root) }}
# Not optional: the pod waits for the server to write it.
- {name: ca, configMap: {name: podpass-ca}}
{{- end }}
{{- end }}

{{/* Replicas on different nodes where that can be had; on one node they all run there. */}}
{{- define "podpass.spread" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector: {matchLabels: {{ include "podpass.selector" . | fromYaml | toJson }}}
{{- end }}

{{/* Where a pod may run. Called with values. */}}
{{- define "podpass.placement" -}}
nodeSelector:
{{ merge (dict "kubernetes.io/os" "linux") (default dict .values.nodeSelector) | toYaml | indent 2 }}
{{- with .values.tolerations }}
tolerations:
{{ toYaml . | indent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
{{ toYaml . | indent 2 }}
{{- end }}
{{- end }}
