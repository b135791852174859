package upstream_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/podpass/podpass/identity"
	"github.com/podpass/podpass/upstream"
)

// minio answers AssumeRoleWithWebIdentity in the form MinIO documents: nobody is said to be assumed, and its id has EKS Auth's spelling.
//
// Source: minio/minio docs/sts/web-identity.md
func minio(credentials string) http.HandlerFunc {
	return answer(200, map[string]string{"Content-Type": "application/xml"}, `<?xml version="1.0" encoding="UTF-8"?>
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
<AssumedRoleUser><Arn/><AssumeRoleId/></AssumedRoleUser>`+credentials+`</AssumeRoleWithWebIdentityResult><ResponseMetadata/></AssumeRoleWithWebIdentityResponse>`)
}

func minioCredentials(expires time.Time) string {
	return fmt.Sprintf(`<Credentials><AccessKeyId>Y4RJU1RNFGK48LGO9I2S</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><Expiration>%s</Expiration>
<SessionToken>session</SessionToken></Credentials>`, expires.UTC().Format(time.RFC3339))
}

// assumed is AWS's answer to AssumeRole.
func assumed(role, key string) string {
	return fmt.Sprintf(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser>
<AssumedRoleId>AROAEXAMPLE:web</AssumedRoleId><Arn>arn:aws:sts::444455556666:assumed-role/%s/web</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>session</SessionToken><Expiration>%s</Expiration></Credentials>
</AssumeRoleResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>`, role, key, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

func request(mode upstream.Mode, endpoint string) upstream.AssumeRequest {
	return upstream.AssumeRequest{
		Mode: mode, Endpoints: []string{endpoint}, Region: "us-west-2", RoleARN: "arn:aws:iam::444455556666:role/app", SessionName: "web", Token: pod,
		Tags: identity.Tags{{Key: "kubernetes-namespace", Value: "shop"}}, TransitiveKeys: []string{"kubernetes-namespace"},
	}
}

func TestMinIO(t *testing.T) {
	expires := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	at := serve(t, minio(minioCredentials(expires)))
	r := request(upstream.WebIdentity, at.URL+"/sts/tenant")
	r.Policy, r.ExternalID = `{"Version":"2012-10-17"}`, "not sent"
	got, err := upstream.NewAccounts(upstream.Config{}).Assume(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	want := &upstream.Assumed{
		Credentials: upstream.Credentials{AccessKeyID: "Y4RJU1RNFGK48LGO9I2S", SecretAccessKey: "secret", SessionToken: "session", Expiration: expires},
		Endpoint:    at.URL + "/sts/tenant",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if at.last.Header.Get("Authorization") != "" {
		t.Error("a call by token is signed")
	}
	form := map[string][]string{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {r.RoleARN}, "RoleSessionName": {"web"}, "WebIdentityToken": {pod},
		"DurationSeconds": {"3600"}, "Policy": {r.Policy},
	}
	if diff := cmp.Diff(form, map[string][]string(at.last.PostForm)); diff != "" {
		t.Error(diff)
	}
}

// What each hop of each mode is asked with.
func TestHops(t *testing.T) {
	const target = "arn:aws:iam::777788889999:role/data"
	tagged := map[string][]string{
		"Tags.member.1.Key": {"kubernetes-namespace"}, "Tags.member.1.Value": {"shop"}, "TransitiveTagKeys.member.1": {"kubernetes-namespace"},
	}
	base := func(role, seconds string, more ...map[string][]string) map[string][]string {
		form := map[string][]string{
			"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {role}, "RoleSessionName": {"web"}, "DurationSeconds": {seconds},
		}
		for _, m := range more {
			for k, v := range m {
				form[k] = v
			}
		}
		return form
	}
	const role = "arn:aws:iam::444455556666:role/app"
	last := map[string][]string{"ExternalId": {"external"}, "Policy": {"{}"}}
	byToken := base(role, "900", map[string][]string{"Action": {"AssumeRoleWithWebIdentity"}, "WebIdentityToken": {pod}})
	for name, test := range map[string]struct {
		mode   upstream.Mode
		target string
		tags   bool
		want   []map[string][]string
		signer []string // access key ids, "" unsigned
		tagged bool
	}{
		"as the server":                    {upstream.AssumeRole, "", true, []map[string][]string{base(role, "3600", tagged, last)}, []string{"AKIAEXAMPLE"}, true},
		"as the server, untagged":          {upstream.AssumeRole, "", false, []map[string][]string{base(role, "3600", last)}, []string{"AKIAEXAMPLE"}, false},
		"as the server to a target":        {upstream.AssumeRole, target, true, []map[string][]string{base(role, "900", tagged), base(target, "3600", last)}, []string{"AKIAEXAMPLE", "ASIA1"}, true},
		"by token to a target":             {upstream.WebIdentity, target, true, []map[string][]string{byToken, base(target, "3600", tagged, last)}, []string{"", "ASIA1"}, true},
		"by token to a target, and no tag": {upstream.WebIdentity, target, false, []map[string][]string{byToken, base(target, "3600", last)}, []string{"", "ASIA1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var forms []map[string][]string
			var signers []string
			at := serve(t, func(w http.ResponseWriter, r *http.Request) {
				forms = append(forms, r.PostForm)
				_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
				signer, _, _ := strings.Cut(credential, "/")
				signers = append(signers, signer)
				document := assumed("any", fmt.Sprintf("ASIA%d", len(forms)))
				if r.PostForm.Get("Action") == "AssumeRoleWithWebIdentity" {
					document = strings.ReplaceAll(document, "AssumeRoleRes", "AssumeRoleWithWebIdentityRes")
				}
				fmt.Fprint(w, document)
			})
			r := request(test.mode, at.URL)
			r.TargetRoleARN, r.ExternalID, r.Policy = test.target, "external", "{}"
			if !test.tags {
				r.Tags, r.TransitiveKeys = nil, nil
			}
			got, err := upstream.NewAccounts(upstream.Config{Credentials: signing}).Assume(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, forms); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.signer, signers); diff != "" {
				t.Error(diff)
			}
			if got.Tagged != test.tagged || got.AssumedRoleARN == "" || got.AssumedRoleID != "AROAEXAMPLE:web" || got.Credentials.AccessKeyID != fmt.Sprintf("ASIA%d", len(forms)) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// What can't be asked isn't, and says why.
func TestAssumeRefusesUnasked(t *testing.T) {
	at := serve(t, granted())
	broken := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, fmt.Errorf("no role on this machine")
	})
	for name, test := range map[string]struct {
		own  aws.CredentialsProvider
		edit func(*upstream.AssumeRequest)
		says string
	}{
		"no mode":        {signing, func(r *upstream.AssumeRequest) { r.Mode = "" }, `mode "" is unknown`},
		"no endpoint":    {signing, func(r *upstream.AssumeRequest) { r.Endpoints = nil }, "without an endpoint"},
		"a bad endpoint": {signing, func(r *upstream.AssumeRequest) { r.Endpoints = []string{"http://sts.example"} }, "https://"},
		"no credentials": {nil, func(*upstream.AssumeRequest) {}, "no credentials"},
		"bad ones":       {broken, func(*upstream.AssumeRequest) {}, "no role on this machine"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(upstream.AssumeRole, at.URL)
			test.edit(&r)
			_, err := upstream.NewAccounts(upstream.Config{Credentials: test.own}).Assume(t.Context(), r)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	at.asked(t, 0)
}

// Whatever verb prints a request or credentials, no secret is in it.
func TestPrinting(t *testing.T) {
	c := upstream.Credentials{AccessKeyID: "ASIA", SecretAccessKey: "hidden-key", SessionToken: "hidden-session"}
	for _, v := range []any{request(upstream.WebIdentity, "https://a.example"), c, &c, upstream.Assumed{Credentials: c}, upstream.PodIdentity{Credentials: c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, "hidden") || strings.Contains(text, pod) {
				t.Errorf("%s prints %s", verb, text)
			}
		}
	}
}

// The health of a list is remembered from one exchange to the next: an endpoint that failed is not the first asked again.
func TestAccountsRememberHealth(t *testing.T) {
	down, up := serve(t, stsError(503, "ServiceUnavailable", "x")), serve(t, minio(minioCredentials(time.Now().Add(time.Hour))))
	accounts := upstream.NewAccounts(upstream.Config{Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	r := request(upstream.WebIdentity, down.URL)
	r.Endpoints = append(r.Endpoints, up.URL)
	for range 5 {
		got, err := accounts.Assume(t.Context(), r)
		if err != nil || got.Endpoint != up.URL {
			t.Fatalf("%v, %v", got, err)
		}
	}
	down.asked(t, 1)
	up.asked(t, 5)
}

// The far end sees the session token of whoever signed, and may write it into its answer as well as a pod's.
func TestErrorsWithholdTheSessionToken(t *testing.T) {
	const token = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLXdlc3QtMiJGMEQCIBexample+/w=="
	echo := func(w http.ResponseWriter, r *http.Request) {
		text := "cannot use " + r.Header.Get("X-Amz-Security-Token")
		if r.URL.Path != "/" {
			answer(403, map[string]string{"X-Amzn-Errortype": "AccessDeniedException"}, `{"message":"`+text+`"}`)(w, r)
			return
		}
		stsError(403, "AccessDenied", text)(w, r)
	}
	s := serve(t, echo)
	own := credentials.NewStaticCredentialsProvider("ASIAEXAMPLE", "secret", token)
	list := upstream.NewEndpoints([]upstream.Endpoint{{URL: s.URL, Region: "us-west-2"}}, upstream.Options{})
	_, err := upstream.NewSTS(list, own, upstream.NewHTTPClient(nil)).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::123456789012:role/reader"), RoleSessionName: aws.String("web"),
	})
	if err == nil || !strings.Contains(err.Error(), "withheld") || strings.Contains(err.Error(), token[:20]) {
		t.Errorf("STS: %v", err)
	}
	_, err = upstream.NewEKSAuth(list, own, upstream.NewHTTPClient(nil)).AssumeRoleForPodIdentity(t.Context(), "demo", pod)
	if err == nil || !strings.Contains(err.Error(), "withheld") || strings.Contains(err.Error(), token[:20]) {
		t.Errorf("EKS Auth: %v", err)
	}
}
