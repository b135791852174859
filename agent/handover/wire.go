package handover

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Hand is what the old agent gives the new one.
type Hand struct {
	Listeners map[string]*net.TCPListener // by the addresses they were asked for
	State     []byte                      // the cache
}

// Close closes the listeners. Connections that wait in their queues are safe as long as another process has the same sockets.
func (h Hand) Close() {
	for _, l := range h.Listeners {
		l.Close() // an error says only that it was closed before
	}
}

// What is said, in this order: the new agent asks, the old one gives, the new one serves, the old one accepts no more.
const (
	asks     = "podpass agent 1\n"
	serves   = "serving\n"
	released = "released\n"
)

// How much is believed to come from another agent.
const (
	maxListeners = 64
	maxHeader    = 64 << 10
	maxState     = 256 << 20
)

// How long one side waits for the other.
const (
	giveTimeout    = 10 * time.Second // from asking to having been given all
	serveTimeout   = 30 * time.Second // from there to serving
	releaseTimeout = 10 * time.Second // from there to being the only one that accepts
)

// header names the listeners in the order of their descriptors.
type header struct {
	Listeners []string `json:"listeners"`
}

// lengths precede all else, and carry the descriptors.
type lengths struct{ Header, State uint32 }

const lengthsSize = 8

func give(conn *net.UnixConn, hand Hand) error {
	if len(hand.Listeners) > maxListeners || len(hand.State) > maxState {
		return fmt.Errorf("too much to hand over: %d listeners and %d bytes", len(hand.Listeners), len(hand.State))
	}
	var names header
	var fds []int
	for address, l := range hand.Listeners {
		f, err := l.File()
		if err != nil {
			return err
		}
		defer f.Close() // only now: its descriptor must live until it is sent
		fd, err := descriptor(f)
		if err != nil {
			return err
		}
		names.Listeners, fds = append(names.Listeners, address), append(fds, fd)
	}
	text, err := json.Marshal(names)
	if err != nil {
		return err
	}
	first, err := binary.Append(nil, binary.BigEndian, lengths{uint32(len(text)), uint32(len(hand.State))})
	if err != nil {
		return err
	}
	if _, _, err := conn.WriteMsgUnix(first, unix.UnixRights(fds...), nil); err != nil {
		return err
	}
	if _, err := conn.Write(text); err != nil {
		return err
	}
	_, err = conn.Write(hand.State)
	return err
}

// descriptor is not os.File.Fd, which would make the socket block in both processes.
func descriptor(f *os.File) (fd int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	return fd, raw.Control(func(n uintptr) { fd = int(n) })
}

// receive is the other end of give.
func receive(conn *net.UnixConn) (hand Hand, err error) {
	size, files, err := receiveLengths(conn)
	defer func() {
		for _, f := range files {
			f.Close()
		}
		if err != nil {
			hand.Close()
			hand = Hand{}
		}
	}()
	if err != nil {
		return hand, err
	}
	text := make([]byte, size.Header)
	if _, err := io.ReadFull(conn, text); err != nil {
		return hand, err
	}
	hand.State = make([]byte, size.State)
	if _, err := io.ReadFull(conn, hand.State); err != nil {
		return hand, err
	}
	var names header
	if err := json.Unmarshal(text, &names); err != nil {
		return hand, err
	}
	if len(names.Listeners) != len(files) {
		return hand, fmt.Errorf("%d descriptors for %d listeners", len(files), len(names.Listeners))
	}
	hand.Listeners = make(map[string]*net.TCPListener, len(files))
	for i, f := range files {
		l, err := net.FileListener(f)
		if err != nil {
			return hand, err
		}
		tcp, ok := l.(*net.TCPListener)
		if !ok || hand.Listeners[names.Listeners[i]] != nil {
			l.Close()
			return hand, fmt.Errorf("%s is no TCP listener of its own", names.Listeners[i])
		}
		hand.Listeners[names.Listeners[i]] = tcp
	}
	return hand, nil
}

// receiveLengths reads how much comes, and the descriptors, which are the caller's to close whatever the error.
func receiveLengths(conn *net.UnixConn) (size lengths, files []*os.File, err error) {
	first, oob := make([]byte, lengthsSize), make([]byte, unix.CmsgSpace(4*maxListeners))
	n, oobn, flags, _, err := conn.ReadMsgUnix(first, oob)
	if err != nil {
		return size, nil, err
	}
	if files, err = filesOf(oob[:oobn]); err != nil {
		return size, files, err
	}
	if flags&unix.MSG_CTRUNC != 0 {
		return size, files, errors.New("more descriptors than there may be")
	}
	if _, err := io.ReadFull(conn, first[n:]); err != nil {
		return size, files, err
	}
	if _, err := binary.Decode(first, binary.BigEndian, &size); err != nil {
		return size, files, err
	}
	if size.Header > maxHeader || size.State > maxState {
		return size, files, fmt.Errorf("%d and %d bytes are more than an agent hands over", size.Header, size.State)
	}
	return size, files, nil
}

// filesOf takes charge of the descriptors in a control message.
func filesOf(oob []byte) (files []*os.File, err error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return files, err
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "listener"))
		}
	}
	return files, nil
}

// expect reads one word of the conversation.
func expect(conn *net.UnixConn, word string) error {
	got := make([]byte, len(word))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if string(got) != word {
		return fmt.Errorf("it said %q instead of %q", got, word)
	}
	return nil
}
