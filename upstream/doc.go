// Package upstream obtains credentials from services elsewhere: an STS (AWS's, MinIO's, another podpass's), or EKS Auth.
//
// It owns the choice among several endpoints of one service: which is asked first, when the next one is, and the way back; and the two small
// clients above it. Only what an endpoint could not answer (no connection, a time-out, a fault of its own, throttling) leads to the next: a refusal
// is an answer.
//
// It refuses redirects, and plain HTTP off loopback and private addresses unless it is told otherwise. It never logs a token or a key. MinIO's
// STS is a service like the others: it ignores the role's ARN where its users' policies come from a claim, and leaves out who was assumed.
//
// It imports identity and the AWS SDK, and nothing of the server or the store: server/eksauth and the agent stand on it.
package upstream
