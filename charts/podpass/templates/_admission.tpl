{{/* The prefix of EKS's annotations and labels: that of the webhook's flag, if it is given. */}}
{{- define "podpass.annotationPrefix" -}}
{{- $found := "eks.amazonaws.com" -}}
{{- range $i, $arg := .Values.webhook.args -}}
{{- if hasPrefix "--annotation-prefix=" $arg -}}{{- $found = trimPrefix "--annotation-prefix=" $arg -}}{{- end -}}
{{- if and (eq $arg "--annotation-prefix") (lt (add1 $i) (len $.Values.webhook.args)) -}}{{- $found = index $.Values.webhook.args (add1 $i) -}}{{- end -}}
{{- end -}}
{{- $found -}}
{{- end }}

{{/* A selector of one's own expressions and of those of the values. Called with values and own. */}}
{{- define "podpass.selectors" -}}
{{- with .values.matchLabels }}
matchLabels:
{{ toYaml . | indent 2 }}
{{- end }}
{{- with concat .own (default list .values.matchExpressions) }}
matchExpressions:
{{- range . }}
  - {{ toJson . }}
{{- end }}
{{- end }}
{{- end }}

{{/* The conditions in CEL that webhook and policy share. Each is an error for no pod: an error would count as a refusal. */}}
{{- define "podpass.isMirror" -}}
has(object.metadata.annotations) && 'kubernetes.io/config.mirror' in object.metadata.annotations
{{- end }}
{{- define "podpass.isCritical" -}}
has(object.spec.priorityClassName) && object.spec.priorityClassName in ['system-node-critical', 'system-cluster-critical']
{{- end }}
