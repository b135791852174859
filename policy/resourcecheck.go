package policy

import (
	"fmt"
	"strings"
)

// checkResources finds the first mistake in Resource and NotResource elements. IAM reports some at once ("legacy parsing") and the
// others only behind the checks on Sid and presence: those come back as a function.
func (p *parser) checkResources(d *draft) (later func()) {
	for i := range d.statements {
		for _, l := range [...]*list{d.statements[i].resource, d.statements[i].notResource} {
			if l == nil {
				continue
			}
			for _, n := range l.items {
				message, legacy := resourceMistake(n.text, d.variables)
				switch {
				case message == "" || later != nil:
				case legacy:
					p.refuse(n.start, message, "a resource is arn:partition:service:region:account:resource")
				default:
					later = func() { p.refuse(n.start, message, "") }
				}
			}
		}
	}
	return later
}

// resourceMistake is AWS's text about a Resource, or "".
func resourceMistake(text string, variables bool) (message string, legacy bool) {
	if text == "*" {
		return "", false
	}
	parts := strings.SplitN(text, ":", 6)
	if len(parts) < 2 {
		return fmt.Sprintf(`Resource %s must be in ARN format or "*".`, text), false
	}
	if partition := parts[1]; !isPartition(partition) && partition != "*" {
		return fmt.Sprintf(`Partition "%s" is not valid for resource "%s".`, partition, filled(text)), false
	}
	if parts[0] != "arn" {
		return fmt.Sprintf(`Resource %s must be in ARN format or "*".`, text), false
	}
	if len(parts) < 3 || strings.ContainsAny(parts[2], "*?") {
		return msgResourceVendor, false
	}
	if parts[2] == "" || len(parts) < 6 && strings.Contains(text, "::") {
		return msgLegacy, true
	}
	if lead := strings.Join(parts[:min(5, len(parts))], ":"); variables && strings.Contains(lead, "${") {
		return msgLegacy, true // variables stand behind the fifth colon only
	}
	if variables {
		if _, err := compileARN(text, true); err != nil {
			return msgLegacy, true
		}
	}
	return serviceMistake(text, parts), false
}

// serviceMistake is what IAM knows about the ARNs of single services.
func serviceMistake(text string, parts []string) string {
	if len(parts) < 4 {
		return ""
	}
	regional := parts[3] != ""
	switch parts[2] {
	case "iam":
		if regional {
			return fmt.Sprintf("IAM resource %s cannot contain region information.", text)
		}
		if len(parts) == 6 && !isIAMPath(parts[5]) {
			return msgIAMPath
		}
	case "s3":
		// access points and jobs have both a region and an account
		if regional && (len(parts) < 5 || parts[4] == "") {
			return fmt.Sprintf("Resource %s can not contain region information.", text)
		}
	}
	return ""
}

func isIAMPath(path string) bool {
	if path == "*" {
		return true
	}
	for _, p := range [...]string{
		"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/", "sms-mfa/",
		"saml-provider/", "oidc-provider/", "report/", "access-report/",
	} {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

// filled is the ARN IAM reads text as: it begins with arn, and missing segments are "*".
func filled(text string) string {
	parts := strings.SplitN(text, ":", 6)
	parts[0] = "arn"
	for len(parts) < 6 {
		parts = append(parts, "*")
	}
	return strings.Join(parts, ":")
}
