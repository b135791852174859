// Package awsquery is the one way a request of AWS's Query protocol (STS, IAM) goes: read and capped, decoded, its action found,
// authenticated, validated, done, encoded; on record (package record) whatever comes of it, also where no action is known.
//
// A service is a list of actions; an action is a typed function (NewAction). No action can be reached around the pipeline.
//
// It refuses what could be read in two ways (a parameter given twice, a list with holes) and never answers an unknown error with
// more than InternalFailure. It may import record, sigv4, access, awserr and audit, and knows nothing of the services it serves.
package awsquery
