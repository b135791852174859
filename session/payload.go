package session

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/podpass/podpass/identity"
)

// The payload is: form (1) | length of the body as uvarint | body | zeros up to the size asked for.
//
// The body is the session's fields in a fixed order, as written by appendBody; one above compressFrom bytes is deflated where that is shorter.
// A session has exactly one body, and a body stands for exactly one session.
const (
	formPlain   = 0
	formDeflate = 1

	compressFrom = 1024
	// maxBody is above every body that could fit a token: 50 tags of the longest keys and values.
	maxBody = 64 << 10
	maxList = 1024
)

// dictionary primes the compressor with what session policies and tags are made of. It is part of the token's form: it changes only with version.
const dictionary = `kubernetes-service-accountkubernetes-namespacekubernetes-pod-namekubernetes-pod-uideks-cluster-nameeks-cluster-arn` +
	`aws:PrincipalTag/aws:RequestTag/aws:ResourceTag/aws:SourceIp"StringEquals":{"StringLike":{"ForAllValues:"ForAnyValue:"NotAction":"NotResource":` +
	`"arn:aws:iam::aws:policy/"arn:aws:secretsmanager:"arn:aws:dynamodb:us-west-2:"kms:Decrypt""s3:ListBucket""s3:PutObject""s3:GetObject"` +
	`{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Deny","Effect":"Allow","Action":["Resource":["arn:aws:s3:::"Resource":"*"}]}"Condition":{`

var errPayload = errors.New("malformed session payload")

func (r *Ring) encode(s *Session, minSize int) ([]byte, error) {
	body := appendBody(make([]byte, 0, 768), s)
	if len(body) > maxBody {
		return nil, &TooLargeError{Percent: (len(body)*100 + MaxToken - 1) / MaxToken}
	}
	form := byte(formPlain)
	if len(body) > compressFrom {
		small, err := r.deflate(body)
		if err != nil {
			return nil, err
		}
		if len(small) < len(body) {
			form, body = formDeflate, small
		}
	}
	out := append(make([]byte, 0, max(len(body)+binary.MaxVarintLen32, minSize)), form)
	out = binary.AppendUvarint(out, uint64(len(body)))
	out = append(out, body...)
	if pad := minSize - len(out); pad > 0 {
		out = append(out, make([]byte, pad)...)
	}
	return out, nil
}

func (r *Ring) deflate(body []byte) ([]byte, error) {
	w := r.writers.Get().(*flate.Writer)
	defer r.writers.Put(w)
	var out bytes.Buffer
	w.Reset(&out)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func decode(payload []byte) (Session, error) {
	if len(payload) == 0 {
		return Session{}, errPayload
	}
	in := reader{rest: payload[1:]}
	body := in.bytes(in.length(len(payload)))
	if in.bad || len(bytes.TrimLeft(in.rest, "\x00")) != 0 {
		return Session{}, errPayload
	}
	switch payload[0] {
	case formPlain:
	case formDeflate:
		small := bytes.NewReader(body)
		inflated, err := io.ReadAll(io.LimitReader(flate.NewReaderDict(small, []byte(dictionary)), maxBody+1))
		if err != nil || len(inflated) > maxBody || small.Len() != 0 {
			return Session{}, errPayload
		}
		body = inflated
	default:
		return Session{}, errPayload
	}
	return readBody(body)
}

func appendBody(b []byte, s *Session) []byte {
	account, _ := strconv.ParseUint(string(s.Account), 10, 64) // 12 digits: Session.check
	b = append(b, s.ID[:]...)
	b = append(b, byte(s.Kind), flag(s.Chained))
	b = binary.AppendUvarint(b, account)
	b = binary.AppendUvarint(b, uint64(s.IssuedAt.Unix()))
	b = binary.AppendUvarint(b, uint64(s.Expires.Unix()-s.IssuedAt.Unix()))
	for _, text := range s.texts() {
		b = appendText(b, *text)
	}
	b = binary.AppendUvarint(b, uint64(len(s.Tags)))
	for _, tag := range s.Tags {
		b = appendText(appendText(b, tag.Key), tag.Value)
	}
	for _, list := range s.lists() {
		b = binary.AppendUvarint(b, uint64(len(*list)))
		for _, text := range *list {
			b = appendText(b, text)
		}
	}
	return b
}

// texts and lists are the fields in the order they are written in. Both directions use them, so that they cannot differ.
func (s *Session) texts() [10]*string {
	return [...]*string{
		&s.PrincipalID, &s.PrincipalName, &s.Name, &s.SourceIdentity, &s.Policy, &s.Provider, &s.Subject, &s.Issuer, &s.Cluster, &s.PodUID,
	}
}

func (s *Session) lists() [2]*[]string { return [...]*[]string{&s.TransitiveKeys, &s.PolicyARNs} }

func readBody(body []byte) (s Session, err error) {
	in := reader{rest: body}
	copy(s.ID[:], in.bytes(len(s.ID)))
	s.Kind = Kind(in.byte())
	chained := in.byte()
	s.Chained = chained == 1
	account, issued, life := in.uvarint(), in.uvarint(), in.uvarint()
	if in.bad || chained > 1 || account > 999_999_999_999 || issued > 1<<40 || life > uint64(MaxDuration/time.Second) {
		return Session{}, errPayload
	}
	s.Account = identity.Account(fmt.Sprintf("%012d", account))
	s.IssuedAt = time.Unix(int64(issued), 0).UTC()
	s.Expires = s.IssuedAt.Add(time.Duration(life) * time.Second)
	for _, text := range s.texts() {
		*text = in.text()
	}
	if n := in.length(maxList); n > 0 {
		s.Tags = make(identity.Tags, n)
	}
	for i := range s.Tags {
		s.Tags[i] = identity.Tag{Key: in.text(), Value: in.text()}
	}
	for _, list := range s.lists() {
		if n := in.length(maxList); n > 0 {
			*list = make([]string, n)
		}
		for i := range *list {
			(*list)[i] = in.text()
		}
	}
	if in.bad || len(in.rest) != 0 || s.check() != nil {
		return Session{}, errPayload
	}
	return s, nil
}

// reader takes a body apart. Once bad, everything it reads is empty.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.bad, r.rest = true, nil
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// uvarint reads a number in its shortest form only.
func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || n > 1 && r.rest[n-1] == 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) length(most int) int {
	n := r.uvarint()
	if n > uint64(most) {
		r.bad, r.rest = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) text() string { return string(r.bytes(r.length(maxBody))) }

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func flag(set bool) byte {
	if set {
		return 1
	}
	return 0
}
