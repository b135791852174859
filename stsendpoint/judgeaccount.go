package stsendpoint

import (
	"fmt"

	"github.com/podpass/podpass/identity"
)

// JudgeAccount says what a service account asks for, and what comes of it.
func JudgeAccount(w *World, a *Account) AccountReport {
	expect := Expect(a, w.Setting)
	out := AccountReport{
		Namespace: a.Namespace, Name: a.Name, Role: a.Role, Since: a.Since, Type: OfAnnotation(a.Annotation),
		NewPods: expect.Values, Exact: expect.Exact && a.tried(), Why: expect.Why, Managed: a.Managed,
	}
	find := func(code Code, format string, args ...any) {
		out.Findings = append(out.Findings, Finding{code, fmt.Sprintf(format, args...)})
	}
	if a.Annotated {
		out.Annotation = &a.Annotation
	}
	tried := a.Trial != nil && a.Trial.Err == nil
	switch {
	case !a.Exists:
		find(NoAccount, "service account %s does not exist", a)
		return out
	case a.Annotated && !w.Setting.Honoured:
		find(ClusterTooOld, "%s", w.Setting.Why)
	case a.Annotated && out.Type == Default:
		find(InvalidAnnotation, "annotation %s is %q, neither true nor false: it is ignored", Annotation, a.Annotation)
	}
	switch {
	case tried && !a.Trial.Injected && (a.Role != "" || a.Given):
		find(NotInjected, "the account has a role, or pods with an identity, and a dry run of a new pod was given no identity: is the webhook up, and is it for namespace %s?", a.Namespace)
	case a.Annotated && a.Role == "" && (!tried || !a.Trial.Injected):
		find(NoRole, "the account has no annotation %s: nothing is injected into its pods, and the setting has no effect yet, unless by an association", roleARN)
	case tried && a.Annotated:
		for _, f := range ofNewValue(out.Type, a.Trial.Value) {
			find(f.Code, "%s", f.Text)
		}
	case tried && !expectedDefault(w.Setting, a.Trial.Value):
		find(OtherDefault, "without an annotation new pods are given %s, which is not the default of %s: the webhook's own settings say so", named(a.Trial.Value), w.GitVersion)
	}
	if a.Trial != nil && a.Trial.Err != nil {
		find(NoTrial, "%v: what a new pod would be given is taken from tables", a.Trial.Err)
	}
	return out
}

func expectedDefault(s Setting, value string) bool { return byAnnotation(Default, s).allows(value) }

// ofNewValue is what to say of the value that new pods are given for an annotation.
func ofNewValue(asked Type, value string) []Finding {
	switch {
	case asked == Global && value == "":
		return []Finding{{GlobalNotInjected, "the webhook of this cluster gives no value for \"false\": each SDK then goes by its own default, which is the region's STS for all but old ones. To call the global STS, set " + Variable + "=" + valueLegacy + " in the workload's own template"}}
	case value == valueGlobal:
		return []Finding{{RejectedValue, "new pods are given \"global\": " + rejection(value, nil)}}
	case asked == Global && value == valueRegional, asked == Regional && value != valueRegional:
		return []Finding{{NotInjected, fmt.Sprintf("the annotation asks for %s, and a dry run of a new pod was given %s: the webhook has not seen it yet, or ignores it", asked, named(value))}}
	}
	return nil
}

// JudgeCluster says what the cluster makes of the annotation.
func JudgeCluster(w *World) ClusterReport {
	out := ClusterReport{
		Host: w.Host, Version: w.GitVersion, Default: w.Setting.Default, Honoured: w.Setting.Honoured, Why: w.Setting.Why, Region: w.Region, Platform: w.Platform,
	}
	if n := w.Network; n != nil {
		out.VPC, out.Private, out.STS = n.VPC, &n.Closed, &n.STS
		if n.Closed {
			out.Findings = append(out.Findings, Finding{GlobalUnreachable, closed(n) + ": pods can only use the regional one"})
		}
		if n.Closed && !n.STS {
			out.Findings = append(out.Findings, Finding{RegionalUnreachable, "VPC " + n.VPC + " has no endpoint of STS, so that pods reach no STS at all"})
		}
	}
	if w.Region != "" && identity.PartitionOf(w.Region).ID != "aws" {
		out.Findings = append(out.Findings, Finding{NoGlobalEndpoint, globalReach(w.Region)})
	}
	if state := w.OptIn[w.Region]; state.OptIn && !state.In {
		out.Findings = append(out.Findings, Finding{RegionNotEnabled, w.Region + " has to be opted into, and the account has not: no credentials are valid there"})
	}
	return out
}
