package negative

import (
	"net/http"
	"strings"
)

// queries: requests that are no request of the Query protocol, or two.
func queries(w *world) []probe {
	try := func(name, code string, status int, r *http.Request) probe {
		return probe{name: name, request: r, code: code, status: status, secrets: []string{w.alice.SecretAccessKey}}
	}
	body := func(text string, changes ...func(*http.Request)) *http.Request {
		r := w.post(text)
		for _, change := range changes {
			change(r)
		}
		return r
	}
	good := w.sign(w.claims())
	exchange := "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::111122223333:role/reader&RoleSessionName=web&WebIdentityToken=" + good
	with := func(p probe) probe {
		p.secrets = append(p.secrets, secretsOf(good)...)
		return p
	}
	return []probe{
		try("nothing", "MissingAction", 400, body("")),
		try("no action", "MissingAction", 400, body("Version=2011-06-15")),
		try("an unknown action", "InvalidAction", 400, body("Action=Nothing&Version=2011-06-15")),
		try("an action in small letters", "InvalidAction", 400, body("Action=getcalleridentity&Version=2011-06-15")),
		try("an action of STS not offered", "InvalidAction", 400, body("Action=AssumeRoleWithSAML&Version=2011-06-15")),
		try("no version", "InvalidAction", 400, body("Action=GetCallerIdentity")),
		try("IAM's version", "InvalidAction", 400, body("Action=GetCallerIdentity&Version=2010-05-08")),
		with(try("a parameter twice", "InvalidQueryParameter", 400, body(exchange+"&RoleArn=arn:aws:iam::111122223333:role/admin"))),
		with(try("a parameter twice and the same", "InvalidQueryParameter", 400, body(exchange+"&RoleSessionName=web"))),
		with(try("a parameter in the query and in the body", "InvalidQueryParameter", 400, body(exchange, func(r *http.Request) { r.URL.RawQuery = "RoleSessionName=web" }))),
		with(try("a token twice", "InvalidQueryParameter", 400, body(exchange+"&WebIdentityToken="+good))),
		with(try("another session's token in the header", "InvalidIdentityToken", 400, body(exchange, header("X-Amz-Security-Token", w.session.SessionToken)))),
		with(try("JSON", "MalformedInput", 400, body(exchange, header("Content-Type", "application/json")))),
		with(try("multipart", "MalformedInput", 400, body(exchange, header("Content-Type", "multipart/form-data; boundary=x")))),
		with(try("another character set", "MalformedInput", 400, body(exchange, header("Content-Type", "application/x-www-form-urlencoded; charset=utf-7")))),
		with(try("no content type", "MalformedInput", 400, body(exchange, func(r *http.Request) { r.Header.Del("Content-Type") }))),
		with(try("a broken escape", "MalformedQueryString", 404, body(exchange+"&x=%zz"))),
		with(try("a semicolon between parameters", "InvalidAction", 400, body(strings.Replace(exchange, "&Version", ";Version", 1)))),
		with(try("not UTF-8", "MalformedQueryString", 404, body(exchange+"&x=%ff"))),
		with(try("a number that is none", "MalformedInput", 400, body(exchange+"&DurationSeconds=1h"))),
		with(try("a number beyond 32 bits", "MalformedInput", 400, body(exchange+"&DurationSeconds=4294970896"))),
		with(try("a list with a hole", "MalformedInput", 400, body(exchange+"&PolicyArns.member.2.arn=arn:aws:iam::111122223333:policy/x"))),
		with(try("a list from nought", "MalformedInput", 400, body(exchange+"&PolicyArns.member.0.arn=arn:aws:iam::111122223333:policy/x"))),
		with(try("a list index with a sign", "MalformedInput", 400, body(exchange+"&PolicyArns.member.%2B1.arn=arn:aws:iam::111122223333:policy/x"))),
		try("more parameters than any action has", "MalformedInput", 400, body(exchange+"&"+strings.Repeat("x", 3)+manyParameters())),
		with(try("a body of 257 KiB", "RequestEntityTooLarge", 413, body(exchange+"&x="+strings.Repeat("x", 257<<10)))),
		with(try("PUT", "MethodNotAllowed", 405, body(exchange, func(r *http.Request) { r.Method = http.MethodPut }))),
		with(try("another path", "UnknownOperationException", 404, body(exchange, func(r *http.Request) { r.URL.Path = "/sts" }))),
		with(try("a doubled slash", "UnknownOperationException", 404, body(exchange, func(r *http.Request) { r.URL.Path = "//" }))),
	}
}

func manyParameters() string {
	var b strings.Builder
	for i := range 5000 {
		b.WriteString("&p")
		b.WriteString(strings.Repeat("a", i/26/26%26))
		b.WriteByte(byte('a' + i/26%26))
		b.WriteByte(byte('a' + i%26))
		b.WriteString("=")
	}
	return b.String()
}
