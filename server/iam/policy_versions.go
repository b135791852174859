package iam

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

func (s *service) versionActions() []awsquery.Action {
	return []awsquery.Action{
		awsquery.NewAction("CreatePolicyVersion", s.createVersion),
		awsquery.NewAction("GetPolicyVersion", s.getVersion),
		awsquery.NewAction("ListPolicyVersions", s.listVersions),
		awsquery.NewAction("SetDefaultPolicyVersion", s.setDefaultVersion),
		awsquery.NewAction("DeletePolicyVersion", s.deleteVersion),
	}
}

type createVersion struct {
	PolicyArn      string
	PolicyDocument string
	SetAsDefault   bool
}

func (in *createVersion) Validate(v *awsquery.Validator) {
	checkARN(v, "policyArn", in.PolicyArn)
	checkDocument(v, "policyDocument", in.PolicyDocument)
}

type versionResult struct{ PolicyVersion policyVersion }

// policyVersion is a version as the wire has it.
type policyVersion struct {
	Document         string // percent-encoded
	VersionId        string
	IsDefaultVersion bool
	CreateDate       time.Time
}

func shownVersion(p *store.Policy, v store.PolicyVersion) policyVersion {
	return policyVersion{VersionId: v.ID, IsDefaultVersion: v.ID == p.Default, CreateDate: v.Created}
}

func (s *service) createVersion(ctx context.Context, c *awsquery.Call, in *createVersion) (*versionResult, error) {
	var made policyVersion
	err := s.changePolicy(ctx, c, "iam:CreatePolicyVersion", in.PolicyArn, func(_ *store.Tx, p *store.Policy) error {
		if err := checkManaged(in.PolicyDocument); err != nil {
			return err
		}
		if len(p.Versions) >= maxPolicyVersions {
			return limitExceeded("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.",
				maxPolicyVersions)
		}
		v := s.addVersion(p, in.PolicyDocument, in.SetAsDefault)
		made = shownVersion(p, v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &versionResult{made}, nil
}

// addVersion appends a version. Numbers are never used again.
func (e Env) addVersion(p *store.Policy, document string, makeDefault bool) store.PolicyVersion {
	v := store.PolicyVersion{ID: "v" + strconv.Itoa(p.Next), Document: document, Created: e.now()}
	p.Versions, p.Next, p.Updated = append(p.Versions, v), p.Next+1, v.Created
	if makeDefault {
		p.Default = v.ID
	}
	return v
}

type versionRef struct {
	PolicyArn string
	VersionId string
}

func (in *versionRef) Validate(v *awsquery.Validator) {
	checkARN(v, "policyArn", in.PolicyArn)
	text(v, "versionId", in.VersionId, 1, 128, versionPattern, isVersion)
}

// versionAt is the index of a version.
func versionAt(p *store.Policy, id string) (int, error) {
	i := slices.IndexFunc(p.Versions, func(v store.PolicyVersion) bool { return v.ID == id })
	if i < 0 {
		return 0, versionNotFound(p.ARN().String(), id)
	}
	return i, nil
}

func (s *service) getVersion(_ context.Context, c *awsquery.Call, in *versionRef) (*versionResult, error) {
	p, err := s.policy(c, "iam:GetPolicyVersion", in.PolicyArn)
	if err != nil {
		return nil, err
	}
	i, err := versionAt(p, in.VersionId)
	if err != nil {
		return nil, err
	}
	out := shownVersion(p, p.Versions[i])
	out.Document = percentEncode(p.Versions[i].Document)
	return &versionResult{out}, nil
}

type versionList struct {
	Versions []policyVersion
	rest
}

// listVersions shows the newest first, without the documents.
func (s *service) listVersions(_ context.Context, c *awsquery.Call, in *policyPage) (*versionList, error) {
	p, err := s.policy(c, "iam:ListPolicyVersions", in.PolicyArn)
	if err != nil {
		return nil, err
	}
	var shown []policyVersion
	for _, v := range slices.Backward(p.Versions) {
		shown = append(shown, shownVersion(p, v))
	}
	shown, more, err := take(in.page, listed(shown))
	if err != nil {
		return nil, err
	}
	return &versionList{shown, more}, nil
}

func (s *service) setDefaultVersion(ctx context.Context, c *awsquery.Call, in *versionRef) (*none, error) {
	return nil, s.changePolicy(ctx, c, "iam:SetDefaultPolicyVersion", in.PolicyArn, func(_ *store.Tx, p *store.Policy) error {
		_, err := versionAt(p, in.VersionId)
		p.Default, p.Updated = in.VersionId, s.now()
		return err
	})
}

func (s *service) deleteVersion(ctx context.Context, c *awsquery.Call, in *versionRef) (*none, error) {
	return nil, s.changePolicy(ctx, c, "iam:DeletePolicyVersion", in.PolicyArn, func(_ *store.Tx, p *store.Policy) error {
		i, err := versionAt(p, in.VersionId)
		if err != nil {
			return err
		}
		if in.VersionId == p.Default {
			return deleteConflict("Cannot delete the default version of a policy.")
		}
		p.Versions, p.Updated = slices.Delete(p.Versions, i, i+1), s.now()
		return nil
	})
}
