package main

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"

	admission "k8s.io/api/admission/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// debug serves the EKS webhook's debugging handlers: what is in memory, and two answers by which an operator can try out a failure policy.
func (s *webhookParts) debug(mux *http.ServeMux) {
	mux.HandleFunc("/debug/alpha/cache", s.debugCache)
	mux.HandleFunc("/debug/alpha/clear", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "there is nothing to clear: service accounts are read at each review\n")
	})
	mux.HandleFunc("/debug/alpha/deny", debugDeny)
	mux.HandleFunc("/debug/alpha/500", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "this handler always fails", http.StatusInternalServerError)
	})
}

func (s *webhookParts) debugCache(w http.ResponseWriter, _ *http.Request) {
	out := map[string]any{"serviceAccounts": "read at each review, not kept"}
	if s.follower != nil {
		var names []string
		for _, globs := range s.follower.Entries() {
			names = append(names, globs.String())
		}
		slices.Sort(names)
		out["associations"] = names
	}
	if s.identities != nil {
		out["containerCredentials"] = s.identities.Entries()
	}
	if s.mappings != nil {
		out["configMap"] = s.mappings.Entries()
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

// debugDeny refuses whatever review it is sent.
func debugDeny(w http.ResponseWriter, r *http.Request) {
	var review struct {
		meta.TypeMeta `json:",inline"`
		Request       struct {
			UID types.UID `json:"uid"`
		} `json:"request"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 8<<20)).Decode(&review); err != nil {
		http.Error(w, "the body is no AdmissionReview", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(admission.AdmissionReview{
		TypeMeta: review.TypeMeta,
		Response: &admission.AdmissionResponse{UID: review.Request.UID, Result: &meta.Status{Message: "podpass: this handler always refuses"}},
	})
}
