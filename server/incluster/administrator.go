package incluster

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/server/iam"
	"github.com/podpass/podpass/store"
)

// The label by which podpass knows what it made itself.
const (
	managedBy = "app.kubernetes.io/managed-by"
	podpass   = "podpass"
)

// Keys of the Secret. They are the names of environment variables, so that envFrom gives a pod all of it.
const (
	accessKeyID     = "AWS_ACCESS_KEY_ID"
	secretAccessKey = "AWS_SECRET_ACCESS_KEY"
	region          = "AWS_REGION"
	ownCluster      = "PODPASS_CLUSTER" // the default of podpass's own --cluster
)

// Administrator keeps a Secret with an access key of the management account's administrator.
//
// The store comes first and the Secret second: a key that a crash kept from the Secret is in the store still, and is written by the next try, of whichever
// replica. So no key is lost, none is made twice, and one that was rotated away is never brought back by the Secret that still has it.
type Administrator struct {
	Secrets client.SecretInterface
	Name    string // of the Secret
	Env     iam.Env
	Account identity.Account // the management account
	Region  string
	Cluster string // the cluster the server runs in, as it is registered; "" where it isn't
	Log     *slog.Logger

	kept    string // id of the key that the Secret was last seen to hold
	checked time.Time
}

// recheck is how often the Secret is read where the key it was last seen to hold is still good.
const recheck = time.Minute

// Keep sees to it that the Secret holds a key that is good. Not for concurrent use.
func (a *Administrator) Keep(ctx context.Context) error {
	if key, ok := a.Env.Store.AccessKeys.Get(a.kept); ok && a.good(key) && a.Env.Now().Sub(a.checked).Abs() < recheck {
		return nil
	}
	for { // until nobody else has written in between
		err := a.keep(ctx)
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
}

func (a *Administrator) keep(ctx context.Context) error {
	there, err := a.Secrets.Get(ctx, a.Name, meta.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		key, err := a.key(ctx)
		if err != nil {
			return err
		}
		made, err := a.Secrets.Create(ctx, a.fill(&core.Secret{
			ObjectMeta: meta.ObjectMeta{Name: a.Name, Labels: map[string]string{managedBy: podpass}}, Type: core.SecretTypeOpaque,
		}, key), meta.CreateOptions{})
		return a.wrote(key, made, err)
	case err != nil:
		return fmt.Errorf("the administrator's Secret: %w", err)
	case there.Labels[managedBy] != podpass:
		return fmt.Errorf("secret %s/%s is there already, and was not made by podpass (it has no label %s=%s): delete it, or name another one with "+
			"--administrator-secret", there.Namespace, there.Name, managedBy, podpass)
	}
	held, ok := a.Env.Store.AccessKeys.Get(string(there.Data[accessKeyID]))
	if ok && a.good(held) && held.Secret == string(there.Data[secretAccessKey]) && string(there.Data[region]) == a.Region &&
		string(there.Data[ownCluster]) == a.Cluster {
		a.kept, a.checked = held.ID, a.Env.Now()
		return nil
	}
	key, err := a.key(ctx)
	if err != nil {
		return err
	}
	updated, err := a.Secrets.Update(ctx, a.fill(there.DeepCopy(), key), meta.UpdateOptions{})
	return a.wrote(key, updated, err)
}

func (a *Administrator) wrote(key *store.AccessKey, secret *core.Secret, err error) error {
	if err != nil {
		return fmt.Errorf("the administrator's Secret: %w", err)
	}
	a.Log.Info("the administrator's key was written", "secret", secret.Namespace+"/"+secret.Name, "accessKeyId", key.ID)
	a.kept, a.checked = key.ID, a.Env.Now()
	return nil
}

func (a *Administrator) fill(s *core.Secret, key *store.AccessKey) *core.Secret {
	if s.Data == nil {
		s.Data = map[string][]byte{}
	}
	s.Data[accessKeyID], s.Data[secretAccessKey], s.Data[region] = []byte(key.ID), []byte(key.Secret), []byte(a.Region)
	if delete(s.Data, ownCluster); a.Cluster != "" {
		s.Data[ownCluster] = []byte(a.Cluster)
	}
	return s
}

// good reports whether a key is the administrator's and may be used.
func (a *Administrator) good(key *store.AccessKey) bool {
	user, ok := a.Env.Store.Users.Get(store.UserKey(string(a.Account), iam.Administrator))
	return ok && key.Active && key.UserID == user.ID
}

// key is the newest of the administrator's keys that may be used. One is made, and the administrator with it, only where there is none.
func (a *Administrator) key(ctx context.Context) (key *store.AccessKey, err error) {
	err = a.Env.Store.Transact(ctx, func(tx *store.Tx) error {
		key = nil
		if user, ok := store.Read(tx, a.Env.Store.Users, store.UserKey(string(a.Account), iam.Administrator)); ok {
			keys := slices.DeleteFunc(slices.Clone(store.ReadBy(tx, a.Env.Store.AccessKeys, store.ByUser, user.ID)),
				func(k *store.AccessKey) bool { return !k.Active })
			if len(keys) > 0 {
				key = slices.MaxFunc(keys, func(x, y *store.AccessKey) int {
					return cmp.Or(x.Created.Compare(y.Created), cmp.Compare(x.ID, y.ID))
				})
				return nil
			}
		}
		var err error
		_, key, err = a.Env.PutAdministrator(tx, a.Account, identity.PartitionOf(a.Region).ID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("a key of the administrator: %w", err)
	}
	return key, nil
}
