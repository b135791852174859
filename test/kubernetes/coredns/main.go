// Command coredns is CoreDNS with the plugins a test's node needs and no others, which makes it quick to build. It is a module of its own, so that nothing
// CoreDNS requires reaches the product's go.mod.
package main

import (
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

func main() { coremain.Run() }
