package iam

import (
	"github.com/podpass/podpass/server/awsquery"
)

// The four kinds of tagged resources differ in the parameter that names one.

type roleTags struct {
	RoleName string
	Tags     []tag
}

func (in *roleTags) Validate(v *awsquery.Validator) {
	checkName(v, "roleName", in.RoleName, 64)
	checkTags(v, in.Tags)
}

type roleTagKeys struct {
	RoleName string
	TagKeys  []string
}

func (in *roleTagKeys) Validate(v *awsquery.Validator) {
	checkName(v, "roleName", in.RoleName, 64)
	checkTagKeys(v, in.TagKeys)
}

type userTags struct {
	UserName string
	Tags     []tag
}

func (in *userTags) Validate(v *awsquery.Validator) {
	checkName(v, "userName", in.UserName, 128)
	checkTags(v, in.Tags)
}

type userTagKeys struct {
	UserName string
	TagKeys  []string
}

func (in *userTagKeys) Validate(v *awsquery.Validator) {
	checkName(v, "userName", in.UserName, 128)
	checkTagKeys(v, in.TagKeys)
}

type policyTags struct {
	PolicyArn string
	Tags      []tag
}

func (in *policyTags) Validate(v *awsquery.Validator) {
	checkARN(v, "policyArn", in.PolicyArn)
	checkTags(v, in.Tags)
}

type policyTagKeys struct {
	PolicyArn string
	TagKeys   []string
}

func (in *policyTagKeys) Validate(v *awsquery.Validator) {
	checkARN(v, "policyArn", in.PolicyArn)
	checkTagKeys(v, in.TagKeys)
}

type providerTags struct {
	OpenIDConnectProviderArn string
	Tags                     []tag
}

func (in *providerTags) Validate(v *awsquery.Validator) {
	checkARN(v, "openIDConnectProviderArn", in.OpenIDConnectProviderArn)
	checkTags(v, in.Tags)
}

type providerTagKeys struct {
	OpenIDConnectProviderArn string
	TagKeys                  []string
}

func (in *providerTagKeys) Validate(v *awsquery.Validator) {
	checkARN(v, "openIDConnectProviderArn", in.OpenIDConnectProviderArn)
	checkTagKeys(v, in.TagKeys)
}
