package accounttest

import (
	"sync"
)

// service is an API by the name that its signatures have.
type service struct {
	name, version string
	dir           string // of its model, where that is not its name
	model         func() (*model, error)

	denied, throttled Error  // as this service says it
	invalid           string // code for input outside the model's constraints
}

// The refusals of every service of a protocol are alike, save for EC2's, which has codes of its own.
//
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
var (
	ec2Denied      = Error{Code: "UnauthorizedOperation", Message: "You are not authorized to perform this operation. User: %s is not authorized to perform: %s"}
	queryDenied    = Error{Code: "AccessDenied", Message: "User: %s is not authorized to perform: %s"}
	jsonDenied     = Error{Code: "AccessDeniedException", Message: "User: %s is not authorized to perform: %s"}
	ec2Throttled   = Error{Code: "RequestLimitExceeded", Message: "Request limit exceeded."}
	queryThrottled = Error{Code: "Throttling", Message: "Rate exceeded"}
	jsonThrottled  = Error{Code: "ThrottlingException", Message: "Rate exceeded"}
)

// services are read when they are first called, once a process: EC2's model is more than a megabyte.
var services = modelled(
	service{name: "ec2", version: "2016-11-15", denied: ec2Denied, throttled: ec2Throttled, invalid: "InvalidParameterValue"},
	service{name: "iam", version: "2010-05-08", denied: queryDenied, throttled: queryThrottled, invalid: "ValidationError"},
	service{name: "sts", version: "2011-06-15", denied: queryDenied, throttled: queryThrottled, invalid: "ValidationError"},
	service{
		name: "elasticloadbalancing", version: "2015-12-01", dir: "elasticloadbalancingv2",
		denied: queryDenied, throttled: queryThrottled, invalid: "ValidationError",
	},
	service{name: "eks", version: "2017-11-01", denied: jsonDenied, throttled: jsonThrottled, invalid: "InvalidParameterException"},
	service{name: "eks-auth", version: "2023-11-26", denied: jsonDenied, throttled: jsonThrottled, invalid: "InvalidParameterException"},
	service{name: "ecr", version: "2015-09-21", denied: jsonDenied, throttled: jsonThrottled, invalid: "InvalidParameterException"},
)

func modelled(list ...service) []*service {
	var out []*service
	for _, s := range list {
		if s.dir == "" {
			s.dir = s.name
		}
		s.model = sync.OnceValues(func() (*model, error) { return readModel(s.name, s.dir, s.version) })
		out = append(out, &s)
	}
	return out
}

func serviceNamed(name string) *service {
	for _, s := range services {
		if s.name == name {
			return s
		}
	}
	return nil
}

// serviceOf is the query service of a Version parameter, which no two services share.
func serviceOf(version string) *service {
	for _, s := range services {
		if s.version == version {
			return s
		}
	}
	return nil
}
