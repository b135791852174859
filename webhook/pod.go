package webhook

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// Pod is the part of a pod that decisions rest on. Everything else in a review is stepped over unread, and stays as it is because patches
// only add.
type Pod struct {
	Metadata Metadata `json:"metadata"`
	Spec     Spec     `json:"spec"`
}

// Metadata is a pod's. Namespace is the request's, once a review has been read: the object may leave it out.
type Metadata struct {
	Name         string `json:"name"`
	GenerateName string `json:"generateName"`
	Namespace    string `json:"namespace"`
	Labels       Marks  `json:"labels"`
	Annotations  Marks  `json:"annotations"`
}

// Spec is a pod's.
type Spec struct {
	ServiceAccountName string      `json:"serviceAccountName"`
	ServiceAccount     string      `json:"serviceAccount"` // the deprecated name of the same; clients of before 1.0 write it
	HostNetwork        bool        `json:"hostNetwork"`
	NodeSelector       Marks       `json:"nodeSelector"`
	OS                 OS          `json:"os"`
	Affinity           Affinity    `json:"affinity"`
	Volumes            []Volume    `json:"volumes"`
	InitContainers     []Container `json:"initContainers"`
	Containers         []Container `json:"containers"`
}

// Volume is known by its name alone.
type Volume struct {
	Name string `json:"name"`
}

// Container is a container or init container. A nil slice means that the field is absent or null, an empty one that it is an empty list:
// patches of the two differ.
type Container struct {
	Name         string        `json:"name"`
	Env          []EnvVar      `json:"env"`
	VolumeMounts []VolumeMount `json:"volumeMounts"`
}

// EnvVar is an environment variable; ValueFrom is nil where the value is literal.
type EnvVar struct {
	Name      string    `json:"name"`
	Value     string    `json:"value"`
	ValueFrom *struct{} `json:"valueFrom"`
}

// VolumeMount is a mount.
type VolumeMount struct {
	Name      string `json:"name"`
	MountPath string `json:"mountPath"`
}

// OS is spec.os.
type OS struct {
	Name string `json:"name"`
}

// ServiceAccount is the name of the pod's account; "default" where the pod names none.
func (p *Pod) ServiceAccount() string {
	switch {
	case p.Spec.ServiceAccountName != "":
		return p.Spec.ServiceAccountName
	case p.Spec.ServiceAccount != "":
		return p.Spec.ServiceAccount
	}
	return "default"
}

// DisplayName is how messages call the pod.
func (p *Pod) DisplayName() string {
	if p.Metadata.Name != "" {
		return p.Metadata.Name
	}
	return p.Metadata.GenerateName + "*"
}

// Marks are labels, annotations or a node selector, in their order. A few pairs are read faster as a list than as a map. Present tells an
// empty object from none.
type Marks struct {
	Present bool
	Pairs   []Mark
}

// Mark is one label or annotation.
type Mark struct{ Key, Value string }

// Get is the value of key.
func (m *Marks) Get(key string) (string, bool) {
	for i := range m.Pairs {
		if m.Pairs[i].Key == key {
			return m.Pairs[i].Value, true
		}
	}
	return "", false
}

// lastApplied is by far the longest annotation of most objects, and never ours.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// UnmarshalJSONFrom reads an object of strings.
func (m *Marks) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*m = Marks{}
	switch d.PeekKind() {
	case jsontext.KindNull:
		return d.SkipValue()
	case jsontext.KindBeginObject:
		m.Present = true
	default:
		return errors.New("labels, annotations and node selectors are objects")
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != jsontext.KindEndObject {
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		key := token.String()
		if key == lastApplied {
			if err := d.SkipValue(); err != nil {
				return err
			}
			continue
		}
		value, err := d.ReadToken()
		if err != nil {
			return err
		}
		if value.Kind() != jsontext.KindString {
			return errors.New("values of labels, annotations and node selectors are strings")
		}
		m.Pairs = append(m.Pairs, Mark{key, value.String()})
	}
	_, err := d.ReadToken()
	return err
}
