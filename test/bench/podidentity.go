package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
)

// podRoles is how many roles the associations name, whatever their number: what is measured is the associations.
const podRoles = 10

// podIdentity measures AssumeRoleForPodIdentity with each number of associations against the bare handler with one RSA verification.
func podIdentity(ctx context.Context, podpass, dir string, rounds int, round time.Duration) error {
	w, err := prepare(ctx, podpass, dir, "associations", writeAssociation)
	if err != nil {
		return err
	}
	tokens := map[int][]string{}
	for _, size := range sizes {
		accounts := min(size, tokenCount)
		say(fmt.Sprintf("signing %d tokens of %d service accounts", tokenCount, accounts))
		if tokens[size], err = sign(w.key, w.cluster.Issuer.String(), "pods.eks.amazonaws.com", tokenCount, accounts); err != nil {
			return err
		}
	}
	defer w.stop()
	if err := w.start(podpass); err != nil {
		return err
	}
	requests := func(base string, size int) func(i int) *http.Request { return w.podExchange(base, tokens[size]) }
	if err := w.startLimit(requests(w.servers[sizes[0]].url, sizes[0])(0)); err != nil {
		return err
	}
	say(fmt.Sprintf("AssumeRoleForPodIdentity, %d connections, %d distinct tokens, six session tags, reply of %d bytes", connections, tokenCount, w.reply))
	limit := newTarget("limit: bare handler, one RSA-2048 verification", func(i int) *http.Request {
		r := requests(w.limit.url, sizes[0])(i)
		r.URL.Path = "/verify-json"
		return r
	})
	return w.measure(rounds, round, limit, requests)
}

// writeAssociation stores an association for service account i, and with the first ones the roles.
func writeAssociation(tx *store.Tx, w *world, st *store.Store, i int) {
	c := w.cluster
	if i < podRoles {
		store.Write(tx, st.Roles, store.RoleKey(string(c.Account), roleName(i)), &store.Role{
			Account: c.Account, Partition: c.Partition, Path: "/", Name: roleName(i), MaxSession: 3600, Created: time.Now().UTC(),
			ID: identity.UniqueID(identity.PrefixRole, c.Account, [8]byte{2, 0, 0, byte(i)}),
			Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},` +
				`"Action":["sts:AssumeRole","sts:TagSession"],"Condition":{"StringEquals":{"aws:SourceArn":"` + c.ARN().String() +
				`","aws:RequestTag/kubernetes-namespace":"bench"}}}]}`,
		})
	}
	now := time.Now().UTC()
	store.Write(tx, st.Associations, store.AssociationKey(c.Name, "bench", accountName(i)), &store.Association{
		Cluster: c.Name, Namespace: "bench", ServiceAccount: accountName(i), ID: fmt.Sprintf("a-bench%012d", i),
		RoleARN: c.Account.IAM(c.Partition, "role/"+roleName(i%podRoles)).String(), Created: now, Modified: now,
	})
}

// podExchange makes requests to AssumeRoleForPodIdentity: another token each time, signed when it is made, which costs the same for every target.
func (w *world) podExchange(base string, tokens []string) func(i int) *http.Request {
	signer := v4.NewSigner()
	keys := aws.Credentials{AccessKeyID: w.admin["AWS_ACCESS_KEY_ID"], SecretAccessKey: w.admin["AWS_SECRET_ACCESS_KEY"]}
	return func(i int) *http.Request {
		body := `{"token":"` + tokens[i%len(tokens)] + `"}`
		request, err := http.NewRequest(http.MethodPost, base+"/clusters/local/assume-role-for-pod-identity", strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		request.Header.Set("Content-Type", "application/json")
		digest := sha256.Sum256([]byte(body))
		if err := signer.SignHTTP(context.Background(), keys, request, hex.EncodeToString(digest[:]), "eks-auth", w.admin["AWS_REGION"], time.Now()); err != nil {
			panic(err)
		}
		return request
	}
}
