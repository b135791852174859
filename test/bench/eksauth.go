package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// slowEKSAuth answers AssumeRoleForPodIdentity with made-up credentials after a while, as a distant region does. It has AWS's shapes and counts.
//
// Source: https://docs.aws.amazon.com/eks/latest/APIReference/API_auth_AssumeRoleForPodIdentity.html
type slowEKSAuth struct {
	url      string
	takes    time.Duration
	calls    atomic.Int64
	inFlight atomic.Int64
	most     atomic.Int64 // in flight at once
	server   *http.Server
}

func startSlowEKSAuth(takes time.Duration) (*slowEKSAuth, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &slowEKSAuth{url: "http://" + listener.Addr().String(), takes: takes}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /clusters/{cluster}/assume-role-for-pod-identity", s.assumeRole)
	s.server = &http.Server{Handler: mux}
	go s.server.Serve(listener) // ends with stop
	return s, nil
}

func (s *slowEKSAuth) stop() { s.server.Close() }

func (s *slowEKSAuth) assumeRole(w http.ResponseWriter, r *http.Request) {
	n := s.calls.Add(1)
	now := s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
	}
	time.Sleep(s.takes)
	const role = "arn:aws:sts::111122223333:assumed-role/bench/bench"
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{ // a client that went away is counted by the one who measures
		"subject": map[string]string{"namespace": "bench", "serviceAccount": "bench"}, "audience": "pods.eks.amazonaws.com",
		"podIdentityAssociation": map[string]string{
			"associationArn": "arn:aws:eks:us-west-2:111122223333:podidentityassociation/bench/a-bench000000000000", "associationId": "a-bench000000000000",
		},
		"assumedRoleUser": map[string]string{"arn": role, "assumeRoleId": "AROAQAAAAAAAEXAMPLE01:bench"},
		"credentials": map[string]any{
			"accessKeyId": fmt.Sprintf("ASIAQAAAAA%010d", n), "secretAccessKey": fmt.Sprintf("%040d", n),
			// As long as the authority's own with six session tags.
			"sessionToken": fmt.Sprintf("%0700d", n), "expiration": time.Now().Add(6 * time.Hour).Unix(),
		},
	})
}
