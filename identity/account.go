package identity

import (
	"fmt"
	"strings"
)

// Account is a 12-digit AWS account number, kept as text because leading zeros count.
type Account string

// ParseAccount reads exactly 12 ASCII digits.
func ParseAccount(text string) (Account, error) {
	if !isDigits(text, 12) {
		return "", fmt.Errorf("account %q is not 12 digits", text)
	}
	return Account(text), nil
}

// IAM is the ARN of an IAM resource of this account, such as "role/team/reader" or "root".
func (a Account) IAM(partition, resource string) ARN {
	return MustARN("arn:" + partition + ":iam::" + string(a) + ":" + resource)
}

// AssumedRole is the ARN of a session of one of this account's roles. The role's path is not part of it.
func (a Account) AssumedRole(partition, role, session string) ARN {
	return MustARN("arn:" + partition + ":sts::" + string(a) + ":assumed-role/" + role + "/" + session)
}

// RoleName takes the path and the name out of a role's ARN; ok is false for any other ARN.
func RoleName(a ARN) (path, name string, ok bool) {
	rest, ok := strings.CutPrefix(a.Resource(), "role/")
	if !ok || a.Service() != "iam" || a.Region() != "" || !isDigits(string(a.Account()), 12) {
		return "", "", false
	}
	i := strings.LastIndexByte(rest, '/')
	if rest[i+1:] == "" {
		return "", "", false
	}
	return "/" + rest[:i+1], rest[i+1:], true
}

// ParseRoleARN reads the ARN of a role.
func ParseRoleARN(text string) (ARN, error) {
	arn, err := ParseARN(text)
	if err != nil {
		return ARN{}, err
	}
	if _, _, ok := RoleName(arn); !ok {
		return ARN{}, fmt.Errorf("%q is not the ARN of a role, such as arn:aws:iam::111122223333:role/web", text)
	}
	return arn, nil
}

func isDigits(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := 0; i < n; i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
