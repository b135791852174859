package identity

import "strings"

// Partition is one of AWS's separate worlds: own accounts, own host names, own ARN prefix.
type Partition struct {
	ID              string // "aws", "aws-cn"
	DNSSuffix       string // "amazonaws.com"
	DualStackSuffix string // "api.aws"
	GlobalRegion    string // the region global services sign for
	prefixes        []string
}

// The partitions as the SDKs' endpoint data has them. The prefixes do not overlap except for those of "aws" with the
// others, which is why it is asked last.
var partitions = []Partition{
	{"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1", []string{"cn-"}},
	{"aws-us-gov", "amazonaws.com", "api.aws", "us-gov-west-1", []string{"us-gov-"}},
	{"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1", []string{"eusc-"}},
	{"aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1", []string{"us-iso-"}},
	{"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1", []string{"us-isob-"}},
	{"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1", []string{"eu-isoe-"}},
	{"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1", []string{"us-isof-"}},
	{"aws", "amazonaws.com", "api.aws", "us-east-1", nil},
}

// Partitions are all partitions known, "aws" last.
func Partitions() []Partition { return append([]Partition(nil), partitions...) }

// PartitionOf is the partition a region belongs to; a region no pattern matches falls to "aws", as in the SDKs.
func PartitionOf(region string) Partition {
	for _, p := range partitions {
		for _, prefix := range p.prefixes {
			if strings.HasPrefix(region, prefix) {
				return p
			}
		}
	}
	return partitions[len(partitions)-1]
}

// KnownPartition reports whether id names a partition.
func KnownPartition(id string) bool {
	for _, p := range partitions {
		if p.ID == id {
			return true
		}
	}
	return false
}

// ValidRegion reports whether text has the form of a region name: lower-case words and a number, joined by hyphens.
// It doesn't ask whether AWS has such a region: installations outside AWS choose their own.
func ValidRegion(text string) bool {
	if len(text) < 3 || len(text) > 40 || text[0] == '-' || text[len(text)-1] == '-' || !strings.Contains(text, "-") {
		return false
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
