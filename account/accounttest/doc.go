// Package accounttest is AWS on a loopback port: a fake on the wire, built from AWS's own API models, for tests of package account and of the commands
// above it.
//
//	aws := accounttest.Start(t)
//	aws.Serve(accounttest.Network{VPCs: []accounttest.VPC{{ID: "vpc-1"}}})
//	aws.ServeClusters(accounttest.Cluster{Name: "shop", Version: "1.33"})
//	aws.On("ec2", "DescribeInstances", func(call *accounttest.Call) (accounttest.Values, error) { … })
//	aws.Throttle("iam", "GetRole", 2)
//	a, err := account.Connect(ctx, aws.Config(), account.Options{})
//
// A podpass server has STS, IAM, EKS Auth and a part of EKS, and a test that needs no more starts one with package podpasstest. This package is for
// what a server cannot be asked for: EC2 and the rest of EKS, and failures in the middle ([Verdict]). With [Behind] it stands in front of a server,
// answers what the test programs, and leaves the rest to it.
//
// It owns the wire: which call a request is, its input as the model reads it, the answer and the error as the service's protocol writes them (query,
// ec2, rest-json, json), what was called and when. It refuses to say what AWS could not: a member that the model does not have, a value of another
// type or outside its constraints, an error that the operation does not list, fail the test, and so does an input that the model does not have. What
// breaks a constraint of the model on the way in is answered as the service answers it. It verifies no signatures and evaluates no policies.
//
// One more service is a line in services.go, where its model is in aws-sdk-go and its protocol is one of the four; one more operation is [Server.On].
// What AWS answers that is not in that module's models, the last of which are of July 2024, is in later.json as far as a test needed it, in the models'
// own form.
//
// It imports the standard library and aws-sdk-go-v2's values; of aws-sdk-go it reads the models only, as files. Nothing but tests may import it.
package accounttest
