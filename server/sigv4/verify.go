package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/podpass/podpass/server/awserr"
)

// Rules are what a signature must be made for.
type Rules struct {
	Service string // "sts"
	// Window is how far from Now the signature's time may be, either way, both edges included: 15 minutes; EKS, 5.
	Window time.Duration
	Now    time.Time
}

// Check judges the scope and the time of a signature, by what it says of itself and the host name that was asked. Errors are SignatureDoesNotMatch
// with AWS's texts.
func (s *Signature) Check(r *http.Request, rules Rules) error {
	var wrong []string
	if !regionFits(r.Host, s.Scope.Region) {
		wrong = append(wrong, "Credential should be scoped to a valid region.")
	}
	if s.Scope.Service != rules.Service {
		wrong = append(wrong, "Credential should be scoped to correct service: '"+rules.Service+"'.")
	}
	if s.Scope.Terminator != terminator {
		wrong = append(wrong, "Credential should be scoped with a valid terminator: '"+terminator+"', not '"+clip(s.Scope.Terminator)+"'.")
	}
	at := s.Time.UTC().Format(timeFormat)
	if day := at[:len("20060102")]; s.Scope.Date != day {
		wrong = append(wrong, fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			clip(s.Scope.Date), day, at))
	}
	if wrong != nil {
		return awserr.SignatureDoesNotMatch(strings.Join(wrong, " "))
	}
	now := rules.Now.UTC().Truncate(time.Second) // signatures know whole seconds
	minutes := int(rules.Window / time.Minute)
	if limit := now.Add(-rules.Window); s.Time.Before(limit) {
		return awserr.SignatureDoesNotMatch(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)",
			at, limit.Format(timeFormat), now.Format(timeFormat), minutes))
	}
	if limit := now.Add(rules.Window); s.Time.After(limit) {
		return awserr.SignatureDoesNotMatch(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)",
			at, limit.Format(timeFormat), now.Format(timeFormat), minutes))
	}
	return nil
}

// verify is Keys.Verify with the signing key.
func (s *Signature) verify(r *http.Request, body, key []byte) error {
	if err := s.checkUnsigned(r); err != nil {
		return mismatch(err)
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	for _, said := range r.Header.Values("X-Amz-Content-Sha256") {
		if said != hash { // UNSIGNED-PAYLOAD and STREAMING-… are S3's
			return mismatch(errors.New("x-amz-content-sha256 is not the hash of the body"))
		}
	}
	canonical, err := s.canonicalRequest(r, hash)
	if err != nil {
		return mismatch(err)
	}
	want := hex.EncodeToString(mac(key, s.stringToSign(canonical)))
	if subtle.ConstantTimeCompare([]byte(want), []byte(s.signature)) != 1 {
		return mismatch(errors.New("the signature is wrong"))
	}
	return nil
}

func (s *Signature) stringToSign(canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	return algorithm + "\n" + s.Time.UTC().Format(timeFormat) + "\n" + s.Scope.String() + "\n" + hex.EncodeToString(sum[:])
}

// signingKey is good for one day, region and service.
func signingKey(secret string, scope Scope) []byte {
	k := []byte("AWS4" + secret)
	for _, part := range []string{scope.Date, scope.Region, scope.Service, scope.Terminator} {
		k = mac(k, part)
	}
	return k
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// mismatch is the one public text for every way in which a signature can be wrong; the cause says which.
func mismatch(cause error) error {
	return awserr.SignatureDoesNotMatch("The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.").Because(cause)
}

// clip keeps what is repeated to a caller short.
func clip(s string) string { return s[:min(len(s), 40)] }
