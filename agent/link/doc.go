// Package link owns the node's addresses of the agent, 169.254.170.23 and fd00:ec2::23: whether they are there, and on what.
//
// An address that exists is taken as it is, wherever it is. One that is missing is put on a dummy link, as the EKS Pod Identity Agent does it, or
// on the loopback device where the kernel has no dummy links. A machine without IPv6 gets the IPv4 address alone: only to have neither is an error.
//
// It changes nothing else of the machine's network, takes away nothing but what it puts there, and imports nothing of ours.
package link
