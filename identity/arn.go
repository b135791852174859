package identity

import (
	"fmt"
	"strings"
)

// ARN is a parsed Amazon Resource Name, arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE. The resource may itself hold
// colons and slashes. Two ARNs are equal exactly when their texts are.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
type ARN struct {
	text string
	// ends of the partition, service, region and account segments in text
	partition, service, region, account uint16
}

// maxARN is the longest ARN any AWS API model admits.
const maxARN = 2048

// ParseARN reads an ARN of at most 2,048 printable ASCII characters with a partition, a service and a resource.
func ParseARN(text string) (ARN, error) {
	if len(text) > maxARN {
		return ARN{}, fmt.Errorf("ARN is longer than %d characters", maxARN)
	}
	for i := 0; i < len(text); i++ {
		if text[i] <= ' ' || text[i] > '~' {
			return ARN{}, fmt.Errorf("ARN %q holds a character that is not printable ASCII", text)
		}
	}
	rest, ok := strings.CutPrefix(text, "arn:")
	if !ok {
		return ARN{}, fmt.Errorf("ARN %q does not begin with \"arn:\"", text)
	}
	var ends [4]uint16
	at := len("arn:")
	for i := range ends {
		n := strings.IndexByte(rest, ':')
		if n < 0 {
			return ARN{}, fmt.Errorf("ARN %q has fewer than six segments", text)
		}
		ends[i] = uint16(at + n)
		at += n + 1
		rest = rest[n+1:]
	}
	a := ARN{text: text, partition: ends[0], service: ends[1], region: ends[2], account: ends[3]}
	if a.Partition() == "" || a.Service() == "" || a.Resource() == "" {
		return ARN{}, fmt.Errorf("ARN %q has an empty partition, service or resource", text)
	}
	return a, nil
}

// MustARN is ParseARN for texts that are correct by construction; it panics on any other.
func MustARN(text string) ARN {
	a, err := ParseARN(text)
	if err != nil {
		panic(err)
	}
	return a
}

func (a ARN) String() string { return a.text }

// IsZero reports whether a is no ARN at all.
func (a ARN) IsZero() bool { return a.text == "" }

// Partition is the second segment, such as "aws" or "aws-cn".
func (a ARN) Partition() string { return a.segment(len("arn:"), a.partition) }

// Service is the third segment, such as "iam".
func (a ARN) Service() string { return a.segment(int(a.partition)+1, a.service) }

// Region is the fourth segment; empty for global services.
func (a ARN) Region() string { return a.segment(int(a.service)+1, a.region) }

// Account is the fifth segment: 12 digits, "aws" for AWS's own policies, or empty.
func (a ARN) Account() Account { return Account(a.segment(int(a.region)+1, a.account)) }

// Resource is everything behind the fifth colon.
func (a ARN) Resource() string {
	if a.text == "" {
		return ""
	}
	return a.text[a.account+1:]
}

// ResourceName is what follows the last slash of the resource: a role's name without its path.
func (a ARN) ResourceName() string {
	r := a.Resource()
	return r[strings.LastIndexByte(r, '/')+1:]
}

func (a ARN) segment(from int, to uint16) string {
	if a.text == "" {
		return ""
	}
	return a.text[from:to]
}

// MarshalText and UnmarshalText make an ARN its own text in JSON; the zero ARN is the empty string.
func (a ARN) MarshalText() ([]byte, error) { return []byte(a.text), nil }

// UnmarshalText is the inverse of MarshalText.
func (a *ARN) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*a = ARN{}
		return nil
	}
	p, err := ParseARN(string(b))
	if err == nil {
		*a = p
	}
	return err
}
