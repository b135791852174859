package webhook

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Review is the request half of an AdmissionReview, v1 or v1beta1: the two agree in all that is read.
type Review struct {
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Request    Request `json:"request"`
}

// Request says what is to be admitted. Object is nil where that is not a pod being created.
type Request struct {
	Header
	Object *Pod `json:"object"`
}

// Header is a request without its object.
type Header struct {
	UID         string        `json:"uid"`
	Kind        GroupKind     `json:"kind"`
	Resource    GroupResource `json:"resource"`
	SubResource string        `json:"subResource"`
	Namespace   string        `json:"namespace"`
	Operation   string        `json:"operation"`
}

// GroupKind names a kind of the API.
type GroupKind struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
}

// GroupResource names a resource of the API.
type GroupResource struct {
	Group    string `json:"group"`
	Resource string `json:"resource"`
}

const (
	admissionV1      = "admission.k8s.io/v1"
	admissionV1beta1 = "admission.k8s.io/v1beta1"
)

// ErrMalformed is wrapped by what ReadReview refuses.
var ErrMalformed = errors.New("malformed admission review")

// fromAPIServer spares a quarter of the reading: what an API server has encoded names no field twice.
var fromAPIServer = jsontext.AllowDuplicateNames(true)

// ReadReview reads a review, and the pod in it if it is of one being created. The pod's namespace is the request's.
func ReadReview(body []byte) (*Review, error) {
	r := new(Review)
	if err := json.Unmarshal(body, r, fromAPIServer); err != nil {
		// Nearly every review is of a pod, and is read at one go. An object that doesn't read as one is fine where it needn't be one.
		var other struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
			Request    Header `json:"request"`
		}
		if json.Unmarshal(body, &other, fromAPIServer) != nil || other.Request.CreatesPod() {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		*r = Review{other.APIVersion, other.Kind, Request{Header: other.Request}}
	}
	creates := r.Request.CreatesPod()
	switch {
	case r.Kind != "AdmissionReview" || r.APIVersion != admissionV1 && r.APIVersion != admissionV1beta1:
		return nil, fmt.Errorf("%w: it is %s of %s, not AdmissionReview of %s or %s",
			ErrMalformed, quoted(r.Kind), quoted(r.APIVersion), admissionV1, admissionV1beta1)
	case r.Request.UID == "":
		return nil, fmt.Errorf("%w: the request has no uid", ErrMalformed)
	case creates && r.Request.Object == nil:
		return nil, fmt.Errorf("%w: a pod is being created, and the request has no object", ErrMalformed)
	case creates:
		r.Request.Object.Metadata.Namespace = r.Request.Namespace
	default:
		r.Request.Object = nil
	}
	return r, nil
}

// CreatesPod reports whether the review is of a pod being created.
func (h *Header) CreatesPod() bool {
	return h.Operation == "CREATE" && h.SubResource == "" && h.Kind == (GroupKind{"", "Pod"}) && h.Resource == (GroupResource{"", "pods"})
}

// ReadPod reads what decisions need of a pod's JSON.
func ReadPod(object []byte) (*Pod, error) {
	pod := new(Pod)
	if err := json.Unmarshal(object, pod); err != nil {
		return nil, fmt.Errorf("not a pod: %w", err)
	}
	return pod, nil
}

// Verdict is the answer to a review.
type Verdict struct {
	Allowed  bool
	Patch    []Operation
	Warnings []string
	Audit    []Mark // plain keys; the API server puts the webhook's name before them
	Refusal  Refusal
}

// Refusal says why, where a pod is not allowed.
type Refusal struct {
	Code    int    // an HTTP status, which the client of the API server gets
	Reason  string // Kubernetes' word for it
	Message string
}

// unavailable is the refusal of what may be allowed later.
func unavailable(message string) Refusal {
	return Refusal{http.StatusServiceUnavailable, "ServiceUnavailable", message}
}

func forbidden(message string) Refusal {
	return Refusal{http.StatusForbidden, "Forbidden", message}
}
