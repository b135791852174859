package iam

import "github.com/podpass/podpass/policy"

// The shape of the simulator's answer is the one recorded against AWS: one result an action and resource, repeated as the only member of its
// ResourceSpecificResults.

type simulationResult struct {
	EvaluationResults []evaluationResult
	rest
}

type evaluationResult struct {
	EvalActionName                    string
	EvalResourceName                  string
	EvalDecision                      string
	MatchedStatements                 []matchedStatement
	MissingContextValues              []string
	OrganizationsDecisionDetail       organizationsDetail
	PermissionsBoundaryDecisionDetail *boundaryDetail
	EvalDecisionDetails               map[string]string // per policy type, of cross-account simulations; empty here
	ResourceSpecificResults           []resourceResult
}

type resourceResult struct {
	EvalResourceName                  string
	EvalResourceDecision              string
	MatchedStatements                 []matchedStatement
	MissingContextValues              []string
	EvalDecisionDetails               map[string]string
	PermissionsBoundaryDecisionDetail *boundaryDetail
}

// There are no organizations, so none denies.
type organizationsDetail struct{ AllowedByOrganizations bool }

type boundaryDetail struct{ AllowedByPermissionsBoundary bool }

type matchedStatement struct {
	SourcePolicyId   string
	SourcePolicyType string
	StartPosition    position
	EndPosition      position
}

type position struct{ Line, Column int }

func shownResult(e evaluation, made *policy.Simulation, bounded bool) evaluationResult {
	out := evaluationResult{
		EvalActionName: e.action, EvalResourceName: e.resource, EvalDecision: decisionName(made.Effect), MatchedStatements: []matchedStatement{},
		MissingContextValues: some(made.Missing), OrganizationsDecisionDetail: organizationsDetail{true}, EvalDecisionDetails: map[string]string{},
	}
	for _, m := range made.Matches {
		out.MatchedStatements = append(out.MatchedStatements, matchedStatement{
			m.Source.ID, m.Source.Type, position(m.Start), position(m.End),
		})
	}
	if bounded {
		out.PermissionsBoundaryDecisionDetail = &boundaryDetail{made.Boundary}
	}
	out.ResourceSpecificResults = []resourceResult{{
		EvalResourceName: out.EvalResourceName, EvalResourceDecision: out.EvalDecision, MatchedStatements: out.MatchedStatements,
		MissingContextValues: out.MissingContextValues, EvalDecisionDetails: out.EvalDecisionDetails,
		PermissionsBoundaryDecisionDetail: out.PermissionsBoundaryDecisionDetail,
	}}
	return out
}

func decisionName(e policy.Effect) string {
	switch e {
	case policy.Allow:
		return "allowed"
	case policy.ExplicitDeny:
		return "explicitDeny"
	}
	return "implicitDeny"
}
