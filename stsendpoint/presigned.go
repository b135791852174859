package stsendpoint

import "github.com/podpass/podpass/identity"

// Presigned is what presigned S3 URLs of pods in a region look like, per type.
type Presigned struct {
	Region   string `json:"region"`
	Regional string `json:"regional"`
	Global   string `json:"global,omitempty"` // "" where the partition has no global endpoints
}

// PresignedNote says how far the type decides which of the two is made.
const PresignedNote = "which of the two an SDK makes is a setting of S3's own, and of its release, though Amazon's page ties it to the STS type: look at a URL of your application's"

// PresignedURLs are the forms of a region.
//
// Source: https://docs.aws.amazon.com/eks/latest/userguide/configure-sts-endpoint.html
func PresignedURLs(region string) Presigned {
	partition := identity.PartitionOf(region)
	query := "?...&X-Amz-Credential=<access key id>/<date>/" + region + "/s3/aws4_request&..."
	out := Presigned{Region: region, Regional: "https://<bucket>.s3." + region + "." + partition.DNSSuffix + "/<key>" + query}
	if partition.ID == "aws" {
		out.Global = "https://<bucket>.s3.amazonaws.com/<key>" + query
	}
	return out
}
