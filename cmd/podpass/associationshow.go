package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/podpass/podpass/api"
	"github.com/podpass/podpass/identity"
)

// associationView is an association as -o json shows it: with EKS's names of the members, so that what reads aws eks
// describe-pod-identity-association reads this too, and what only podpass knows.
type associationView struct {
	ClusterName        string            `json:"clusterName"`
	Namespace          string            `json:"namespace"`
	ServiceAccount     string            `json:"serviceAccount"`
	RoleARN            string            `json:"roleArn,omitempty"` // "" in a summary
	AssociationARN     string            `json:"associationArn"`
	AssociationID      string            `json:"associationId"`
	TargetRoleARN      string            `json:"targetRoleArn,omitempty"`
	ExternalID         string            `json:"externalId,omitempty"`
	DisableSessionTags bool              `json:"disableSessionTags,omitempty"`
	Policy             string            `json:"policy,omitempty"`
	OwnerARN           string            `json:"ownerArn,omitempty"`
	Tags               map[string]string `json:"tags,omitempty"`
	CreatedAt          time.Time         `json:"createdAt,omitzero"`
	ModifiedAt         time.Time         `json:"modifiedAt,omitzero"`

	InEffect    *api.AssociationInEffect `json:"inEffect,omitempty"`
	LastRefusal *api.Exchange            `json:"lastRefusal,omitempty"`
	LastAllowed *api.Exchange            `json:"lastAllowed,omitempty"`
}

func viewOf(a *types.PodIdentityAssociation) *associationView {
	return &associationView{
		ClusterName: aws.ToString(a.ClusterName), Namespace: aws.ToString(a.Namespace), ServiceAccount: aws.ToString(a.ServiceAccount),
		RoleARN: aws.ToString(a.RoleArn), AssociationARN: aws.ToString(a.AssociationArn), AssociationID: aws.ToString(a.AssociationId),
		TargetRoleARN: aws.ToString(a.TargetRoleArn), ExternalID: aws.ToString(a.ExternalId), DisableSessionTags: aws.ToBool(a.DisableSessionTags),
		Policy: aws.ToString(a.Policy), OwnerARN: aws.ToString(a.OwnerArn), Tags: a.Tags,
		CreatedAt: aws.ToTime(a.CreatedAt), ModifiedAt: aws.ToTime(a.ModifiedAt),
	}
}

func (v *associationView) account() string { return v.Namespace + "/" + v.ServiceAccount }

func (v *associationView) globs() identity.Globs {
	return identity.Globs{Namespace: v.Namespace, ServiceAccount: v.ServiceAccount}
}

// rows leave out what an association does not have.
func (v *associationView) rows() [][]string {
	rows := [][]string{
		{"ID", v.AssociationID},
		{"ARN", v.AssociationARN},
		{"Cluster", v.ClusterName},
		{"Service account", v.account()},
		{"Role", v.RoleARN},
	}
	more := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{name, value})
		}
	}
	more("Target role", v.TargetRoleARN)
	more("External id", v.ExternalID)
	tags := "all six"
	if v.DisableSessionTags {
		tags = "none"
	}
	more("Session tags", tags)
	more("Policy", oneLine(v.Policy))
	more("Owner", v.OwnerARN)
	for _, key := range sortedKeys(v.Tags) {
		more("Tag "+key, v.Tags[key])
	}
	more("Created", stamp(v.CreatedAt))
	if !v.ModifiedAt.Equal(v.CreatedAt) {
		more("Modified", stamp(v.ModifiedAt))
	}
	if e := v.InEffect; e != nil {
		state := "on " + count(e.Servers, "server") + " and " + count(e.Webhooks, "webhook")
		if !e.InEffect {
			state = "not yet: waiting for " + strings.Join(e.Pending, ", ")
		}
		more("In effect", state)
	}
	if e := v.LastRefusal; e != nil {
		more("Last refusal", fmt.Sprintf("%s  pod %s  %s", stamp(e.Time), e.Pod, e.Code))
		more("", e.Reason)
	}
	if e := v.LastAllowed; e != nil {
		more("Last allowed", fmt.Sprintf("%s  pod %s", stamp(e.Time), e.Pod))
	}
	return rows
}

// oneLine is a JSON document without line breaks, for a table.
func oneLine(document string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(document)) != nil {
		return document
	}
	return b.String()
}

// look adds what podpass knows of an association besides: whether it is in effect, and how the exchanges of the service account went. EKS knows
// neither, nor may everyone ask, so that what is not to be had is left out.
func (v *associationView) look(ctx context.Context, conn *connection, asked identity.ServiceAccount) {
	if effect, err := conn.GetAssociationInEffect(ctx, v.ClusterName, v.AssociationID); err == nil {
		v.InEffect = effect
	}
	if identity.IsGlob(asked.Namespace) || identity.IsGlob(asked.Name) {
		return
	}
	recent, err := conn.RecentExchanges(ctx, api.ServiceAccountName{Cluster: v.ClusterName, Namespace: asked.Namespace, Name: asked.Name})
	if err != nil {
		return
	}
	for _, e := range recent.Exchanges { // the newest first
		switch {
		case e.Outcome == "allowed" && v.LastAllowed == nil:
			v.LastAllowed = &e
		case e.Outcome != "allowed" && v.LastRefusal == nil:
			v.LastRefusal = &e
		}
	}
}

// warnOfAll says on standard error that an association's globs leave nobody out.
func (a *app) warnOfAll(v *associationView) {
	if identity.MatchesAll(v.Namespace) && identity.MatchesAll(v.ServiceAccount) {
		fmt.Fprintf(a.Err, "podpass: warning: every service account of cluster %s that no other association is for gets %s, system ones too\n", v.ClusterName, v.RoleARN)
	}
}
