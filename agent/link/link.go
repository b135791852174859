package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Name is the dummy link's, and label that of the IPv4 address where there is no such link. A label begins with the name of its device.
const (
	Name  = "pod-id-link0"
	label = loopback + ":pod-id"

	loopback = "lo"
)

// Addresses are those SDKs and the webhook know: 169.254.170.23 and fd00:ec2::23.
func Addresses() []netip.Addr {
	return []netip.Addr{netip.AddrFrom4([4]byte{169, 254, 170, 23}), netip.MustParseAddr("fd00:ec2::23")}
}

// State is what became of one address.
type State struct {
	Addr   netip.Addr
	Device string // that has it; "" if none does
	Made   bool   // by this call
	Err    error  // why it is on no device
}

func (s State) String() string {
	switch {
	case s.Err != nil:
		return fmt.Sprintf("%s: %v", s.Addr, s.Err)
	case s.Made:
		return fmt.Sprintf("%s put on %s", s.Addr, s.Device)
	}
	return fmt.Sprintf("%s is on %s already", s.Addr, s.Device)
}

// Ways an address cannot be had.
var (
	errNoIPv6       = errors.New("IPv6 is switched off on this machine")
	errNotPermitted = errors.New("not permitted to add it (needs the capability NET_ADMIN)")
)

// Ensure puts on this machine what is missing of the addresses. The error is that not one of them is there in the end.
func Ensure(addrs ...netip.Addr) ([]State, error) {
	states := make([]State, len(addrs))
	var failures []error
	found := false
	for i, addr := range addrs {
		states[i] = ensure(addr)
		found = found || states[i].Err == nil
		if states[i].Err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", addr, states[i].Err))
		}
	}
	if !found {
		return states, errors.Join(failures...)
	}
	return states, nil
}

func ensure(addr netip.Addr) State {
	s := State{Addr: addr}
	var on netlink.Link
	if on, s.Err = holder(addr); s.Err != nil {
		return s
	}
	if on == nil {
		if on, s.Err = device(); s.Err == nil {
			s.Err = explain(add(on, addr), addr)
			s.Made = s.Err == nil
		}
	}
	if s.Err == nil && on.Attrs().Name == Name {
		s.Err = explain(raise(on, addr), addr)
	}
	if s.Err == nil {
		s.Device = on.Attrs().Name
	}
	if s.Made {
		settle(addr)
	}
	return s
}

// settleTime is more than a busy machine has been seen to take.
const settleTime = 2 * time.Second

// settle returns when the kernel delivers to a new address. It routes an IPv6 address some time after it has acknowledged it, and until then
// connections to it fail.
func settle(addr netip.Addr) {
	for deadline := time.Now().Add(settleTime); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if routes, err := netlink.RouteGet(addr.AsSlice()); err == nil && len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL {
			return
		}
	}
}

// holder is the device that has the address, nil if none has.
func holder(addr netip.Addr) (netlink.Link, error) {
	all, err := list(nil, addr)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if is(a, addr) {
			return netlink.LinkByIndex(a.LinkIndex)
		}
	}
	return nil, nil
}

// list is the addresses of a device, or of all of them. What it gets while they change is good enough: whether one is there or not.
func list(on netlink.Link, addr netip.Addr) ([]netlink.Addr, error) {
	all, err := netlink.AddrList(on, family(addr))
	if errors.Is(err, netlink.ErrDumpInterrupted) {
		err = nil
	}
	return all, err
}

func is(a netlink.Addr, addr netip.Addr) bool {
	have, ok := netip.AddrFromSlice(a.IP)
	return ok && have.Unmap() == addr
}

// device is the dummy link, made if need be, or loopback on a kernel that has no such links.
func device() (netlink.Link, error) {
	on, err := netlink.LinkByName(Name)
	if err == nil || !errors.As(err, new(netlink.LinkNotFoundError)) {
		return on, err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = Name
	switch err := netlink.LinkAdd(&netlink.Dummy{LinkAttrs: attrs}); {
	case err == nil, errors.Is(err, unix.EEXIST): // another agent has just made it
		return netlink.LinkByName(Name)
	case errors.Is(err, unix.EOPNOTSUPP):
		return netlink.LinkByName(loopback)
	case errors.Is(err, unix.EPERM):
		return nil, errNotPermitted
	default:
		return nil, fmt.Errorf("link %s: %w", Name, err)
	}
}

// add does not wait for the kernel to look for the address on the network first, where it could be nobody else's.
func add(on netlink.Link, addr netip.Addr) error {
	a := &netlink.Addr{IPNet: network(addr)}
	if addr.Is6() {
		a.Flags = unix.IFA_F_NODAD
	} else {
		a.Scope = int(netlink.SCOPE_LINK) // never the source of what another interface sends
		if on.Attrs().Name == loopback {
			a.Label = label
		}
	}
	err := netlink.AddrAdd(on, a)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

// raise brings the dummy link up and routes the address there, as the EKS Pod Identity Agent does. It asks for nothing that is so already, for
// an agent that found all in place may lack the right to.
func raise(on netlink.Link, addr netip.Addr) error {
	if on.Attrs().Flags&net.FlagUp == 0 {
		if err := netlink.LinkSetUp(on); err != nil {
			return err
		}
	}
	route := &netlink.Route{LinkIndex: on.Attrs().Index, Dst: network(addr), Scope: netlink.SCOPE_LINK}
	there, err := netlink.RouteListFiltered(family(addr), route, netlink.RT_FILTER_OIF|netlink.RT_FILTER_DST)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) || len(there) > 0 {
		return err
	}
	if err := netlink.RouteAdd(route); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("route to %s: %w", addr, err)
	}
	return nil
}

// explain names the two reasons that have nothing to do with us. The kernel says EACCES where IPv6 is switched off by sysctl, and one of the
// others where it is switched off at boot or not built in.
func explain(err error, addr netip.Addr) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return errNotPermitted
	case addr.Is6() && (errors.Is(err, unix.EACCES) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EAFNOSUPPORT)):
		return errNoIPv6
	}
	return err
}

// Remove takes the addresses off the dummy link and off loopback, and the link away. Those on other devices were never ours and stay. It says
// what it removed.
func Remove(addrs ...netip.Addr) (removed []string, err error) {
	if on, err := netlink.LinkByName(Name); err == nil && on.Type() == "dummy" {
		if err := netlink.LinkDel(on); err != nil {
			return nil, fmt.Errorf("link %s: %w", Name, explain(err, netip.Addr{}))
		}
		removed = append(removed, "link "+Name)
	} else if err != nil && !errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil, err
	}
	on, err := netlink.LinkByName(loopback)
	if err != nil {
		return removed, err
	}
	for _, addr := range addrs {
		there, err := list(on, addr)
		if err != nil {
			return removed, err
		}
		for _, a := range there {
			if !is(a, addr) || addr.Is4() && a.Label != label {
				continue
			}
			if err := netlink.AddrDel(on, &a); err != nil {
				return removed, fmt.Errorf("%s on %s: %w", addr, loopback, explain(err, addr))
			}
			removed = append(removed, fmt.Sprintf("%s on %s", addr, loopback))
		}
	}
	return removed, nil
}

func network(addr netip.Addr) *net.IPNet {
	return &net.IPNet{IP: addr.AsSlice(), Mask: net.CIDRMask(addr.BitLen(), addr.BitLen())}
}

func family(addr netip.Addr) int {
	if addr.Is4() {
		return netlink.FAMILY_V4
	}
	return netlink.FAMILY_V6
}
