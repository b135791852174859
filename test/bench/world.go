package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/store"
	"github.com/podpass/podpass/token"
)

const (
	tokenCount = 20_000
	batch      = 100 // roles written in one transaction
)

// world is one installation with each number of records, all copies of one: the same issuer, keys and administrator.
type world struct {
	what    string // of what there are so many: "roles"
	dirs    map[int]string
	keyFile string
	key     *token.SigningKey // of the issuer
	cluster *store.Cluster
	tokens  []string
	servers map[int]*process
	limit   *process
	admin   map[string]string // of the data directory's env file
	reply   int               // bytes of an exchange's reply
}

// prepare makes an installation for each size. write stores record i.
func prepare(ctx context.Context, podpass, dir, what string, write func(tx *store.Tx, w *world, st *store.Store, i int)) (*world, error) {
	w := &world{what: what, dirs: map[int]string{}, servers: map[int]*process{}, keyFile: filepath.Join(dir, what+".pem")}
	first := filepath.Join(dir, what+"-0")
	p, err := start(podpass, "up", "--data-dir", first, "--listen", "127.0.0.1:0", "--log-level", "error")
	if err != nil {
		return nil, err
	}
	if err := p.stop(); err != nil {
		return nil, err
	}
	if w.admin, err = readEnv(filepath.Join(first, "env")); err != nil {
		return nil, err
	}
	previous := first
	for i, size := range sizes {
		say(fmt.Sprintf("storing %d %s", size, what))
		w.dirs[size] = filepath.Join(dir, fmt.Sprintf("%s-%d", what, size))
		if err := copyPrivate(w.dirs[size], previous); err != nil {
			return nil, err
		}
		from := 0
		if i > 0 {
			from = sizes[i-1]
		}
		if err := w.fill(ctx, w.dirs[size], from, size, write); err != nil {
			return nil, err
		}
		previous = w.dirs[size]
	}
	return w, nil
}

// copyPrivate copies a data directory, for its owner only.
func copyPrivate(to, from string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return os.Chmod(path, 0o700)
	})
}

// fill writes records [from, to) straight into a data directory, and on the first one reads the issuer's key.
func (w *world) fill(ctx context.Context, dir string, from, to int, write func(tx *store.Tx, w *world, st *store.Store, i int)) error {
	st, err := store.Open(ctx, store.Config{DataDir: dir})
	if err != nil {
		return err
	}
	defer st.Close()
	cluster, ok := st.Clusters.Get("local")
	if !ok {
		return errors.New("no cluster local")
	}
	w.cluster = cluster
	if from == 0 {
		pem := cluster.SigningKeys[len(cluster.SigningKeys)-1].PEM
		if err := os.WriteFile(w.keyFile, []byte(pem), 0o600); err != nil {
			return err
		}
		if w.key, err = token.ParseSigningKey([]byte(pem)); err != nil {
			return err
		}
	}
	for at := from; at < to; at += batch {
		err := st.Transact(ctx, func(tx *store.Tx) error {
			for i := at; i < min(at+batch, to); i++ {
				write(tx, w, st, i)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeRole stores a role that trusts every service account of the namespace bench, and nobody else's policy is like its.
func writeRole(tx *store.Tx, w *world, st *store.Store, i int) {
	c, name := w.cluster, roleName(i)
	store.Write(tx, st.Roles, store.RoleKey(string(c.Account), name), &store.Role{
		Account: c.Account, Partition: c.Partition, Path: "/", Name: name, MaxSession: 3600, Created: time.Now().UTC(),
		ID: identity.UniqueID(identity.PrefixRole, c.Account, [8]byte{1, byte(i >> 16), byte(i >> 8), byte(i)}),
		Trust: fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"R%d","Effect":"Allow","Principal":{"Federated":"%s"},`+
			`"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"%s:aud":"sts.amazonaws.com"},`+
			`"StringLike":{"%s:sub":"system:serviceaccount:bench:*"}}}]}`,
			i, c.Issuer.ProviderARN(c.Partition, c.Account), c.Issuer.HostPath(), c.Issuer.HostPath()),
		Inline: store.Documents{{
			Name: "read", Text: fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket-%d/*"}]}`, i),
		}},
	})
}

func roleName(i int) string { return fmt.Sprintf("bench-role-%06d", i) }

// sign makes tokens beforehand: signing one takes longer than the exchange that is measured. Each is another pod's, of one of so many accounts.
func sign(key *token.SigningKey, issuer, audience string, count, accounts int) ([]string, error) {
	now := time.Now().Truncate(time.Second)
	tokens := make([]string, count)
	for i := range tokens {
		account := accountName(i % accounts)
		raw, err := key.Sign(token.Claims{
			Issuer: issuer, Subject: "system:serviceaccount:bench:" + account, Audience: []string{audience},
			IssuedAt: now, NotBefore: now, Expiry: now.Add(24 * time.Hour), ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i),
			Kubernetes: token.Kubernetes{
				Namespace: "bench", ServiceAccount: account, ServiceAccountUID: fmt.Sprintf("00000000-0000-4000-8001-%012d", i%accounts),
				Pod: fmt.Sprintf("%s-%05d", account, i), PodUID: fmt.Sprintf("00000000-0000-4000-8002-%012d", i),
			},
		})
		if err != nil {
			return nil, err
		}
		tokens[i] = raw
	}
	return tokens, nil
}

func accountName(i int) string { return fmt.Sprintf("sa-%05d", i) }

// startTimes measures how long an existing data directory takes to be served.
func (w *world) startTimes(podpass string) error {
	say("start to ready on an existing data directory, median of 5")
	for _, size := range sizes {
		var seconds []float64
		for range 5 {
			p, err := start(podpass, "up", "--data-dir", w.dirs[size], "--listen", "127.0.0.1:0", "--log-level", "error")
			if err != nil {
				return err
			}
			seconds = append(seconds, p.ready.Seconds())
			if err := p.stop(); err != nil {
				return err
			}
		}
		fmt.Printf("  %-52s %12.2f s   (%.2f to %.2f)\n", fmt.Sprintf("%d %s", size, w.what), median(seconds), slices.Min(seconds), slices.Max(seconds))
	}
	return nil
}

// start runs a server for each size.
func (w *world) start(podpass string) error {
	for _, size := range sizes {
		p, err := start(podpass, "up", "--data-dir", w.dirs[size], "--listen", "127.0.0.1:0", "--log-level", "error")
		if err != nil {
			return err
		}
		w.servers[size] = p
	}
	return nil
}

// startLimit runs the bare handler, with replies of the size that this request's has.
func (w *world) startLimit(request *http.Request) error {
	n, err := replySize(request)
	if err != nil {
		return err
	}
	w.reply = n
	self, err := os.Executable()
	if err != nil {
		return err
	}
	w.limit, err = start(self, "limit", w.keyFile, fmt.Sprint(n))
	return err
}

func (w *world) stop() {
	for _, p := range w.servers {
		p.stop()
	}
	if w.limit != nil {
		w.limit.stop()
	}
}

func replySize(request *http.Request) (int, error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, errors.New("the first request answered " + response.Status)
	}
	return int(response.ContentLength), nil
}

// exchange makes requests to AssumeRoleWithWebIdentity: another token each time, over all the roles stored.
func (w *world) exchange(base string, roles int) func(i int) *http.Request {
	account := identity.Account("111122223333")
	return func(i int) *http.Request {
		role := account.IAM("aws", "role/"+roleName(i*7919%roles))
		body := "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" + url.QueryEscape(role.String()) +
			"&RoleSessionName=bench&WebIdentityToken=" + w.tokens[i%len(w.tokens)]
		request, err := http.NewRequest(http.MethodPost, base, strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return request
	}
}

func readEnv(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		env[name] = strings.Trim(value, "'")
	}
	return env, nil
}
