package sigv4

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/podpass/podpass/server/awserr"
)

// Signature is what a request says about its own signature. It is hearsay until Verify.
type Signature struct {
	AccessKeyID   string
	Scope         Scope
	SecurityToken string // "" for long-term keys
	Presigned     bool   // in the query string
	Time          time.Time

	headers   []string // SignedHeaders, in order
	signature string   // 64 hexadecimal digits
	query     []Param  // decoded, less X-Amz-Signature where presigned
}

// Scope is what a signature is good for.
type Scope struct {
	Date       string // YYYYMMDD
	Region     string
	Service    string
	Terminator string // "aws4_request"
}

func (s Scope) String() string {
	return s.Date + "/" + s.Region + "/" + s.Service + "/" + s.Terminator
}

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"

	maxAuthorization = 8 << 10 // bytes of the Authorization header
	maxSecurityToken = 8 << 10 // bytes; twice what STS issues
	maxSignedHeaders = 100
	maxKeyID         = 128
)

// Parse reads a request's signature, from the Authorization header or the query string. Errors: MissingAuthenticationToken where there is
// none, IncompleteSignature where it can't be read, SignatureDoesNotMatch where the request is of a form that is never verified.
func Parse(r *http.Request) (*Signature, error) {
	if err := checkPath(r.URL.EscapedPath()); err != nil {
		return nil, mismatch(err)
	}
	query, err := ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, awserr.New(http.StatusNotFound, "MalformedQueryString", "The query string contains a syntax error.").Because(err)
	}
	presigned, err := authParams(query)
	if err != nil {
		return nil, err
	}
	headers := r.Header.Values("Authorization")
	switch {
	case len(headers) > 1 || len(headers) == 1 && presigned != nil:
		return nil, awserr.IncompleteSignature("The request has more than one signature.")
	case len(headers) == 1:
		return fromHeader(r, headers[0], query)
	case presigned != nil:
		return fromQuery(r, presigned, query)
	}
	return nil, awserr.MissingAuthenticationToken()
}

// fromHeader reads AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=… in any order of the three.
func fromHeader(r *http.Request, text string, query []Param) (*Signature, error) {
	if len(text) > maxAuthorization {
		return nil, awserr.IncompleteSignature("The Authorization header is too long.")
	}
	scheme, rest, _ := strings.Cut(text, " ")
	if strings.HasPrefix(scheme, "AWS4-") && scheme != algorithm {
		return nil, unsupported(scheme)
	}
	fields := map[string]string{}
	if scheme == algorithm {
		for part := range strings.SplitSeq(rest, ",") {
			name, value, ok := strings.Cut(strings.Trim(part, " "), "=")
			if _, twice := fields[name]; !ok || twice || name != "Credential" && name != "SignedHeaders" && name != "Signature" {
				return nil, awserr.IncompleteSignature("The Authorization header holds something that is not one Credential, SignedHeaders or Signature.")
			}
			fields[name] = value
		}
	}
	var missing []string
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if fields[name] == "" {
			missing = append(missing, "Authorization header requires '"+name+"' parameter.")
		}
	}
	dates, date := r.Header.Values("X-Amz-Date"), r.Header.Values("Date")
	if len(dates)+len(date) == 0 {
		missing = append(missing, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if missing != nil {
		return nil, awserr.IncompleteSignature(strings.Join(missing, " "))
	}
	s := &Signature{query: query}
	if err := s.read(fields["Credential"], fields["SignedHeaders"], fields["Signature"]); err != nil {
		return nil, err
	}
	tokens := r.Header.Values("X-Amz-Security-Token")
	if len(dates) > 1 || len(dates) == 0 && len(date) > 1 || len(tokens) > 1 {
		return nil, awserr.IncompleteSignature("The request has more than one date or security token.")
	}
	var err error
	if len(dates) == 1 {
		s.Time, err = time.Parse(timeFormat, dates[0])
	} else if s.Time, err = http.ParseTime(date[0]); err == nil && !slices.Contains(s.headers, "date") {
		return nil, mismatch(errors.New("the date header the signature depends on is not signed"))
	}
	if err != nil {
		return nil, badDate()
	}
	return s, s.setToken(tokens)
}

// The authentication parameters of a presigned URL.
const (
	paramAlgorithm     = "X-Amz-Algorithm"
	paramCredential    = "X-Amz-Credential"
	paramDate          = "X-Amz-Date"
	paramSignedHeaders = "X-Amz-SignedHeaders"
	paramSignature     = "X-Amz-Signature"
	paramToken         = "X-Amz-Security-Token"
)

// authParams picks the authentication parameters out of a query string; nil where there are none. X-Amz-Expires is not among them: STS ignores it,
// and a URL lives as long as any other signature.
func authParams(query []Param) (map[string]string, error) {
	var found map[string]string
	for _, p := range query {
		switch p.Name {
		case paramAlgorithm, paramCredential, paramDate, paramSignedHeaders, paramSignature, paramToken:
			if _, twice := found[p.Name]; twice {
				return nil, awserr.IncompleteSignature("The query-string parameter '" + p.Name + "' is given more than once.")
			}
			if found == nil {
				found = map[string]string{}
			}
			found[p.Name] = p.Value
		}
	}
	return found, nil
}

func fromQuery(r *http.Request, params map[string]string, query []Param) (*Signature, error) {
	var missing []string
	for _, name := range []string{paramAlgorithm, paramCredential, paramSignature, paramSignedHeaders, paramDate} {
		if params[name] == "" {
			missing = append(missing, "AWS query-string parameters must include '"+name+"'.")
		}
	}
	if missing != nil {
		return nil, awserr.IncompleteSignature(strings.Join(missing, " ") + " Re-examine the query-string parameters.")
	}
	if params[paramAlgorithm] != algorithm {
		return nil, unsupported(params[paramAlgorithm])
	}
	if r.Header.Values(paramToken) != nil || r.Header.Values(paramDate) != nil {
		return nil, awserr.IncompleteSignature("A request signed in its query string must carry its date and security token there.")
	}
	s := &Signature{Presigned: true}
	if err := s.read(params[paramCredential], params[paramSignedHeaders], params[paramSignature]); err != nil {
		return nil, err
	}
	at, err := time.Parse(timeFormat, params[paramDate])
	if err != nil {
		return nil, badDate()
	}
	s.Time = at
	s.query = slices.DeleteFunc(query, func(p Param) bool { return p.Name == paramSignature })
	if token, ok := params[paramToken]; ok {
		return s, s.setToken([]string{token})
	}
	return s, nil
}

// read takes in the three parts both forms have.
func (s *Signature) read(credential, headers, signature string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || slices.Contains(parts, "") || len(parts[0]) > maxKeyID {
		return awserr.IncompleteSignature("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	s.AccessKeyID, s.Scope = parts[0], Scope{parts[1], parts[2], parts[3], parts[4]}
	s.headers = strings.Split(headers, ";")
	if len(s.headers) > maxSignedHeaders {
		return awserr.IncompleteSignature("Too many signed headers.")
	}
	for i, name := range s.headers {
		if !headerName(name) || i > 0 && s.headers[i-1] >= name {
			return mismatch(fmt.Errorf("signed header %d is not a lower-case name in its alphabetical place", i+1))
		}
	}
	if !slices.Contains(s.headers, "host") {
		return awserr.SignatureDoesNotMatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if len(signature) != 64 || strings.Trim(signature, "0123456789abcdef") != "" {
		return mismatch(errors.New("the signature is not 64 hexadecimal digits"))
	}
	s.signature = signature
	return nil
}

func (s *Signature) setToken(tokens []string) error {
	if len(tokens) == 0 {
		return nil
	}
	if tokens[0] == "" || len(tokens[0]) > maxSecurityToken {
		return awserr.InvalidClientTokenID().Because(errors.New("the security token is empty or too long"))
	}
	s.SecurityToken = tokens[0]
	return nil
}

func headerName(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return true
}

func unsupported(algorithm string) error {
	const shown = 40
	return awserr.IncompleteSignature("Unsupported AWS 'algorithm': '" + algorithm[:min(len(algorithm), shown)] + "'.")
}

func badDate() error {
	return awserr.IncompleteSignature("Date must be in ISO-8601 'basic format', such as 20060102T150405Z.")
}
