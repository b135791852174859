package identity

import (
	"encoding/base32"
	"encoding/binary"
	"io"
	"strconv"
)

// The prefixes of AWS's unique ids and access key ids.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
const (
	PrefixRole      = "AROA"
	PrefixUser      = "AIDA"
	PrefixPolicy    = "ANPA"
	PrefixLongTerm  = "AKIA" // access key of a user
	PrefixTemporary = "ASIA" // access key of a session
)

const accountOffset = 1 << 39

// NewUniqueID makes an id such as AROA… (21 characters) or AKIA… (20) that carries its account, as AWS's do: the eight
// characters behind the prefix and the next one's upper half hold it, the rest is random.
func NewUniqueID(random io.Reader, prefix string, account Account) (string, error) {
	var tail [8]byte
	if _, err := io.ReadFull(random, tail[:]); err != nil {
		return "", err
	}
	return UniqueID(prefix, account, tail), nil
}

// UniqueID is NewUniqueID with its random bytes given, for ids derived from something else.
func UniqueID(prefix string, account Account, tail [8]byte) string {
	n, _ := strconv.ParseUint(string(account), 10, 64)
	var packed [5]byte
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], n/2+accountOffset)
	copy(packed[:], wide[3:])
	enc := base32.StdEncoding.WithPadding(base32.NoPadding)
	id := []byte(prefix + enc.EncodeToString(packed[:]) + enc.EncodeToString(tail[:])[:9])
	// The lowest bit of the account is told by which half of the alphabet the next character is in.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	at := len(prefix) + 8
	id[at] = alphabet[tail[0]&15|byte(n&1)<<4]
	if prefix == PrefixLongTerm || prefix == PrefixTemporary {
		return string(id[:20])
	}
	return string(id[:21])
}

// AccountOfID is the account an id carries; ok is false where the id is not of AWS's form.
func AccountOfID(id string) (Account, bool) {
	if len(id) < 13 {
		return "", false
	}
	packed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(id[4:12])
	if err != nil {
		return "", false
	}
	var wide [8]byte
	copy(wide[3:], packed)
	half := binary.BigEndian.Uint64(wide[:])
	if half < accountOffset {
		return "", false
	}
	n := (half - accountOffset) * 2
	if c := id[12]; c >= 'Q' && c <= 'Z' || c >= '2' && c <= '7' {
		n++
	}
	text := strconv.FormatUint(n, 10)
	if len(text) > 12 {
		return "", false
	}
	for len(text) < 12 {
		text = "0" + text
	}
	return Account(text), true
}
