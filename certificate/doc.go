// Package certificate keeps a program's serving certificate, and the CA it is signed by, in one Secret which all its replicas share.
//
// It owns the Secret's form, its repair, and the rotation of leaf and CA: a client that trusts what is published never meets a certificate
// whose CA it does not know, at any moment of a rotation and whichever replica it reaches.
//
// It refuses a Secret that it did not make, and serves nothing whose CA isn't published yet.
//
// It imports client-go and the standard library, and nothing of ours.
package certificate
