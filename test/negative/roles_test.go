package negative

import (
	"strings"

	"github.com/podpass/podpass/podpasstest"
)

// roles: good tokens for roles they are not for, and exchanges that ask for what they may not have.
func roles(w *world) []probe {
	good := w.sign(w.claims())
	ask := func(name, code, why string, pairs ...string) probe {
		return probe{name: name, request: w.exchange(good, pairs...), code: code, status: statusOf(code), why: why, secrets: secretsOf(good)}
	}
	const invalid = "ValidationError"
	return []probe{
		ask("no such role", "AccessDenied", "there is no role", "RoleArn", podpasstest.RoleARN("nobody")),
		ask("role in capitals", "AccessDenied", "there is no role", "RoleArn", podpasstest.RoleARN("Reader")),
		ask("role under a path it doesn't have", "AccessDenied", "there is no role", "RoleArn", podpasstest.RoleARN("x/reader")),
		ask("role of an account that isn't here", "InvalidIdentityToken", "has no provider", "RoleArn", "arn:aws:iam::999999999999:role/reader"),
		ask("role of another partition", "InvalidIdentityToken", "has no provider", "RoleArn", strings.Replace(podpasstest.RoleARN("reader"), "aws", "aws-cn", 1)),
		ask("a user for a role", invalid, "is not the ARN of a role", "RoleArn", "arn:aws:iam::111122223333:user/alice"),
		ask("no ARN for a role", invalid, "not printable ASCII", "RoleArn", "reader reader reader reader"),
		ask("a role of no account", invalid, "is not the ARN of a role", "RoleArn", "arn:aws:iam:::role/reader"),
		ask("no token", invalid, "Member must not be null", "WebIdentityToken", ""),
		ask("no role", invalid, "Member must not be null", "RoleArn", ""),
		ask("no session name", invalid, "Member must not be null", "RoleSessionName", ""),
		ask("session name with a slash", invalid, "Member must satisfy regular", "RoleSessionName", "a/b"),
		ask("session name with a newline", invalid, "'roleSessionName'", "RoleSessionName", "web\n"),
		ask("session name of 65", invalid, "Member must have length less than or equal to 64", "RoleSessionName", strings.Repeat("n", 65)),
		ask("899 seconds", invalid, "Member must have value greater than or equal to 900", "DurationSeconds", "899"),
		ask("more than the role allows", invalid, "exceeds the MaxSessionDuration", "DurationSeconds", "3601"),
		ask("a provider id", invalid, "ProviderId is for OAuth 2.0", "ProviderId", "www.amazon.com"),
		ask("a managed session policy of another account", invalid, "arn:aws:iam::999999999999:policy/admin is invalid", "PolicyArns.member.1.arn", "arn:aws:iam::999999999999:policy/admin"),
		ask("a session token of 4,097 bytes", invalid, "Member must have value less than or equal to 4096", "MinimumSessionTokenSize", "4097"),
	}
}
