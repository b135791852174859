package iam

import (
	"context"
	"iter"
	"strconv"
	"strings"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/policy"
	"github.com/podpass/podpass/server/awsquery"
	"github.com/podpass/podpass/store"
)

func (s *service) simulatorActions() []awsquery.Action {
	return []awsquery.Action{
		awsquery.NewAction("SimulatePrincipalPolicy", s.simulatePrincipal),
		awsquery.NewAction("SimulateCustomPolicy", s.simulateCustom),
		awsquery.NewAction("GetContextKeysForPrincipalPolicy", s.getPrincipalContextKeys),
		awsquery.NewAction("GetContextKeysForCustomPolicy", s.getCustomContextKeys),
	}
}

// simulation is what both simulators are asked.
type simulation struct {
	PolicyInputList                    []string
	PermissionsBoundaryPolicyInputList []string
	ActionNames                        []string
	ResourceArns                       []string
	ResourcePolicy                     string
	ResourceOwner                      string
	CallerArn                          string
	ContextEntries                     []contextEntry
	ResourceHandlingOption             string
	page
}

func (in *simulation) check(v *awsquery.Validator) {
	checkDocuments(v, "policyInputList", in.PolicyInputList)
	checkDocuments(v, "permissionsBoundaryPolicyInputList", in.PermissionsBoundaryPolicyInputList)
	v.Required("actionNames", len(in.ActionNames) > 0)
	for _, name := range in.ActionNames {
		text(v, "actionNames", name, 3, 128, "", nil)
	}
	for _, arn := range in.ResourceArns {
		text(v, "resourceArns", arn, 1, 2048, "", nil)
	}
	optional(v, "resourcePolicy", in.ResourcePolicy, 1, 131072, documentPattern, isDocument)
	optional(v, "resourceOwner", in.ResourceOwner, 1, 2048, "", nil)
	optional(v, "callerArn", in.CallerArn, 1, 2048, "", nil)
	for i, e := range in.ContextEntries {
		at := "contextEntries." + strconv.Itoa(i+1) + ".member."
		text(v, at+"contextKeyName", e.ContextKeyName, 5, 256, "", nil)
		checkEnum(v, at+"contextKeyType", orDefault(e.ContextKeyType, "null"), contextKeyTypes[:]...)
	}
	optional(v, "resourceHandlingOption", in.ResourceHandlingOption, 1, 64, "", nil)
	in.page.check(v)
}

func checkDocuments(v *awsquery.Validator, field string, documents []string) {
	for _, document := range documents {
		checkDocument(v, field, document)
	}
}

type simulatePrincipal struct {
	PolicySourceArn     string
	PolicyExclusionList []exclusion
	simulation
}

func (in *simulatePrincipal) Validate(v *awsquery.Validator) {
	checkARN(v, "policySourceArn", in.PolicySourceArn)
	v.Count("policyExclusionList", len(in.PolicyExclusionList), 0, 256)
	in.simulation.check(v)
}

type simulateCustom struct{ simulation }

func (in *simulateCustom) Validate(v *awsquery.Validator) {
	v.Required("policyInputList", len(in.PolicyInputList) > 0)
	in.simulation.check(v)
}

func (s *service) simulatePrincipal(_ context.Context, c *awsquery.Call, in *simulatePrincipal) (*simulationResult, error) {
	of, err := s.subject(c, "iam:SimulatePrincipalPolicy", in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	without := exclusions(in.PolicyExclusionList)
	if err := without.check(); err != nil {
		return nil, err
	}
	own, err := s.sourcesOf(of, without)
	if err != nil {
		return nil, err
	}
	boundary, err := s.boundaryOf(of, without)
	if err != nil {
		return nil, err
	}
	return s.simulate(c, &in.simulation, of, policy.Policies{Identity: own, Boundary: boundary})
}

func (s *service) simulateCustom(_ context.Context, c *awsquery.Call, in *simulateCustom) (*simulationResult, error) {
	if err := s.authorise(c, "iam:SimulateCustomPolicy", "*", "*", nil); err != nil {
		return nil, err
	}
	return s.simulate(c, &in.simulation, subject{}, policy.Policies{})
}

// simulate evaluates every action on every resource of the page that is asked for, and no other.
func (s *service) simulate(c *awsquery.Call, in *simulation, of subject, p policy.Policies) (*simulationResult, error) {
	given, err := s.inputs("PolicyInputList", in.PolicyInputList)
	if err != nil {
		return nil, err
	}
	p.Identity = append(p.Identity, given...)
	if len(in.PermissionsBoundaryPolicyInputList) > 0 {
		if p.Boundary, err = s.inputs("PermissionsBoundaryPolicyInputList", in.PermissionsBoundaryPolicyInputList); err != nil {
			return nil, err
		}
	}
	if err := in.resourcePolicy(of, &p); err != nil {
		return nil, err
	}
	who, err := s.simulatedCaller(c, in, of)
	if err != nil {
		return nil, err
	}
	keys := principalKeys(who, of)
	for _, e := range in.ContextEntries {
		if err := e.set(keys); err != nil {
			return nil, err
		}
	}
	for _, action := range in.ActionNames {
		if vendor, name, ok := strings.Cut(action, ":"); !ok || vendor == "" || name == "" || strings.ContainsAny(action, "*? ") {
			return nil, invalidInput("Invalid Action: %s. Give the service and the name, such as s3:GetObject.", action)
		}
	}
	resources := in.ResourceArns
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	pairs := func(after string) iter.Seq2[string, evaluation] {
		start := startAt(after)
		return func(yield func(string, evaluation) bool) {
			for i := start; i < len(in.ActionNames)*len(resources); i++ {
				e := evaluation{in.ActionNames[i/len(resources)], resources[i%len(resources)]}
				if !yield(strconv.Itoa(i+1), e) {
					return
				}
			}
		}
	}
	page, more, err := take(in.page, pairs)
	if err != nil {
		return nil, err
	}
	out := &simulationResult{EvaluationResults: []evaluationResult{}, rest: more}
	for _, e := range page {
		p.ResourceAccount = in.owner(e.resource, who.Account)
		made := policy.Simulate(&policy.Request{Requester: who, Action: e.action, Resource: e.resource, Context: keys}, &p)
		out.EvaluationResults = append(out.EvaluationResults, shownResult(e, &made, p.Boundary != nil))
	}
	return out, nil
}

// evaluation is one question.
type evaluation struct{ action, resource string }

func (in *simulation) resourcePolicy(of subject, p *policy.Policies) error {
	if in.ResourcePolicy == "" {
		return nil
	}
	if in.CallerArn == "" && of.noun != "user" {
		return invalidInput("CallerArn is required with a ResourcePolicy, unless PolicySourceArn is the ARN of a user.")
	}
	doc, err := policy.Parse(in.ResourcePolicy, policy.ResourceUse)
	if err != nil {
		return invalidInput("ResourcePolicy: %s", err)
	}
	p.Resource = []policy.Source{{ID: "ResourcePolicy", Type: sourceType, Doc: doc}}
	return nil
}

// owner is the account that owns a resource: the one its ARN names, else ResourceOwner's, else the caller's. Without a resource policy the
// simulator asks only whether the caller's side allows.
func (in *simulation) owner(resource, caller string) string {
	if in.ResourcePolicy == "" {
		return caller
	}
	if a, err := identity.ParseARN(resource); err == nil && a.Account() != "" {
		return string(a.Account())
	}
	if a, err := identity.ParseARN(in.ResourceOwner); err == nil {
		return string(a.Account())
	}
	return orDefault(in.ResourceOwner, caller)
}

// simulatedCaller is who the resource policy sees: CallerArn's role or user, else the subject, else somebody of the caller's account.
func (s *service) simulatedCaller(c *awsquery.Call, in *simulation, of subject) (policy.Requester, error) {
	if in.CallerArn == "" {
		who := policy.Requester{Account: string(c.Caller.Account), UniqueID: of.id, PrincipalARN: of.arn.String()}
		if of.id == "" {
			who.PrincipalARN = c.Caller.Account.IAM(partition(c), "root").String()
		}
		return who, nil
	}
	a, err := identity.ParseARN(in.CallerArn)
	if err == nil {
		_, err = identity.ParseAccount(string(a.Account()))
	}
	if err != nil || a.Service() != "iam" && a.Service() != "sts" {
		return policy.Requester{}, invalidInput("Invalid Caller Arn: %s.", in.CallerArn)
	}
	who := policy.Requester{Account: string(a.Account()), PrincipalARN: in.CallerArn}
	if a.Service() == "sts" {
		who.PrincipalARN, who.SessionARN = "", in.CallerArn
		parts := strings.Split(a.Resource(), "/")
		if r, ok := s.Store.Roles.Get(store.RoleKey(string(c.Caller.Account), parts[min(1, len(parts)-1)])); ok && a.Account() == c.Caller.Account {
			who.PrincipalARN, who.UniqueID = r.ARN().String(), r.ID
		}
	}
	return who, nil
}

// principalKeys are the keys every request of this principal has.
func principalKeys(who policy.Requester, of subject) *policy.Context {
	k := new(policy.Context)
	k.Set("aws:PrincipalAccount", who.Account)
	if who.PrincipalARN != "" {
		k.Set("aws:PrincipalArn", who.PrincipalARN)
	}
	if of.id == "" {
		return k
	}
	for _, t := range *of.tags {
		k.Set("aws:PrincipalTag/"+t.Key, t.Value)
	}
	if of.noun == "user" {
		k.Set("aws:PrincipalType", "User")
		k.Set("aws:username", of.name)
		k.Set("aws:userid", of.id)
	} else {
		k.Set("aws:PrincipalType", "AssumedRole")
	}
	return k
}
