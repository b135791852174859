package iam

import (
	"context"
	"slices"

	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

type clientID struct {
	OpenIDConnectProviderArn string
	ClientID                 string
}

func (in *clientID) Validate(v *awsquery.Validator) {
	checkARN(v, "openIDConnectProviderArn", in.OpenIDConnectProviderArn)
	text(v, "clientID", in.ClientID, 1, 255, "", nil)
}

func (s *service) addClientID(ctx context.Context, c *awsquery.Call, in *clientID) (*none, error) {
	return nil, s.changeProvider(ctx, c, "iam:AddClientIDToOpenIDConnectProvider", in.OpenIDConnectProviderArn, func(p *store.Provider) error {
		p.ClientIDs = distinct(append(p.ClientIDs, in.ClientID))
		return checkProvider(p)
	})
}

func (s *service) removeClientID(ctx context.Context, c *awsquery.Call, in *clientID) (*none, error) {
	return nil, s.changeProvider(ctx, c, "iam:RemoveClientIDFromOpenIDConnectProvider", in.OpenIDConnectProviderArn, func(p *store.Provider) error {
		p.ClientIDs = slices.DeleteFunc(p.ClientIDs, func(id string) bool { return id == in.ClientID })
		return nil
	})
}

type thumbprints struct {
	OpenIDConnectProviderArn string
	ThumbprintList           []string
}

func (in *thumbprints) Validate(v *awsquery.Validator) {
	checkARN(v, "openIDConnectProviderArn", in.OpenIDConnectProviderArn)
	checkThumbprints(v, in.ThumbprintList)
}

func (s *service) updateThumbprint(ctx context.Context, c *awsquery.Call, in *thumbprints) (*none, error) {
	return nil, s.changeProvider(ctx, c, "iam:UpdateOpenIDConnectProviderThumbprint", in.OpenIDConnectProviderArn, func(p *store.Provider) error {
		p.Thumbprints = in.ThumbprintList
		return checkProvider(p)
	})
}
