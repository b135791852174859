// Package stsendpoint says which STS the pods of a cluster call, the one of their region or the global one, and why; and it changes that: the annotation of
// a service account first, then the pods, as their owners want them to be replaced, and in the end a look at every pod whether it has what was asked for.
//
// What it decides is pure and in values that carry their reason: Judge (what a container has), Expect (what a new pod would be given), NewPlan (what a
// change takes). Its tables, of Kubernetes releases, regions, SDKs and images, are data. Reader reads the world, Change changes it; both go on where a
// part of the world may not be read, and say so.
//
// It decides from the world alone and keeps no state of its own, so that a change that was interrupted is finished by asking for it again. What a webhook
// gives to a new pod is not guessed but asked for, by a dry run, wherever that is allowed: webhooks differ in it. It never reads a Secret.
//
// It imports cluster, account and identity, and of webhook the table of releases; it does not need podpass to be installed.
package stsendpoint
