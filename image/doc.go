// Package image makes container images of podpass's own static binaries, with no Docker, no builder and no base image.
//
// It owns what is in such an image: the binary, its user (65532, which has no name anywhere else), the root certificates a binary needs that
// calls AWS from a file system that has none, and a /tmp. The same binaries always make the same image, bit for bit, so that its digest can
// be computed instead of looked up: what podpass install pins is what podpass image push has sent.
//
// It refuses binaries that could not run there: of another system, or linked dynamically. It decides nothing about where an image is used.
//
// It may import go-containerregistry, and nothing of ours.
package image
