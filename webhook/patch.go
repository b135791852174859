package webhook

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Operation is one of a JSON patch (RFC 6902).
type Operation struct {
	Op    string         `json:"op"`
	Path  string         `json:"path"`
	Value jsontext.Value `json:"value"`
}

// Patch is the decision as a JSON patch of the pod it was made for, and of that pod alone: its paths hold indexes. It only adds, so that
// fields of a newer Kubernetes, which nothing here knows, stay. The token's volume becomes the first, as the EKS webhook makes it; variables
// and mounts follow those there are.
func Patch(pod *Pod, d *Decision) []Operation {
	if d.Empty() {
		return nil
	}
	b := patchBuilder{operations: make([]Operation, 0, 8), values: make([]byte, 0, 1024)}
	b.label(&pod.Metadata.Labels, d.Label)
	b.volumes(pod, d)
	for i := range d.Containers {
		a := &d.Containers[i]
		list, path := pod.Spec.Containers, "/spec/containers/"
		if a.Init {
			list, path = pod.Spec.InitContainers, "/spec/initContainers/"
		}
		path += strconv.Itoa(a.Index)
		for _, r := range a.Replace {
			// An add replaces, and unlike a replace does so too where an empty value was left out.
			b.operation(path+"/env/"+strconv.Itoa(r.Index)+"/value", func(v []byte) []byte { return quote(v, r.Value) })
		}
		appendTo(&b, path+"/env", list[a.Index].Env == nil, a.Env, appendEnv)
		appendTo(&b, path+"/volumeMounts", list[a.Index].VolumeMounts == nil, a.Mounts, appendMount)
	}
	return b.operations
}

// patchBuilder keeps all values in one buffer.
type patchBuilder struct {
	operations []Operation
	values     []byte
}

func (b *patchBuilder) operation(path string, value func([]byte) []byte) {
	start := len(b.values)
	b.values = value(b.values)
	b.operations = append(b.operations, Operation{"add", path, jsontext.Value(b.values[start:len(b.values):len(b.values)])})
}

func (b *patchBuilder) label(labels *Marks, key string) {
	const value = "enabled"
	switch {
	case key == "":
	case labels.Present:
		b.operation("/metadata/labels/"+pointer(key), func(v []byte) []byte { return quote(v, value) })
	default:
		b.operation("/metadata/labels", func(v []byte) []byte {
			v = quote(append(v, '{'), key)
			return append(quote(append(v, ':'), value), '}')
		})
	}
}

func (b *patchBuilder) volumes(pod *Pod, d *Decision) {
	token := func(v []byte) []byte { return appendToken(v, d.Token) }
	ca := func(v []byte) []byte { return appendCA(v, d.CAConfigMap) }
	none := pod.Spec.Volumes == nil
	list := func(value func([]byte) []byte) func([]byte) []byte {
		return func(v []byte) []byte { return append(value(append(v, '[')), ']') }
	}
	switch {
	case d.Token == nil:
	case none:
		b.operation("/spec/volumes", list(token))
		none = false
	default:
		b.operation("/spec/volumes/0", token)
	}
	switch {
	case d.CAConfigMap == "":
	case none:
		b.operation("/spec/volumes", list(ca))
	default:
		b.operation("/spec/volumes/-", ca)
	}
}

// appendTo adds elements at the end of a list that may not be there yet.
func appendTo[T any](b *patchBuilder, path string, absent bool, elements []T, value func([]byte, *T) []byte) {
	switch {
	case len(elements) == 0:
	case absent:
		b.operation(path, func(v []byte) []byte {
			v = append(v, '[')
			for i := range elements {
				if i > 0 {
					v = append(v, ',')
				}
				v = value(v, &elements[i])
			}
			return append(v, ']')
		})
	default:
		path += "/-"
		for i := range elements {
			b.operation(path, func(v []byte) []byte { return value(v, &elements[i]) })
		}
	}
}

func appendEnv(v []byte, e *EnvVar) []byte {
	v = quote(append(v, `{"name":`...), e.Name)
	return append(quote(append(v, `,"value":`...), e.Value), '}')
}

func appendMount(v []byte, m *VolumeMount) []byte {
	v = quote(append(v, `{"name":`...), m.Name)
	return append(quote(append(v, `,"readOnly":true,"mountPath":`...), m.MountPath), '}')
}

func appendToken(v []byte, t *TokenVolume) []byte {
	v = quote(append(v, `{"name":`...), t.Name)
	v = quote(append(v, `,"projected":{"sources":[{"serviceAccountToken":{"audience":`...), t.Audience)
	v = strconv.AppendInt(append(v, `,"expirationSeconds":`...), t.ExpirationSeconds, 10)
	v = append(quote(append(v, `,"path":`...), t.Path), `}}]`...)
	if t.DefaultMode != 0 {
		v = strconv.AppendInt(append(v, `,"defaultMode":`...), int64(t.DefaultMode), 10)
	}
	return append(v, `}}`...)
}

// appendCA is a volume that a pod waits for: without its CA a pod would start only to fail.
func appendCA(v []byte, configMap string) []byte {
	v = quote(append(v, `{"name":`...), caVolume)
	v = quote(append(v, `,"configMap":{"name":`...), configMap)
	v = quote(append(v, `,"items":[{"key":`...), caKey)
	return append(quote(append(v, `,"path":`...), caKey), `}]}}`...)
}

// quote appends a JSON string; what is not UTF-8 in it is replaced, and says so in an error that changes nothing here.
func quote(v []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			v, _ = jsontext.AppendQuote(v, s)
			return v
		}
	}
	return append(append(append(v, '"'), s...), '"')
}

// pointer escapes one step of a JSON pointer (RFC 6901).
func pointer(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}
