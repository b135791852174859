// Package policy is the IAM policy language: it reads documents and decides requests.
//
// Parse is strict. It refuses what AWS refuses, with AWS's texts, and also what AWS lets through although it can only be a
// mistake: duplicate keys, unknown operators, numbers that are none. What it accepts is compiled once (globs, numbers, dates,
// networks, lower-case condition keys), so that Evaluate neither parses nor allocates on its way to an allow.
//
// Evaluate follows AWS's documented order: an explicit deny anywhere, then the resource policy, identity policies, the
// permissions boundary and session policies. Everything is closed by default: the zero Effect is no allow, a policy variable
// without a value matches nothing, a request value that can't be read as its operator's type never allows and never switches
// a Deny off. A Decision carries its reason.
//
// Where AWS's documentation is silent, this package chose; each choice is noted where it is made:
//
//   - a single-valued operator on a key of several values: a positive operator holds if any value matches, a negated one
//     if none does;
//   - a key that is present with no value at all counts as absent, as AWS's Null operator has it;
//   - Deny with NotPrincipal spares a caller only when the caller's account, identity and session are all listed;
//   - "*" as Principal of an Allow is limited by boundaries and session policies, as a role's ARN is.
//
// The package is pure: no clock, no I/O, no globals. It imports the standard library only.
//
// Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html,
// …/reference_policies_evaluation-logic.html, …/reference_policies_elements_condition_operators.html.
package policy
