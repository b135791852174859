package iam

import (
	"context"
	"slices"
	"time"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

func (s *service) accessKeyActions() []awsquery.Action {
	return []awsquery.Action{
		awsquery.NewAction("CreateAccessKey", s.createAccessKey),
		awsquery.NewAction("ListAccessKeys", s.listAccessKeys),
		awsquery.NewAction("UpdateAccessKey", s.updateAccessKey),
		awsquery.NewAction("DeleteAccessKey", s.deleteAccessKey),
		awsquery.NewAction("GetAccessKeyLastUsed", s.getAccessKeyLastUsed),
	}
}

const (
	keyActive   = "Active"
	keyInactive = "Inactive"
)

// accessKey is an access key as the wire has it; the secret is shown once, when it is made.
type accessKey struct {
	UserName        string
	AccessKeyId     string
	Status          string
	SecretAccessKey string
	CreateDate      time.Time
}

func shownKey(k *store.AccessKey) accessKey {
	status := keyInactive
	if k.Active {
		status = keyActive
	}
	return accessKey{UserName: k.User, AccessKeyId: k.ID, Status: status, CreateDate: k.Created}
}

type createdKey struct{ AccessKey accessKey }

func (s *service) createAccessKey(ctx context.Context, c *awsquery.Call, in *someUser) (*createdKey, error) {
	name, err := nameOr(c, in.UserName)
	if err != nil {
		return nil, err
	}
	var made *store.AccessKey
	err = s.users.change(ctx, c, "iam:CreateAccessKey", name, func(tx *store.Tx, u *store.User) (err error) {
		made, err = s.NewAccessKey(tx, u)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := shownKey(made)
	out.SecretAccessKey = made.Secret
	return &createdKey{out}, nil
}

type someUserPage struct {
	UserName string
	page
}

func (in *someUserPage) Validate(v *awsquery.Validator) {
	optional(v, "userName", in.UserName, 1, 128, namePattern, isName)
	in.check(v)
}

type keyList struct {
	AccessKeyMetadata []accessKey
	rest
}

func (s *service) listAccessKeys(_ context.Context, c *awsquery.Call, in *someUserPage) (*keyList, error) {
	name, err := nameOr(c, in.UserName)
	if err != nil {
		return nil, err
	}
	u, err := s.users.get(c, "iam:ListAccessKeys", name)
	if err != nil {
		return nil, err
	}
	keys := slices.SortedFunc(slices.Values(s.Store.AccessKeys.By(store.ByUser, u.ID)), func(a, b *store.AccessKey) int {
		return a.Created.Compare(b.Created)
	})
	shown := []accessKey{}
	for _, k := range keys {
		shown = append(shown, shownKey(k))
	}
	shown, more, err := take(in.page, listed(shown))
	if err != nil {
		return nil, err
	}
	return &keyList{shown, more}, nil
}

type keyStatus struct {
	UserName    string
	AccessKeyId string
	Status      string
}

func (in *keyStatus) Validate(v *awsquery.Validator) {
	optional(v, "userName", in.UserName, 1, 128, namePattern, isName)
	text(v, "accessKeyId", in.AccessKeyId, 16, 128, idPattern, isID)
	v.Required("status", in.Status != "")
	checkEnum(v, "status", in.Status, keyActive, keyInactive)
}

func (s *service) updateAccessKey(ctx context.Context, c *awsquery.Call, in *keyStatus) (*none, error) {
	return nil, s.changeKey(ctx, c, "iam:UpdateAccessKey", in.UserName, in.AccessKeyId, func(k *store.AccessKey) *store.AccessKey {
		k.Active = in.Status == keyActive
		return k
	})
}

type keyID struct {
	UserName    string
	AccessKeyId string
}

func (in *keyID) Validate(v *awsquery.Validator) {
	optional(v, "userName", in.UserName, 1, 128, namePattern, isName)
	text(v, "accessKeyId", in.AccessKeyId, 16, 128, idPattern, isID)
}

func (s *service) deleteAccessKey(ctx context.Context, c *awsquery.Call, in *keyID) (*none, error) {
	return nil, s.changeKey(ctx, c, "iam:DeleteAccessKey", in.UserName, in.AccessKeyId, func(*store.AccessKey) *store.AccessKey { return nil })
}

// changeKey writes what do makes of a user's key; nil deletes it.
func (s *service) changeKey(
	ctx context.Context, c *awsquery.Call, action, user, id string, do func(*store.AccessKey) *store.AccessKey,
) error {
	name, err := nameOr(c, user)
	if err != nil {
		return err
	}
	return s.users.change(ctx, c, action, name, func(tx *store.Tx, u *store.User) error {
		k, ok := store.Read(tx, s.Store.AccessKeys, id)
		if !ok || k.UserID != u.ID {
			return noSuchEntity("The Access Key with id %s cannot be found.", id)
		}
		store.Write(tx, s.Store.AccessKeys, id, do(k))
		return nil
	})
}

type keyUse struct{ AccessKeyId string }

func (in *keyUse) Validate(v *awsquery.Validator) {
	text(v, "accessKeyId", in.AccessKeyId, 16, 128, idPattern, isID)
}

type keyLastUsed struct {
	UserName          string
	AccessKeyLastUsed lastUse
}

type lastUse struct {
	ServiceName string
	Region      string
}

// getAccessKeyLastUsed answers as AWS does of a key that was never used: uses are in the audit file and not on the key.
func (s *service) getAccessKeyLastUsed(_ context.Context, c *awsquery.Call, in *keyUse) (*keyLastUsed, error) {
	k, ok := s.Store.AccessKeys.Get(in.AccessKeyId)
	if !ok || k.Account != c.Caller.Account {
		if err := s.authorise(c, "iam:GetAccessKeyLastUsed", "*", "*", nil); err != nil {
			return nil, err
		}
		return nil, noSuchEntity("The Access Key with id %s cannot be found.", in.AccessKeyId)
	}
	u, _ := s.Store.Users.Get(store.UserKey(string(k.Account), k.User))
	var h holder
	resource := k.Account.IAM(partition(c), "user/"+k.User).String()
	if u != nil {
		h, resource = holdUser(u), u.ARN().String()
	}
	if err := s.authorise(c, "iam:GetAccessKeyLastUsed", resource, "*", conditionKeys(h, nil)); err != nil {
		return nil, err
	}
	return &keyLastUsed{UserName: k.User, AccessKeyLastUsed: lastUse{ServiceName: "N/A", Region: "N/A"}}, nil
}
