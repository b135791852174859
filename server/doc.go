// Package server is the authority as one process: it opens the state, mounts the services on one port and health and metrics on another, and
// closes them in order. What a request means is decided in the services, each a package below this one.
//
// It refuses to serve plain HTTP on anything but loopback unless it is told to, and to answer while the state may be out of date.
package server
