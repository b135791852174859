package policy

import "fmt"

// SyntaxError says what is wrong with a document and where (byte offset, line and column from 1).
type SyntaxError struct {
	Message      string // AWS's text, for the wire
	Detail       string // what exactly, in our words
	Offset       int
	Line, Column int
}

// Error is AWS's text followed by position and detail.
func (e *SyntaxError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%s (line %d, column %d)", e.Message, e.Line, e.Column)
	}
	return fmt.Sprintf("%s (line %d, column %d: %s)", e.Message, e.Line, e.Column, e.Detail)
}

// AWS's texts. Those of identity policies come from recordings against IAM, those of trust policies from replies quoted in public
// issues.
const (
	msgInvalidJSON     = "This policy contains invalid Json"
	msgSyntax          = "Syntax errors in policy."
	msgLegacy          = "The policy failed legacy parsing"
	msgVersion         = "Policy document must be version 2012-10-17 or greater."
	msgNoActions       = "Policy statement must contain actions."
	msgNoResources     = "Policy statement must contain resources."
	msgNoVendor        = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	msgOneColon        = "Actions/Condition can contain only one colon."
	msgSidUnique       = "Statement IDs (SID) in a single policy must be unique."
	msgSidAlphanumeric = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
	msgResourceVendor  = "Resource vendor must be fully qualified and cannot contain regexes."
	msgIAMPath         = `IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, ` +
		`server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`
	msgNoPrincipalHere = "Policy document should not specify a principal."
	msgOnlySTS         = "AssumeRole policy may only specify STS AssumeRole actions."
	msgNoPrincipals    = "Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: The passed in policy has a statement with no principals!"
	msgAllowNot        = "Allow with NotPrincipal is not allowed."
)
