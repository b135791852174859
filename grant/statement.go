package grant

import (
	"encoding/json"
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
)

// admission is who a role is to trust: as a statement of ours that says exactly that, and as the requests it will be judged by.
type admission struct {
	id        ID
	way       string // ends the Sid
	principal map[string]string
	actions   []string
	condition map[string]map[string]string // operator -> key -> value
	requester policy.Requester
	context   *policy.Context
}

// viaIRSA admits the service account by its token: this issuer, this audience, this subject.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
func viaIRSA(id ID, issuer identity.Issuer, provider, audience string, of identity.ServiceAccount) admission {
	keys := map[string]string{issuer.HostPath() + ":aud": audience, issuer.HostPath() + ":sub": of.Subject()}
	return admission{
		id: id, way: "Irsa", principal: map[string]string{"Federated": provider}, actions: []string{"sts:AssumeRoleWithWebIdentity"},
		condition: map[string]map[string]string{"StringEquals": keys},
		requester: policy.Requester{Federated: provider}, context: contextOf(keys),
	}
}

// viaPodIdentity admits the service account by the tags that EKS sets for it. The cluster's ARN is pinned, since a name is free for whoever makes a cluster.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
func viaPodIdentity(id ID, clusterARN string, of identity.ServiceAccount) admission {
	tags := requestTags(clusterARN, of)
	context := contextOf(tags)
	arn, _ := identity.ParseARN(clusterARN)
	context.Set("aws:RequestTag/eks-cluster-name", arn.ResourceName())
	context.Set("aws:SourceArn", clusterARN)
	context.Set("aws:SourceAccount", string(arn.Account()))
	context.Set("aws:PrincipalIsAWSService", "true")
	context.Set("aws:PrincipalServiceName", identity.PodIdentity)
	return admission{
		id: id, way: "Pod", principal: map[string]string{"Service": identity.PodIdentity}, actions: []string{"sts:AssumeRole", "sts:TagSession"},
		condition: map[string]map[string]string{"StringEquals": tags},
		requester: policy.Requester{Service: identity.PodIdentity}, context: context,
	}
}

// viaRole admits sessions of a role of another account that bear the service account's tags: the second hop of Pod Identity.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-assign-target-role.html
func viaRole(id ID, role identity.ARN, clusterARN string, of identity.ServiceAccount) admission {
	keys := requestTags(clusterARN, of)
	keys["aws:PrincipalArn"] = role.String()
	context := contextOf(keys)
	context.Set("aws:PrincipalAccount", string(role.Account()))
	return admission{
		id: id, way: "Hop", principal: map[string]string{"AWS": role.Account().IAM(role.Partition(), "root").String()}, actions: []string{"sts:AssumeRole", "sts:TagSession"},
		condition: map[string]map[string]string{"StringEquals": keys},
		requester: policy.Requester{Account: string(role.Account()), PrincipalARN: role.String()}, context: context,
	}
}

func requestTags(clusterARN string, of identity.ServiceAccount) map[string]string {
	return map[string]string{
		"aws:RequestTag/eks-cluster-arn":            clusterARN,
		"aws:RequestTag/kubernetes-namespace":       of.Namespace,
		"aws:RequestTag/kubernetes-service-account": of.Name,
	}
}

func contextOf(keys map[string]string) *policy.Context {
	out := new(policy.Context)
	for key, value := range keys {
		out.Set(key, value)
	}
	return out
}

// statement is ours as text; Go's JSON sorts the keys of maps, so that the same grant always has the same text.
func (a admission) statement(sid string) string {
	var action any = a.actions
	if len(a.actions) == 1 {
		action = a.actions[0]
	}
	text, err := json.Marshal(struct {
		Sid, Effect string
		Principal   map[string]string
		Action      any
		Condition   map[string]map[string]string
	}{sid, "Allow", a.principal, action, a.condition})
	if err != nil { // texts always marshal
		panic(err)
	}
	return string(text)
}

func (a admission) sid() string { return a.id.sid() + a.way }

// document is a trust policy of our statement alone.
func (a admission) document() string {
	return `{"Version":"2012-10-17","Statement":[` + a.statement(a.sid()) + `]}`
}

// admitted is why a trust policy admits the service account, or why it does not. A policy that cannot be read as IAM's admits nobody that we can tell.
func (a admission) admitted(document, role string) (admits bool, why string) {
	doc, err := policy.Parse(document, policy.Trust)
	if err != nil {
		return false, "it cannot be judged: " + err.Error()
	}
	arn := identity.MustARN(role)
	for _, action := range a.actions {
		decision := policy.Evaluate(&policy.Request{Requester: a.requester, Action: action, Resource: role, Context: a.context}, &policy.Policies{
			Resource:        []policy.Source{{ID: "the trust policy of " + role, Doc: doc}},
			Identity:        a.identity(),
			RequireResource: true, ResourceAccount: string(arn.Account()),
		})
		if !decision.Allowed() {
			return false, action + ": " + decision.Why()
		}
	}
	return true, ""
}

// identity is what a role of another account must be allowed by its own policies: that is its own plan's part, so here it is taken as given.
func (a admission) identity() []policy.Source {
	if a.requester.PrincipalARN == "" {
		return nil
	}
	doc, err := policy.Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, policy.Identity)
	if err != nil {
		panic(err)
	}
	return []policy.Source{{ID: "the role's own policies", Doc: doc}}
}

// add is the document with our statement, in place of an older one that admitted the same way. What says the same in other white space stays.
func (a admission) add(document string) (string, error) {
	all, single, err := policy.Statements(document)
	if err != nil {
		return "", err
	}
	for i, s := range all {
		if strings.HasPrefix(s.Sid, revoked) {
			return policy.ReplaceStatement(document, i, a.statement(a.sid()))
		}
		if strings.TrimSuffix(s.Sid, wrapped) != a.sid() {
			continue
		}
		if ours := a.statement(s.Sid); !sameJSON(s.Text, ours) {
			return policy.ReplaceStatement(document, i, ours)
		}
		return document, nil
	}
	sid := a.sid()
	if single {
		sid += wrapped
	}
	return policy.AddStatement(document, a.statement(sid))
}

// remove is the document without this grant's statements, otherwise as it was before any grant came; found is false where it has none. IAM has no
// trust policy without a statement: where ours would leave none, one that denies everybody takes its place.
func (id ID) remove(document string) (out string, found bool, err error) {
	for {
		all, single, err := policy.Statements(document)
		if err != nil {
			return "", found, err
		}
		mine, next := -1, -1
		for i, s := range all {
			if id.owns(s) {
				mine = i
			} else if ours(s) {
				next = i
			}
		}
		if mine < 0 {
			return document, found, nil
		}
		found = true
		if single || len(all) == 1 {
			document, err = policy.ReplaceStatement(document, mine, id.denial())
		} else {
			document, err = removeOne(document, all, mine, next)
		}
		if err != nil {
			return "", found, err
		}
	}
}

// removeOne removes the i-th statement. That Statement was one object before, another statement of ours goes on remembering, if there is one.
func removeOne(document string, all []policy.Statement, i, next int) (string, error) {
	object := strings.HasSuffix(all[i].Sid, wrapped)
	if object && next >= 0 {
		renamed := strings.Replace(all[next].Text, `"`+all[next].Sid+`"`, `"`+all[next].Sid+wrapped+`"`, 1)
		var err error
		if document, err = policy.ReplaceStatement(document, next, renamed); err != nil {
			return "", err
		}
	}
	out, err := policy.RemoveStatement(document, i)
	if err == nil && object && next < 0 {
		return policy.UnwrapStatement(out)
	}
	return out, err
}

// denial admits nobody.
func (id ID) denial() string {
	return `{"Sid":"` + revoked + string(id) + `","Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:*"}`
}
