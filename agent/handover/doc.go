// Package handover lets an agent be replaced without a refused connection: the new one asks the old one, over a Unix socket, for its listening
// sockets and its cache. Both then accept from the same queues until the new one says that it serves; the old one stops accepting, answers what it
// has begun, and is done. A new one that dies before it says so has changed nothing.
//
// It owns the socket, what is said on it, and who may ask: the same user, or root, as the kernel says, in a directory of mode 0700 that is theirs.
// What it carries holds secrets and is never written anywhere.
//
// It knows nothing of what is served, and imports nothing of ours.
package handover
