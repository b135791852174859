package handover

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// Taken are an agent's listeners, wherever they come from.
type Taken struct {
	Hand
	Failed map[string]error // addresses that could not be listened at
	From   *Predecessor     // nil: there was no agent to replace
}

// again is the time between two tries to get an address.
const again = 100 * time.Millisecond

// Take listens at the addresses, with the sockets of the agent that runs where it has them. An address that is in use while no agent answers
// is tried for the time given, and so is an agent that does not give what it has: it may be about to end, or another one may just have taken
// over. path "" asks nobody.
func Take(ctx context.Context, path string, addresses []string, patience time.Duration) (*Taken, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		taken, err := take(ctx, path, addresses)
		if err == nil && (taken.From != nil || !taken.inUse()) {
			return taken, nil
		}
		select {
		case <-ctx.Done():
			return taken, err
		case <-time.After(again):
		}
		if err == nil {
			taken.Close()
		}
	}
}

func take(ctx context.Context, path string, addresses []string) (*Taken, error) {
	t := &Taken{Hand: Hand{Listeners: map[string]*net.TCPListener{}}, Failed: map[string]error{}}
	given := Hand{}
	if path != "" {
		from, err := Ask(ctx, path)
		if err != nil && !errors.Is(err, ErrNobody) {
			return nil, err
		}
		if from != nil {
			t.From, given, t.State = from, from.Hand, from.State
		}
	}
	for _, address := range addresses {
		l, has := given.Listeners[address]
		if has {
			delete(given.Listeners, address)
		} else {
			var err error
			if l, err = listen(ctx, address); err != nil {
				t.Failed[address] = err
				continue
			}
		}
		t.Listeners[address] = l
	}
	given.Close() // what is not wanted here, the old agent has until it ends
	return t, nil
}

// Late tries the addresses again that failed because the old agent had them in another way, now that it has let go.
func (t *Taken) Late(ctx context.Context) {
	for address, err := range t.Failed {
		if !errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if l, err := listen(ctx, address); err == nil {
			t.Listeners[address] = l
			delete(t.Failed, address)
		}
	}
}

func (t *Taken) inUse() bool {
	for _, err := range t.Failed {
		if errors.Is(err, syscall.EADDRINUSE) {
			return true
		}
	}
	return false
}

func listen(ctx context.Context, address string) (*net.TCPListener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return l.(*net.TCPListener), nil
}
