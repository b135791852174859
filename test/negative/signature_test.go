package negative

import (
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/podpass/podpass/podpasstest"
)

// signatures: requests whose signature is missing, malformed, stale, or was made for something else.
func signatures(w *world) []probe {
	try := func(name, code, why string, bends ...bend) probe {
		r := w.signed(identity, bends...)
		return probe{name: name, request: r, code: code, status: statusOf(code), why: why, secrets: []string{w.alice.SecretAccessKey}}
	}
	authorization := func(old, new string) bend {
		return after(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		})
	}
	drop := func(part string) bend {
		return after(func(r *http.Request) {
			left := regexp.MustCompile(part+"=[^,]*,? ?").ReplaceAllString(r.Header.Get("Authorization"), "")
			r.Header.Set("Authorization", strings.TrimSuffix(left, ", "))
		})
	}
	wrongSecret, nobody := w.alice, w.alice
	wrongSecret.SecretAccessKey = strings.Repeat("s", 40)
	nobody.AccessKeyID = "AKIAQAAAAAAAEXAMPLE1"
	const mismatch, incomplete, invalid = "SignatureDoesNotMatch", "IncompleteSignature", "InvalidClientTokenId"
	return []probe{
		try("none", "MissingAuthenticationToken", "Request is missing Authentication Token", after(func(r *http.Request) { r.Header.Del("Authorization") })),
		try("Basic", incomplete, "Authorization header requires", after(header("Authorization", "Basic YWxpY2U6eA=="))),
		try("signature version 2", incomplete, "Authorization header requires", after(header("Authorization", "AWS "+w.alice.AccessKeyID+":c2ln"))),
		try("SigV4A", incomplete, "Unsupported AWS", authorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")),
		try("no Credential", incomplete, "requires 'Credential'", drop("Credential")),
		try("no SignedHeaders", incomplete, "requires 'SignedHeaders'", drop("SignedHeaders")),
		try("no Signature", incomplete, "requires 'Signature'", drop("Signature")),
		try("Signature twice", incomplete, "holds something that is not one Credential", authorization("Signature=", "Signature=00, Signature=")),
		try("Credential of four parts", incomplete, "exactly 5 slash-delimited elements", authorization("/aws4_request", "")),
		try("two Authorization headers", incomplete, "The request has more than one signature.", after(func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) })),
		try("in the header and in the query", incomplete, "The request has more than one signature.", after(func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=" + strings.Repeat("0", 64) })),
		try("no date", incomplete, "Authorization header requires", after(func(r *http.Request) { r.Header.Del("X-Amz-Date") })),
		try("a date that is none", incomplete, "Date must be in ISO-8601", after(header("X-Amz-Date", "yesterday"))),
		try("two dates", incomplete, "The request has more than one date or security token.", after(func(r *http.Request) { r.Header.Add("X-Amz-Date", r.Header.Get("X-Amz-Date")) })),
		try("an unknown key", invalid, "there is no such access key", as(nobody)),
		try("no key", incomplete, "exactly 5 slash-delimited elements", authorization("Credential="+w.alice.AccessKeyID, "Credential=")),
		try("the wrong secret", mismatch, "the signature is wrong", as(wrongSecret)),
		try("one digit changed", mismatch, "the signature is wrong", after(func(r *http.Request) {
			a := r.Header.Get("Authorization")
			r.Header.Set("Authorization", a[:len(a)-1]+flip(a[len(a)-1]))
		})),
		try("in capitals", mismatch, "the signature is not 64 hexadecimal digits", after(func(r *http.Request) {
			a := r.Header.Get("Authorization")
			r.Header.Set("Authorization", a[:len(a)-64]+strings.ToUpper(a[len(a)-64:]))
		})),
		try("cut short", mismatch, "the signature is not 64 hexadecimal digits", after(func(r *http.Request) {
			a := r.Header.Get("Authorization")
			r.Header.Set("Authorization", a[:len(a)-2])
		})),
		try("15 minutes and a second old", mismatch, "Signature expired", at(w.now.Add(-15*minute-1e9))),
		try("15 minutes and a second ahead", mismatch, "Signature not yet current", at(w.now.Add(15*minute+1e9))),
		try("of yesterday", mismatch, "Signature expired", at(w.now.Add(-24*60*minute))),
		try("scoped to another day than its date", mismatch, "Date in Credential scope", authorization(w.now.Format("/20060102/"), w.now.Add(-24*60*minute).Format("/20060102/"))),
		try("scoped to IAM", mismatch, "scoped to correct service: 'sts'", scoped("iam", podpasstest.Region)),
		try("scoped to S3", mismatch, "scoped to correct service: 'sts'", scoped("s3", podpasstest.Region)),
		try("scoped to something that is no region", mismatch, "scoped to a valid region", scoped("sts", "US WEST")),
		try("another terminator", mismatch, "valid terminator", authorization("aws4_request", "aws3_request")),
		try("scope region changed after signing", mismatch, "the signature is wrong", authorization("/"+podpasstest.Region+"/", "/us-east-1/")),
		try("for another region than the host name's", mismatch, "scoped to a valid region", before(func(r *http.Request) { r.Host = "sts.us-east-1.amazonaws.com" })),
		try("for another region than the global host name's", mismatch, "scoped to a valid region", before(func(r *http.Request) { r.Host = "sts.amazonaws.com" })),
		try("carried to another host", mismatch, "the signature is wrong", after(func(r *http.Request) { r.Host = "sts.us-west-2.amazonaws.com" })),
		try("carried to another action", mismatch, "the signature is wrong", after(func(r *http.Request) { setBody(r, "Action=GetSessionToken&Version=2011-06-15") })),
		try("carried to another body", mismatch, "the signature is wrong", after(func(r *http.Request) { setBody(r, identity+"&x=1") })),
		try("parameter added to the query", mismatch, "the signature is wrong", after(func(r *http.Request) { r.URL.RawQuery = "x=1" })),
		try("method changed", mismatch, "the signature is wrong", after(func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
			r.URL.RawQuery = identity
		})),
		try("unsigned x-amz header", mismatch, "the header x-amz-target is not signed", after(header("X-Amz-Target", "x"))),
		try("signed header changed", mismatch, "the signature is wrong", before(header("X-Amz-Meta", "a")), after(header("X-Amz-Meta", "b"))),
		try("signed header taken out", mismatch, "the signed header x-amz-meta is not in the request", before(header("X-Amz-Meta", "a")), after(func(r *http.Request) { r.Header.Del("X-Amz-Meta") })),
		try("host not signed", mismatch, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.", authorization(";host;", ";")),
		try("signed headers out of order", mismatch, "is not a lower-case name in its alphabetical place", authorization("content-type;host", "host;content-type")),
		try("signed headers in capitals", mismatch, "is not a lower-case name in its alphabetical place", authorization("content-type;host", "Content-Type;host")),
		try("UNSIGNED-PAYLOAD", mismatch, "x-amz-content-sha256 is not the hash of the body", before(header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"))),
		try("hash of another body", mismatch, "x-amz-content-sha256 is not the hash of the body", before(header("X-Amz-Content-Sha256", strings.Repeat("0", 64)))),
		try("a session token beside a user's key", invalid, "a long-term access key came with a session token", as(aws.Credentials{AccessKeyID: w.alice.AccessKeyID, SecretAccessKey: w.alice.SecretAccessKey, SessionToken: w.session.SessionToken})),
	}
}

// presigned: URLs that are too old or were bent.
func presigned(w *world) []probe {
	try := func(name, code, why string, bends ...bend) probe {
		r := w.presign(bends...)
		return probe{name: name, request: r, code: code, status: statusOf(code), why: why, secrets: []string{w.alice.SecretAccessKey, w.session.SecretAccessKey, w.session.SessionToken}}
	}
	query := func(change func(string) string) bend {
		return after(func(r *http.Request) { r.URL.RawQuery = change(r.URL.RawQuery) })
	}
	const mismatch, incomplete = "SignatureDoesNotMatch", "IncompleteSignature"
	return []probe{
		try("15 minutes and a second old", mismatch, "Signature expired", at(w.now.Add(-15*minute-1e9))),
		try("15 minutes old and said to last an hour", mismatch, "Signature expired", at(w.now.Add(-15*minute-1e9)), before(func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Expires=3600" })),
		try("of tomorrow", mismatch, "Signature not yet current", at(w.now.Add(24*60*minute))),
		try("carried to another action", mismatch, "the signature is wrong", query(func(q string) string { return strings.Replace(q, "GetCallerIdentity", "GetSessionToken", 1) })),
		try("parameter added", mismatch, "the signature is wrong", query(func(q string) string { return q + "&x=1" })),
		try("sent by POST", mismatch, "the signature is wrong", after(func(r *http.Request) { r.Method = http.MethodPost })),
		try("sent with a body", "InvalidQueryParameter", "The parameter 'Action' is given more than once.", after(func(r *http.Request) {
			r.Method = http.MethodPost
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			setBody(r, identity)
		})),
		try("signature twice", "InvalidQueryParameter", "The parameter 'X-Amz-Signature' is given more than once.", query(func(q string) string { return q + "&X-Amz-Signature=" + strings.Repeat("0", 64) })),
		try("no signature", incomplete, "AWS query-string parameters must include 'X-Amz-Signature'. Re-examine the query-string parameters.", query(func(q string) string { return q[:strings.Index(q, "&X-Amz-Signature=")] })),
		try("session token taken out", "InvalidClientTokenId", "a temporary access key came without its session token", as(w.session), query(func(q string) string {
			from := strings.Index(q, "X-Amz-Security-Token=")
			to := from + strings.IndexByte(q[from:], '&') + 1
			return q[:from] + q[to:]
		})),
		try("carried to another host", mismatch, "the signature is wrong", after(func(r *http.Request) { r.Host = "sts.us-west-2.amazonaws.com" })),
	}
}

func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	r.GetBody = nil
}

// flip is another hexadecimal digit.
func flip(c byte) string {
	if c == '0' {
		return "1"
	}
	return "0"
}
