package main

import (
	"net"

	"github.com/rogpeppe/go-internal/testscript"
)

// listeners are the ports a script holds, by the variables that have their addresses.
type listeners map[string]net.Listener

type listenersKey struct{}

// listen VARIABLE takes a port for the length of the script and sets the variable to its address.
func listen(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
	ts.Value(listenersKey{}).(listeners)[args[0]] = l
}

// accept VARIABLE waits until someone has connected to that port and asked for something, and never answers.
func accept(ts *testscript.TestScript, _ bool, args []string) {
	conn, err := ts.Value(listenersKey{}).(listeners)[args[0]].Accept()
	ts.Check(err)
	ts.Defer(func() { conn.Close() })
	_, err = conn.Read(make([]byte, 1))
	ts.Check(err)
}
